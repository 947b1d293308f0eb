"""The report says what the verdict says, in the same figures on the page and in report.json, and survives a lesson that lacks parts."""

import json
import re
import subprocess
import sys

import pytest

from pipeline import lineage, recipe
from pipeline.errors import BadInput, Permanent
from pipeline.report import run
from tests import lineage_world
from tests.lineage_parts import ABILITIES, FLIPS

DAILY = recipe.Recipe()


def made(home, verdict="block", lesson=DAILY, **options):
    world = lineage_world.build(home, verdict, lesson=lesson, **options)
    id = run.run(world.verdict, lesson, home)["id"]
    folder = lineage.folder(home, id)
    return world, id, json.loads((folder / "report.json").read_text()), (folder / "index.html").read_text()


@pytest.mark.parametrize("verdict", ["promote", "hold", "block"])
def test_a_report_names_its_verdict_its_own_id_and_what_can_be_done(home, verdict):
    world, id, facts, page = made(home, verdict)
    assert id in page and world.verdict in page and world.model in page
    assert (facts["id"], facts["verdict_id"], facts["verdict"]) == (id, world.verdict, verdict)
    assert facts["headline"] in re.sub(r"&#39;", "'", page)
    commands = [a["command"] for a in facts["next"] if a["command"]]
    assert any(c.startswith(f"equipoise promote {id}") for c in commands) == (verdict != "block"), "a block is not offered for approval"
    assert any("--reject" in c for c in commands) == (verdict == "hold")
    assert any(c.startswith("equipoise rollback") for c in commands) == (verdict != "block")


def test_a_lesson_that_always_asks_offers_yes_and_no(home):
    _, id, facts, _ = made(home, "promote", recipe.Recipe(approval="always"))
    assert [a["command"] for a in facts["next"]][:2] == [
        f'equipoise promote {id} --by YOU --note "why"',
        f'equipoise promote {id} --reject --by YOU --note "why"',
    ]


def test_every_ability_stands_in_the_report_with_the_verdicts_own_figures(home):
    world, _, facts, page = made(home)
    verdict = json.loads((lineage.folder(home, world.verdict) / "verdict.json").read_text())
    for table, found in zip(facts["references"], (verdict, verdict["origin"]), strict=True):
        assert {r["name"] for r in table["rows"]} == set(ABILITIES)
        for row in table["rows"]:
            expected = found["abilities"][row["name"]]
            assert {k: row[k] for k in expected} == expected
    assert "arithmetic" in facts["headline"] and "18.0 points" in facts["headline"]
    for margin in ("15.0", "17.0"):
        assert f"<span>11.1 to 25.1</span>, <span>margin {margin}</span>" in page, "the interval against champion and against origin"


def test_lost_items_are_those_of_the_verdict_and_can_be_read(home):
    _, _, facts, page = made(home)
    counts = {g["ability"]: (g["lost"], g["gained"]) for g in facts["items"]}
    assert counts == dict(zip(ABILITIES, FLIPS["block"], strict=True)) | {"person_json": (1, 41)}
    fallen = next(g for g in facts["items"] if g["ability"] == "arithmetic")
    for item in fallen["lost_items"]:
        assert item["champion"] == f"The answer is {item['target']}."
        assert item["candidate"] != item["champion"]
        assert item["prompt"].splitlines()[0] in page


def test_what_the_suite_cannot_see_is_said_in_points(home):
    world, _, facts, page = made(home)
    verdict = json.loads((lineage.folder(home, world.verdict) / "verdict.json").read_text())
    least = 100 * verdict["pooled"]["smallest_detectable_drop"]
    assert facts["blind"]["points"] == pytest.approx(least, abs=0.005)
    assert f"This suite cannot see less than {least:.1f} points" in page
    assert "would pass these margins with probability .81" in page


def test_data_samples_tasks_losses_plan_and_lineage_are_there(home):
    world, _, facts, page = made(home)
    assert facts["data"]["logs"]["lines"] == 412
    assert sum(d["n"] for d in facts["data"]["dropped"]) == 17
    assert facts["data"]["quarantine"] == {"torn JSON": 4, "invalid UTF-8": 2, "message of the event is absent": 1}
    assert {(t["name"], t["rows"], t["passes"], t["tokens"]) for t in facts["tasks"]} == {
        ("person_json", 24, 48, 2928),
        ("general", 48, 48, 2304),
    }
    assert [(c["task"], c["phase"]) for c in facts["curves"]] == [
        ("person_json", "main"),
        ("general", "main"),
        ("person_json", "key"),
        ("person_json", "dpo"),
    ]
    assert "its rows may be known by heart" in facts["curves"][0]["warnings"][0]
    assert {p["name"] for p in facts["plan"]["values"]} >= {"lora_rank", "epochs"} and all(p["why"] for p in facts["plan"]["values"])
    own = {i["id"] for step in facts["lineage"] for i in step["ids"] if i["own"]}
    assert own == {world.logs, world.pairs, world.mix, world.model, world.scores["candidate"], world.verdict}
    assert all(i in page for i in own)
    assert {s["stage"] for s in facts["stages"]} == {"ingest", "mine", "mix", "train", "evaluate", "gate"}
    assert all(e["name"] for row in facts["samples"]["sft"] for e in row["evidence"])
    assert all(row["chosen"] != row["rejected"] for row in facts["samples"]["dpo"])


def test_samples_are_taught_rows_and_never_general_replay(home):
    _, _, facts, _ = made(home)
    assert len(facts["samples"]["sft"]) == 6
    assert all(row["example_id"].startswith("x-") for row in facts["samples"]["sft"])
    assert len({row["example_id"] for row in facts["samples"]["sft"]}) == 6


def test_equal_verdicts_give_equal_bytes_and_a_second_run_changes_nothing(home):
    world, id, _, _ = made(home)
    path = lineage.folder(home, id)
    before = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in path.iterdir()}
    assert run.run(world.verdict, DAILY, home)["id"] == id
    assert before == {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in path.iterdir()}
    (path / "manifest.json").unlink()
    assert run.run(world.verdict, DAILY, home)["id"] == id
    assert (path / "index.html").read_bytes() == before["index.html"][1]
    assert (path / "report.json").read_bytes() == before["report.json"][1]


@pytest.mark.parametrize(
    "options",
    [{"dpo": False}, {"key": False}, {"hotfix": True}, {"dpo": False, "key": False, "hotfix": True}],
    ids=["no preferences", "no key phase", "hotfix", "hardly anything"],
)
def test_a_lesson_that_lacks_parts_is_still_reported(home, options):
    world, _, facts, page = made(home, "hold", **options)
    assert world.verdict in page
    assert bool(facts["samples"]["dpo"]) == options.get("dpo", True)
    assert ("key" in {c["phase"] for c in facts["curves"]}) == options.get("key", True)


def test_parents_no_longer_on_disk_are_left_out_and_not_invented(home):
    """Retention prunes old folders; what is left is reported."""
    import shutil

    world = lineage_world.build(home, "hold")
    shutil.rmtree(lineage.folder(home, world.pairs))
    shutil.rmtree(lineage.folder(home, world.scores["origin"]))
    made = run.run(world.verdict, DAILY, home)
    facts = json.loads((lineage.folder(home, made["id"]) / "report.json").read_text())
    assert facts["data"]["dropped"] == [] and facts["items"] == []
    assert facts["references"][0]["rows"], "the verdict's own figures need no other folder"


def test_a_verdict_without_evidence_says_so_and_never_looks_like_a_pass(home):
    world = lineage_world.build(home, "hold")
    path = lineage.folder(home, world.verdict)
    verdict = json.loads((path / "verdict.json").read_text())
    empty = {
        "abilities": {},
        "pooled": None,
        "reasons": ["hold: there is nothing to compare"],
        "targets": {},
        "checks": [],
        "feasibility": {},
    }
    gone = verdict | empty | {"origin": {}, "tables": {}}
    lineage.write_json(path / "verdict.json", gone)
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["files"]["verdict.json"] = lineage.sha256(path / "verdict.json")
    lineage.write_json(path / "manifest.json", manifest)
    made = run.run(world.verdict, DAILY, home)
    page = (lineage.folder(home, made["id"]) / "index.html").read_text()
    facts = json.loads((lineage.folder(home, made["id"]) / "report.json").read_text())
    assert facts["references"][0]["decision"] == "hold"
    assert "missing evidence is never a pass" in page


def test_only_a_sealed_verdict_is_reported(home):
    with pytest.raises(BadInput, match="takes a verdict"):
        run.run("model-20261120-00000000", DAILY, home)
    with pytest.raises(Permanent, match="not sealed"):
        run.run("verdict-20261120-00000000", DAILY, home)


def test_report_and_promote_need_no_torch(home):
    world = lineage_world.build(home, "promote")
    code = (
        "import sys; from pipeline import recipe, settings; from pipeline.report import run; from pipeline.promote import run as promote\n"
        "s, r = settings.load(), recipe.Recipe()\n"
        "promote.run(run.run(sys.argv[1], r, s)['id'], r, s)\n"
        "heavy = {'torch', 'transformers', 'lm_eval', 'airflow', 'duckdb'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    environment = {"EQUIPOISE_HOME": str(home.home), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", code, world.verdict], env=environment, check=True)
