"""`equipoise verify`: a verdict is worked out again from what was sealed, and whatever was changed since is named."""

import dataclasses
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import chain, ledger, lineage
from pipeline.__main__ import main
from pipeline.commands import verify
from pipeline.errors import BadInput, Permanent
from pipeline.gate.run import VERSION, run
from tests.gate import world
from tests.gate.test_run import _day
from tests.gate.world import DAY, lesson, recipe, seal


@pytest.fixture
def settings(home, tmp_path):
    return world.settle(home, tmp_path / "config")


@pytest.fixture
def judged(settings):
    return run(_day(settings), recipe(), settings)


def _rewrite(settings, id, name, change):
    """Change a sealed file and its sum in the manifest, as somebody would who knows how seals work."""
    folder = lineage.folder(settings, id)
    change(folder / name)
    manifest = lineage.manifest(settings, id)
    lineage.write_json(folder / "manifest.json", manifest | {"files": manifest["files"] | {name: lineage.sha256(folder / name)}})


def _better(path):
    facts = json.loads(path.read_text())
    facts["abilities"]["maths"]["lost"] = 0
    path.write_text(json.dumps(facts))


def _flip(path):
    table = pq.read_table(path).to_pylist()
    for row in table[:30]:
        row["value"] = 1.0 - row["value"]
    pq.write_table(pa.Table.from_pylist(table), path)


def test_a_verdict_comes_out_the_same_again(settings, judged):
    found = verify.run([judged["id"]], settings)["checked"][judged["id"]]
    assert found["notes"] == []
    assert found["held"][-1] == "promote, the same again from 1240 items in 3 abilities"


def test_every_verdict_is_a_line_once(settings, judged):
    run(judged["scores"]["candidate"], recipe(), settings)
    line = ledger.lines(settings)[judged["id"]]
    assert len(chain.read(chain.load(ledger.path(settings)))) == 1
    assert line["margins"]["margin"] == 0.05
    assert line["gate"] == VERSION
    assert line["verdict"] == "promote"
    assert set(line["scores"]) == {"candidate", "champion", "origin"}
    sealed = lineage.manifest(settings, judged["scores"]["candidate"])
    assert line["scores"]["candidate"]["items"] == sealed["files"]["items.parquet"]


def test_a_changed_file_is_named(settings, judged):
    _better(lineage.folder(settings, judged["id"]) / "verdict.json")
    with pytest.raises(Permanent, match=f"{judged['id']}/verdict.json is not what was sealed"):
        verify.run([judged["id"]], settings)


def test_a_figure_changed_with_its_seal_is_named_by_the_recomputation_and_by_the_ledger(settings, judged):
    _rewrite(settings, judged["id"], "verdict.json", _better)
    with pytest.raises(Permanent, match=r"(?s)ledger: files.verdict.json.*abilities.maths.lost: sealed 0, now 3"):
        verify.run([judged["id"]], settings)


def test_answers_changed_with_their_seal_are_named(settings, judged):
    _rewrite(settings, judged["scores"]["candidate"], "items.parquet", _flip)
    with pytest.raises(Permanent, match=r"(?s)ledger: scores.candidate.items.*abilities\.\w+\.(lost|gained|drop)"):
        verify.run([judged["id"]], settings)


@pytest.mark.parametrize("number", [1, 2])
def test_a_line_changed_or_taken_out_is_seen(settings, judged, number):
    other = run(_day(settings, "b", maths=(80, 5, 600)), recipe(), settings)
    run(_day(settings, "c"), recipe(), settings)
    path = ledger.path(settings)
    lines = path.read_text().splitlines()
    lines[number - 1] = lines[number - 1].replace('"verdict": "block"', '"verdict": "promote"').replace('"margin": 0.05', '"margin": 0.5')
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(
        Permanent, match=rf"(?s)ledger.jsonl: line {number + 1} does not follow.*{(judged, other)[number - 1]['id']}: ledger: "
    ):
        verify.run([judged["id"], other["id"]], settings)


def test_the_last_line_has_no_follower_and_is_held_against_its_folder(settings, judged):
    path = ledger.path(settings)
    path.write_text(path.read_text().replace('"margin": 0.05', '"margin": 0.5'))
    with pytest.raises(Permanent, match=r"ledger: margins.margin: sealed 0.5, now 0.05"):
        verify.run([judged["id"]], settings)


def _release(settings, judged):
    report = seal(settings, f"report-{DAY}-11111111", [judged["id"]])
    id = f"release-{DAY}-22222222"
    with lineage.making(settings, id, parents=[report, judged["candidate"]], recipe={}) as work:
        files = lineage.manifest(settings, judged["candidate"])["files"]
        facts = {"model": judged["candidate"], "verdict_id": judged["id"], "verdict": judged["verdict"], "report": report, "files": files}
        lineage.write_json(work.folder / "release.json", facts)
        work.extra |= {"model": judged["candidate"]}
    ledger.enter(settings, id)
    return id


def test_a_release_stands_on_its_verdict(settings, judged):
    id = _release(settings, judged)
    found = verify.run([id], settings)["checked"][id]
    assert found["held"][-1].startswith(f"stands on {judged['id']}: promote, the same again")
    _rewrite(settings, judged["id"], "verdict.json", _better)
    with pytest.raises(Permanent, match=f"{id}: {judged['id']}: "):
        verify.run([id], settings)


def test_all_is_every_verdict_and_release(settings, judged, capsys, monkeypatch):
    id = _release(settings, judged)
    monkeypatch.setattr("pipeline.settings.load", lambda: settings)
    assert main(["verify", "--all", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["checked"]) == {"ledger.jsonl", "decisions.jsonl", judged["id"], id}
    _better(lineage.folder(settings, judged["id"]) / "verdict.json")
    assert main(["verify", "--all"]) == 65
    assert "is not what was sealed" in capsys.readouterr().err


def test_a_verdict_of_an_older_gate_is_held_to_its_sums_only(settings, judged):
    folder = lineage.folder(settings, judged["id"])
    manifest = lineage.manifest(settings, judged["id"])
    lineage.write_json(folder / "manifest.json", {k: v for k, v in manifest.items() if k not in ("inputs", "gate")})
    ledger.path(settings).unlink()
    found = verify.run([judged["id"]], settings)["checked"][judged["id"]]
    assert found["notes"] == ["older than the ledger: it has no line there", f"given by version 1 of the gate, this is {VERSION}: its figures were not worked out again"]  # fmt: skip


def test_only_verdicts_and_releases_can_be_verified(settings):
    with pytest.raises(BadInput, match="verify takes a verdict-… or a release-… id"):
        verify.run([lesson(settings)[2]], settings)


def test_two_homes_give_the_same_verdict_from_the_same_scores(settings, judged, tmp_path):
    shutil.copytree(settings.home, tmp_path / "other")
    other = dataclasses.replace(settings, home=tmp_path / "other")
    shutil.rmtree(other.home / "verdict")
    again = run(judged["scores"]["candidate"], recipe(), other)
    assert again == judged


def test_a_line_that_a_kill_left_out_is_written_when_the_gate_runs_again(settings, judged):
    ledger.path(settings).unlink()
    run(judged["scores"]["candidate"], recipe(), settings)
    assert list(ledger.lines(settings)) == [judged["id"]]


def test_a_torn_line_is_cut_before_the_next_is_written(settings, judged):
    with ledger.path(settings).open("a") as file:
        file.write('{"id": "verdict-')
    other = run(_day(settings, "b"), recipe(), settings)
    assert list(ledger.lines(settings)) == [judged["id"], other["id"]]
    assert chain.broken(chain.load(ledger.path(settings))) is None


def test_scores_from_which_a_person_was_erased_are_held_to_their_receipt(settings, judged):
    scored = judged["scores"]["candidate"]
    before = lineage.manifest(settings, scored)["files"]["items.parquet"]
    _rewrite(settings, scored, "items.parquet", _flip)
    folder, manifest = lineage.folder(settings, scored), lineage.manifest(settings, scored)
    note = {"at": "x", "receipt": "erasure-1", "files": {"items.parquet": {"before": before, "after": manifest["files"]["items.parquet"], "out": 1}}}  # fmt: skip
    lineage.write_json(folder / "manifest.json", manifest | {"erased": [note]})
    found = verify.run([judged["id"]], settings)["checked"][judged["id"]]
    assert found["held"][-1] == "its line in the ledger holds"
    assert found["notes"] == [f"people were erased from {scored} since: its figures were not worked out again"]


def test_scores_that_are_gone_are_named_and_the_rest_is_still_checked(settings, judged):
    other = run(_day(settings, "b"), recipe(), settings)
    shutil.rmtree(lineage.folder(settings, other["scores"]["candidate"]))
    with pytest.raises(
        Permanent, match=f"1 of what was sealed does not hold:\n- {other['id']}: {other['scores']['candidate']} is not sealed"
    ):
        verify.run([judged["id"], other["id"]], settings)
