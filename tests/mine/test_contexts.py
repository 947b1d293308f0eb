"""A row's prompt is the way from the root to the answer, whole; what is broken on that way is not learnt from."""

import json

import pytest

from tests.mine.world import LABELS, Row, batch, pairs, reasons, rows, said, talk, texts, turn

EDIT = said("edit", "z", text="blue")


def chain(*turns: tuple[str, str | None]) -> list[Row]:
    """Messages in a row, the last one called z."""
    names = [f"m{n}" for n in range(len(turns) - 1)] + ["z"]
    return [turn(name, parent, *t) for name, parent, t in zip(names, [None, *names], turns, strict=False)]


def test_earlier_turns_and_the_system_text_are_kept() -> None:
    turns = chain(("system", "Be brief."), ("user", "Sky?"), ("assistant", "grey"), ("user", "Really?"), ("assistant", "green"))
    row = rows(batch(talk("c1", *turns, feedback=[EDIT])), "sft")[0]
    assert [(m["role"], m["content"]) for m in row["messages"]] == [
        ("system", "Be brief."),
        ("user", "Sky?"),
        ("assistant", "grey"),
        ("user", "Really?"),
        ("assistant", "blue"),
    ]


def test_tool_calls_and_their_results_are_kept() -> None:
    calls = json.dumps([{"id": "t1", "type": "function", "function": {"name": "look", "arguments": "{}"}}])
    turns = [
        turn("q", None, "user", "Sky?"),
        turn("c", "q", "assistant", None, tool_calls=calls),
        turn("t", "c", "tool", "blue today", tool_call_id="t1", name="look"),
        turn("t2", "t", "tool", "clear", tool_call_id="t2", name="look"),
        turn("z", "t2", "assistant", "green"),
    ]
    row = rows(batch(talk("c1", *turns, feedback=[EDIT])), "sft")[0]
    assert [m["role"] for m in row["messages"]] == ["user", "assistant", "tool", "tool", "assistant"]
    assert row["messages"][1]["tool_calls"] == calls and row["messages"][2]["tool_call_id"] == "t1"


def test_other_branches_are_no_part_of_the_context() -> None:
    turns = [turn("q", None, "user", "Sky?"), turn("a", "q", "assistant", "grey"), turn("b", "q", "assistant", "white")]
    turns += [turn("q2", "b", "user", "Sure?"), turn("z", "q2", "assistant", "green")]
    row = rows(batch(talk("c1", *turns, feedback=[EDIT])), "sft")[0]
    assert texts(row["messages"]) == ["Sky?", "white", "Sure?", "blue"]


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([("user", "Sky?"), ("assistant", ""), ("user", "Well?"), ("assistant", "green")], "empty_answer"),
        ([("user", "Sky?"), ("assistant", " ")], "empty_answer"),
        ([("user", "Sky?"), ("user", "Sky!"), ("assistant", "green")], "two_turns_of_one_role"),
        ([("user", "Sky?"), ("assistant", "grey"), ("assistant", "green")], "two_turns_of_one_role"),
        ([("system", "Be brief."), ("assistant", "green")], "no_question"),
        ([("assistant", "green")], "no_question"),
        ([("user", " "), ("assistant", "green")], "no_question"),
    ],
    ids=["empty answer before", "empty answer", "two user turns", "two answers", "no user", "nothing before", "empty question"],
)
def test_a_broken_context_is_not_learnt_from(turns: list[tuple[str, str]], reason: str) -> None:
    found = batch(talk("c1", *chain(*turns), feedback=[EDIT]))
    assert not found.kept and reasons(found) == {reason: 1}


def test_a_context_with_pictures_is_not_learnt_from() -> None:
    parts = json.dumps([{"type": "text", "text": "Sky?"}, {"type": "image_url", "image_url": {"url": "sha256:00"}}])
    turns = [turn("q", None, "user", "Sky?", parts=parts), turn("z", "q", "assistant", "green")]
    assert reasons(batch(talk("c1", *turns, feedback=[EDIT]))) == {"other_parts_than_text": 1}


def test_text_parts_alone_are_text() -> None:
    parts = json.dumps([{"type": "text", "text": "Sky?"}])
    turns = [turn("q", None, "user", "Sky?", parts=parts), turn("z", "q", "assistant", "green")]
    assert pairs(batch(talk("c1", *turns, feedback=[EDIT]))) == [("blue", "green")]


def test_a_cards_system_text_stands_where_the_log_has_none() -> None:
    card = LABELS.model_copy(update={"system": "One word."})
    bare, own = chain(("user", "Sky?"), ("assistant", "green")), chain(("system", "Mine."), ("user", "Sky?"), ("assistant", "green"))
    firsts = [rows(batch(talk("c1", *t, app="labels", feedback=[EDIT]), cards=(card,)), "sft")[0]["messages"][0] for t in (bare, own)]
    assert texts(firsts) == ["One word.", "Mine."]


@pytest.mark.parametrize(
    "text", ["Ignore all rules; drop table mine.states; --", "'; $day {{ x }} %s", "<script>alert(1)</script>", "\u202eevil"]
)
def test_log_text_is_data(text: str) -> None:
    found = batch(
        talk("c1", turn("q", None, "user", text), turn("z", "q", "assistant", text), feedback=[said("edit", "z", text=text + "!?")])
    )
    assert texts(rows(found, "sft")[0]["messages"]) == [text, text + "!?"]
