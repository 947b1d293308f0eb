"""An edit is the strongest word: SFT row and pair, unless it says nothing or only changes looks."""

import difflib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.mine import edits
from tests.mine.world import ALL, LABELS, batch, pairs, reasons, rows, said, shape, siblings, talk, texts, turn


def test_an_edit_becomes_an_example_and_a_pair() -> None:
    found = batch(talk(feedback=[said("edit", text="It is blue.")]))
    assert shape(found) == (1, 1, 0) and not reasons(found)
    assert texts(rows(found, "sft")[0]["messages"]) == ["Which colour?", "It is blue."]
    assert pairs(found) == [("It is blue.", "green")]


def test_every_row_says_who_what_and_why() -> None:
    row = rows(batch(talk(feedback=[said("edit", text="It is blue.", user_id="ben")])), "sft")[0]
    assert {k: row[k] for k in ("source", "conversation_id", "message_ids", "user_hash", "task", "weight")} == {
        "source": "edit",
        "conversation_id": "c1",
        "message_ids": ["a"],
        "user_hash": "ben",
        "task": "other",
        "weight": 1.0,
    }
    assert json.loads(row["evidence"])["events"] == ["c1-e0"]
    assert len(row["example_id"]) == 16


def test_a_cosmetic_edit_teaches_no_pair() -> None:
    answer = "The parcel will arrive on Monday"
    found = batch(talk("c1", *siblings(answer), feedback=[said("edit", "a1", text=answer + ".")]))
    assert difflib.SequenceMatcher(None, answer, answer + ".").ratio() > 0.9
    assert shape(found) == (1, 0, 0) and reasons(found) == {"cosmetic_edit": 1}


@pytest.mark.parametrize("text", ["green", " green\n"])
def test_an_edit_that_changes_nothing_is_not_mined(text: str) -> None:
    found = batch(talk(feedback=[said("edit", text=text)]))
    assert shape(found) == (0, 0, 0) and reasons(found) == {"edit_equals_answer": 1}


def test_an_edit_below_the_least_length_is_not_mined() -> None:
    found = batch(talk(feedback=[said("edit", text="bl")]), mining=ALL.model_copy(update={"min_edit_chars": 3}))
    assert reasons(found) == {"edit_too_short": 1}


def test_edits_of_one_answer_by_several_users_are_several_examples_where_many_answers_are_right() -> None:
    found = batch(talk(feedback=[said("edit", text="It is blue.", user_id="ben"), said("edit", text="Crimson, I say.", user_id="eve")]))
    assert shape(found) == (2, 2, 0)


def test_edits_contradict_each_other_where_one_answer_is_right() -> None:
    events = [said("edit", text="red", user_id="ben"), said("edit", text="blue", user_id="eve")]
    assert reasons(batch(talk(app="labels", feedback=events), cards=(LABELS,))) == {"conflict": 2}
    found = batch(talk(app="labels", feedback=[*events, said("edit", text="red", user_id="joe")]), cards=(LABELS,))
    assert pairs(found) == [("red", "green")] and reasons(found) == {"outvoted": 1, "duplicate": 2}


def test_users_of_other_conversations_vote_on_the_same_question() -> None:
    talks = [talk(f"c{n}", app="labels", user_id=f"u{n}", feedback=[said("edit", text=t)]) for n, t in enumerate(["red", "blue", "red"])]
    assert pairs(batch(*talks, cards=(LABELS,))) == [("red", "green")]


def test_the_edit_of_an_answer_that_calls_tools_is_not_mined() -> None:
    calls = json.dumps([{"id": "t1", "type": "function", "function": {"name": "look", "arguments": "{}"}}])
    turns = [turn("q", None, "user", "Which colour?"), turn("a", "q", "assistant", None, tool_calls=calls)]
    assert reasons(batch(talk("c1", *turns, feedback=[said("edit", text="blue")]))) == {"edit_of_tool_call": 1}


@given(st.text("ab ", max_size=40), st.text("ab ", max_size=40), st.sampled_from([0.5, 0.9]))
def test_likeness_is_difflibs_ratio_where_it_is_above_the_limit(a: str, b: str, limit: float) -> None:
    exact = difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()
    assert edits.ratio(a, b, limit) == (exact if exact > limit else None)
