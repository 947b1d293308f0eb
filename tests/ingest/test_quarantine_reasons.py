"""Every reason that the code can give is explained, none of the table is stale, and every example is what it says."""

import ast
import re
from pathlib import Path

import pytest

from pipeline.ingest import reasons
from pipeline.ingest.chunk import Understood, understand
from pipeline.ingest.derive import Clock
from pipeline.ingest.quarantine import Row
from pipeline.ingest.read import File, Line
from tests.ingest.world import DAY

ROOM = Path(reasons.__file__).parent
HOLE = "{}"
FAST = ("plain.py", "bulk.py")
"""What they refuse is left to the slow reader, which gives the reason."""
OPAQUE = re.compile(r"([\w.]+\.)?(reason|problem)")
"""An argument that hands on a reason which was given elsewhere."""


def words(node: ast.AST, tree: ast.Module) -> set[str]:
    """The reasons that an expression can be, holes for what is put in."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.JoinedStr):
        return {"".join(str(p.value) if isinstance(p, ast.Constant) else HOLE for p in node.values)}
    if isinstance(node, ast.IfExp):
        return words(node.body, tree) | words(node.orelse, tree)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        made = [f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and f.name == node.func.id]
        assert made, f"{ast.unparse(node)}: a reason that this test cannot follow"
        return {w for f in made for r in ast.walk(f) if isinstance(r, ast.Return) and r.value for w in words(r.value, tree)}
    assert OPAQUE.fullmatch(ast.unparse(node)), f"{ast.unparse(node)}: a reason that this test cannot follow; write it as a text"
    return set()


def given() -> dict[str, str]:
    """Every reason in the room's code, and the file that gives it."""
    found: dict[str, str] = {}
    for path in sorted(p for p in ROOM.rglob("*.py") if p.name not in FAST):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            if name == "Refused" and call.args:
                said = words(call.args[0], tree)
            elif name == "Line" and (len(call.args) > 2 or any(k.arg == "problem" for k in call.keywords)):
                said = words(call.args[2] if len(call.args) > 2 else next(k.value for k in call.keywords if k.arg == "problem"), tree)
            else:
                continue
            found |= dict.fromkeys(said, path.name)
    return found


def entry_of(reason: str) -> reasons.Reason | None:
    """As `explain` finds it, with something standing in the holes."""
    return reasons.explain(reason.replace(HOLE, "7"))


def test_every_reason_of_the_code_is_explained() -> None:
    found = given()
    assert len(found) > 40
    assert {reason: file for reason, file in found.items() if not entry_of(reason)} == {}


def test_no_explanation_is_stale() -> None:
    used = {entry.reason for reason in given() if (entry := entry_of(reason))}
    assert {entry.reason for entry in reasons.table()} - used == set()


def test_each_reason_is_explained_once_and_in_whole_sentences() -> None:
    names = [entry.reason for entry in reasons.table()]
    assert len(names) == len(set(names))
    for entry in reasons.table():
        for said in (entry.means, entry.rule, entry.todo):
            assert re.search(r"[.)]$", said), f"{entry.reason}: {said}"


WITH_EXAMPLE = [entry for entry in reasons.table() if entry.bad]


def taken(text: str, format: str) -> list[str]:
    """The reasons for which a line, or events of it, are refused."""
    found = understand(File(Path("x.jsonl"), "0" * 64, DAY, True), Line(1, reasons.line(text)), Clock.of(DAY), True, format)
    return [found.reason] if isinstance(found, Row) else [row.reason for row in found.refused]


@pytest.mark.parametrize("entry", WITH_EXAMPLE, ids=lambda entry: entry.reason)
def test_the_bad_example_is_refused_for_its_reason_and_the_good_one_is_taken(entry: reasons.Reason) -> None:
    (reason,) = taken(entry.bad, entry.format)
    assert reasons.explain(reason) == entry
    assert taken(entry.good, entry.format) == []


def test_an_example_that_is_too_long_to_show_has_no_good_one_either() -> None:
    assert [e.reason for e in reasons.table() if (e.bad is None) != (e.good is None)] == []


def test_the_more_exact_entry_explains_a_reason() -> None:
    assert {said: (found and found.reason) for said in NAMED if (found := reasons.explain(said)) or True} == NAMED


NAMED = {
    "torn JSON": "torn JSON",
    "torn JSON in column messages": "{reason} in column {column}",
    "wrong type: content": "wrong type: {field}",
    "missing key: conversation_id": "missing key: {field}",
    "longer than 512 characters: event_id": "longer than {number} characters: {field}",
    "reserved app: hotfix": "reserved app: hotfix",
    "line over 16 MiB": "line over {size}",
    "gibberish": None,
}


def test_a_good_line_is_understood() -> None:
    found = understand(File(Path("x"), "0" * 64, DAY, True), Line(1, reasons.line(reasons.table()[0].good or "")), Clock.of(DAY), True)
    assert isinstance(found, Understood)
