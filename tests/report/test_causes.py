"""Why it fell, on the page: likeness without being asked, other evidence from the record, and nothing of anybody who is forgotten."""

import json

import pytest

from pipeline import beside, lineage, recipe
from pipeline.erase import pages
from pipeline.report import run as report
from tests import lineage_world

SHOWN = {
    "task": "person_json",
    "n": 150,
    "back": 27,
    "gone": 1,
    "interval": [0.08, 0.27],
    "p": 1e-7,
    "adjusted_p": 2e-7,
    "lost": 36,
    "of_lost": 0.7,
}


def made(settings, world):
    found = report.run(world.verdict, recipe.Recipe(), settings)
    folder = lineage.folder(settings, found["id"])
    return found["id"], json.loads((folder / "report.json").read_text()), (folder / "index.html").read_text()


def test_a_block_says_what_was_tried_and_shows_the_nearest_rows_of_lost_items(home) -> None:
    world = lineage_world.build(home, "block")
    _, facts, page = made(home, world)
    assert [a["name"] for a in facts["causes"]["abilities"]] == ["arithmetic"]
    assert facts["causes"]["abilities"][0]["lost"] == 36
    assert facts["causes"]["command"] == f"equipoise attribute {world.verdict}"
    assert "Why it fell" in page and "Nothing" not in facts["causes"]["tried"][0]["what"]


def test_what_did_not_fall_is_not_explained(home) -> None:
    _, facts, page = made(home, lineage_world.build(home, "promote"))
    assert facts["causes"] is None and "Why it fell" not in page


def test_a_record_makes_another_page_and_its_strongest_evidence_stands_first(home) -> None:
    world = lineage_world.build(home, "block")
    before, _, _ = made(home, world)
    rows = {"A": [SHOWN], "D": [SHOWN | {"view": "answered", "kept": 0.1, "lost": 0.4, "difference": 0.3}]}
    record = {"abilities": {"arithmetic": {"figures": rows}}, "tried": {"A": "2 lessons", "D": "24 rows"}}
    beside.write(home, "attribution", world.verdict, record)
    after, facts, page = made(home, world)
    assert after != before, "what was found out since makes another page of the same verdict"
    found = facts["causes"]["abilities"][0]
    assert found["culprit"].startswith("arithmetic: caused by person_json: retrained without it, 27 answers are back and 1 gone")
    assert [e["kind"].split(",")[0] for e in found["evidence"]] == ["intervention", "likeness"]
    assert "caused by person_json" in page and facts["causes"]["command"] is None


@pytest.mark.parametrize("row", [SHOWN | {"adjusted_p": 0.2}, SHOWN | {"interval": [-0.01, 0.2]}])
def test_nothing_is_said_where_chance_explains_it(home, row) -> None:
    world = lineage_world.build(home, "block")
    beside.write(home, "attribution", world.verdict, {"abilities": {"arithmetic": {"figures": {"A": [row]}}}, "tried": {"A": "2 lessons"}})
    assert made(home, world)[1]["causes"]["abilities"][0]["culprit"] is None


def test_a_changed_record_is_refused(home) -> None:
    world = lineage_world.build(home, "block")
    beside.write(home, "attribution", world.verdict, {"abilities": {}})
    path = beside.folder(home, "attribution", world.verdict) / "culprits.json"
    path.write_text(path.read_text().replace("{}", '{"x": 1}'))
    with pytest.raises(Exception, match="not what was sealed; delete it and run `equipoise attribute"):
        made(home, world)


def test_nearest_rows_of_the_gone_leave_the_page() -> None:
    class Gone:
        examples = ("x-1",)

        def conversation(self, id: str) -> bool:
            return id == "c-9"

    near = [{"example_id": f"x-{n}", "conversation_id": c} for n, c in ((1, "c-1"), (2, "c-9"), (3, "c-3"))]
    item = {"nearest": near}
    assert pages._fewer(item, "nearest", Gone()) == 2 and [n["example_id"] for n in item["nearest"]] == ["x-3"]
