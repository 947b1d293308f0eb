"""compare beyond one run and one table: runs averaged, items replayed in batches, Markdown and a picture."""

import xml.etree.ElementTree as ET

import pytest

from pipeline.__main__ import main
from pipeline.commands.compare import compare, read_looks
from pipeline.errors import BadInput, Permanent
from pipeline.gate import picture, words
from tests.gate.outputs import output, samples, two
from tests.gate.pairs import sides

SVG = "{http://www.w3.org/2000/svg}"


def _pair(tmp_path, **tasks):
    for side, i in (("a", 0), ("b", 1)):
        output(tmp_path / side, {task: two(*counts)[i] for task, counts in tasks.items()})
    return str(tmp_path / "a"), str(tmp_path / "b")


def test_several_runs_of_a_model_are_averaged_item_by_item(tmp_path, home):
    output(tmp_path / "a", {"t": samples([1.0] * 8)})
    for run, lost in (("b1", 2), ("b2", 4)):
        output(tmp_path / run, {"t": samples([0.0] * lost + [1.0] * (8 - lost))})
    runs = [str(tmp_path / "b1"), str(tmp_path / "b2")]
    found = compare(str(tmp_path / "a"), runs, home)["abilities"]["t"]
    assert found["n"] == 8
    assert found["drop"] == pytest.approx((2 * 1.0 + 2 * 0.5) / 8)
    assert found["lost"] == 4


def test_runs_that_did_not_ask_the_same_items_are_refused(tmp_path, home):
    output(tmp_path / "a", {"t": samples([1.0] * 8)})
    output(tmp_path / "b", {"t": samples([1.0] * 7)})
    with pytest.raises(Permanent, match="did not ask the same items"):
        compare([str(tmp_path / "a"), str(tmp_path / "b")], str(tmp_path / "a"), home)


def test_looks_say_where_a_collapse_would_have_stopped(tmp_path, home):
    found = compare(*_pair(tmp_path, maths=(300, 10, 1000), reading=(20, 20, 1000)), home, margin=0.05, looks=read_looks("4"))
    assert found["verdict"] == found["looks"]["verdict"] == "block"
    assert found["looks"]["look"] == 1
    assert found["looks"]["needed"] <= 500
    assert "BLOCK at look 1 of 4" in found["text"]


def test_the_last_look_is_about_as_strict_as_the_whole_table(tmp_path, home):
    found = compare(*_pair(tmp_path, maths=(2, 2, 400)), home, margin=0.05, looks=read_looks("0.1,0.5,1"))
    assert (found["verdict"], found["looks"]["verdict"]) == ("promote", "promote")
    assert found["looks"]["look"] < 3


@pytest.mark.parametrize("text", ["0", "21", "x", "0.5,0.4,1", "0.5,0.9", "1.5", ""])
def test_looks_must_rise_to_the_whole(text):
    with pytest.raises(BadInput, match="--looks is"):
        read_looks(text)


def test_looks_are_not_replayed_on_evidence_with_gaps(tmp_path, home):
    a, b = _pair(tmp_path, maths=(2, 2, 400))
    output(tmp_path / "b", {"maths": samples([*sides(2, 2, 399)[1], float("nan")])})
    with pytest.raises(Permanent, match="complete, comparable items"):
        compare(a, b, home, looks=read_looks("4"))


def test_markdown_is_a_table_whatever_a_task_is_called(tmp_path, home):
    found = compare(*_pair(tmp_path, **{"ma|ths": (30, 10, 500), "reading": (2, 2, 500)}), home, margin=0.05)
    text = words.markdown(found)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in table} == {11}
    assert r"| ma\|ths | 500 | 30 | 10 | 4.0 |" in text
    assert text.startswith("### block")


def test_the_picture_shows_every_row_with_its_word_and_loads_nothing(tmp_path, home):
    found = compare(*_pair(tmp_path, maths=(30, 10, 500), reading=(2, 2, 500)), home, margin=0.05)
    root = ET.fromstring(picture.svg(found))
    said = " ".join(t.text or "" for t in root.iter(f"{SVG}text"))
    assert len(list(root.iter(f"{SVG}circle"))) == 3
    assert "block: 4.0 pt, 30 lost, 10 gained of 500" in said and "all items" in said
    assert "http" not in picture.svg(found).replace("http://www.w3.org/2000/svg", "")


def test_the_command_prints_markdown_and_draws(tmp_path, home, capsys, monkeypatch):
    monkeypatch.setattr("pipeline.settings.load", lambda: home)
    a, b = _pair(tmp_path, maths=(0, 0, 300))
    assert main(["compare", a, b, "--markdown", "--picture", str(tmp_path / "c.svg"), "--looks", "4", "--exit-code"]) == 0
    assert capsys.readouterr().out.startswith("### promote")
    assert (tmp_path / "c.svg").read_text().startswith("<svg")
    assert main(["compare", a, b, "--picture", str(tmp_path / "no" / "c.svg")]) == 65


def test_one_model_asked_twice_says_how_noisy_the_harness_is(tmp_path, home):
    quiet = compare(*_pair(tmp_path, maths=(3, 2, 500), reading=(0, 0, 500)), home, same=True)
    assert quiet["harness"]["psi0"] == 0.005
    assert not quiet["harness"]["noisy"]
    assert "One model asked twice: 5 of 1000 items changed (psi0 0.0050, most in maths: 5 of 500)" in quiet["text"]
    noisy = compare(*_pair(tmp_path / "n", maths=(20, 18, 500)), home, same=True)
    assert noisy["harness"]["noisy"]
    assert "a noisy harness" in noisy["text"]


def _passages(lost):
    lines = samples([0.0] * lost + [1.0] * (100 - lost))
    return [line | {"doc": {"passage": f"p{i // 20}"}} for i, line in enumerate(lines)]


def test_items_of_one_passage_hang_together_where_the_abilities_file_says_so(tmp_path, home):
    output(tmp_path / "a", {"squad": _passages(0)})
    output(tmp_path / "b", {"squad": _passages(20)})
    (tmp_path / "alone.yaml").write_text("reading: [squad]\n")
    (tmp_path / "passages.yaml").write_text("reading: {tasks: [squad], cluster: passage}\n")
    alone, together = (
        compare(str(tmp_path / "a"), str(tmp_path / "b"), home, abilities_file=str(tmp_path / f"{name}.yaml"))["abilities"]["reading"]
        for name in ("alone", "passages")
    )
    assert together["interval"][1] > alone["interval"][1]
    assert together["p"] > alone["p"]  # twenty items were lost, but it is one passage of five
    (tmp_path / "passages.yaml").write_text("reading: {tasks: [squad], cluster: page}\n")
    with pytest.raises(BadInput, match=r"has no page to cluster by \(it has passage\)"):
        compare(str(tmp_path / "a"), str(tmp_path / "b"), home, abilities_file=str(tmp_path / "passages.yaml"))


def test_strict_blocks_a_proved_drop_that_is_small(tmp_path, home):
    a, b = _pair(tmp_path, maths=(40, 15, 3000))
    assert compare(a, b, home, margin=0.05)["verdict"] == "promote"
    assert compare(a, b, home, margin=0.05, strict=True)["verdict"] == "block"
