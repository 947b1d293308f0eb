"""A candidate that was asked in batches: the page says how far, and compares means over equal items alone."""

from pipeline.report import looks

ROWS = {"maths": {"n": 500, "of": 2000, "look": 1}, "reading": {"n": 1000, "of": 2000, "look": 2}}


def _item(benchmark, doc, kind="suite"):
    return {"benchmark": benchmark, "doc_hash": doc, "prompt_hash": "p", "kind": kind, "value": 1.0}


def test_a_candidate_asked_everything_says_nothing():
    assert looks.of({"abilities": ROWS}, {}) is None


def test_batches_are_told_with_what_they_spared():
    found = looks.of({"abilities": ROWS}, {"sampling": {"looks": 4, "asked": 1500, "planned": 4000}})
    assert "1500 of 4000 were needed" in found["sentence"]
    assert "earlier candidates" not in found["sentence"]
    assert found["rows"][0] == {"name": "maths", "look": 1, "n": 500, "of": 2000}


def test_strata_are_told():
    rows = {"maths": {"n": 300, "of": 300, "strata": 2}}
    found = looks.of({"abilities": rows}, {"sampling": {"looks": 1, "asked": 300, "planned": 300}})
    assert "Items that earlier candidates moved were asked oftener" in found["sentence"]


def test_references_are_read_on_the_candidates_items_and_targets_stay_whole():
    tables = {
        "candidate": [_item("b", "1"), _item("t", "1", "target")],
        "champion": [_item("b", "1"), _item("b", "2"), _item("t", "2", "target")],
    }
    found = looks.alike(tables)
    assert [r["doc_hash"] for r in found["champion"]] == ["1", "2"]
    assert found["candidate"] == tables["candidate"]
