"""The book of decisions: its chain is plain sha256 over lines, and any change of a written line is seen."""

import hashlib
import itertools
import json

import pytest

from pipeline.promote import decisions

RECORDS = [
    {"action": "promote", "who": "mei", "note": n, "when": f"2026-11-2{i}", "release": f"release-{i}", "report": f"r{i}"}
    for i, n in enumerate("abcd")
]


def book(records=RECORDS):
    text = ""
    for record in records:
        text += decisions.line(record, decisions.read(text), decisions.last_line(text)) + "\n"
    return text


def test_each_line_holds_the_sha256_of_the_line_before_it():
    lines = book().splitlines()
    assert json.loads(lines[0])["prev"] == "0" * 64
    for before, line in itertools.pairwise(lines):
        assert json.loads(line)["prev"] == hashlib.sha256(before.encode()).hexdigest()
    assert [json.loads(line)["n"] for line in lines] == [1, 2, 3, 4]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_changed_line_is_found_at_the_line_after_it(number):
    lines = book().splitlines()
    lines[number - 1] = lines[number - 1].replace("mei", "kai")
    assert decisions.broken("\n".join(lines) + "\n") == number + 1


def test_a_removed_and_a_damaged_line_are_found():
    lines = book().splitlines()
    assert decisions.broken("\n".join([lines[0], *lines[2:]]) + "\n") == 2
    assert decisions.broken("\n".join([lines[0], "no json", *lines[2:]]) + "\n") == 2
    assert decisions.broken(book()) is None
    assert decisions.broken("") is None


def test_a_torn_last_line_is_no_decision():
    assert decisions.read(book() + '{"action": "prom') == decisions.read(book())
    assert decisions.whole("no newline") == ""


def test_a_yes_after_a_no_takes_the_no_back():
    no = {"action": "reject", "report": "r1", "release": None, "who": "mei", "note": None, "when": "x"}
    assert decisions.rejected([RECORDS[0], no], "r1") == no
    assert decisions.rejected([no, RECORDS[1]], "r1") is None
    assert decisions.rejected([no], "r2") is None


def test_a_release_put_back_is_not_undone_any_more():
    left = {
        "action": "rollback",
        "from": {"release": "release-1"},
        "release": "release-0",
        "report": "r0",
        "who": "mei",
        "note": None,
        "when": "x",
    }
    assert decisions.undone([RECORDS[1], left], "release-1") == left
    assert decisions.undone([RECORDS[1], left, RECORDS[1]], "release-1") is None
    assert decisions.undone([RECORDS[1], left], "release-0") is None
