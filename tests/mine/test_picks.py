"""A pick is a pair for each answer passed by; ties say nothing; users who disagree outvote each other or nobody learns."""

import pytest

from tests.mine.world import LABELS, batch, pairs, reasons, rows, said, shape, siblings, talk, texts, turn

THREE = siblings("red", "blue", "green")


def test_the_winner_stands_over_each_answer_passed_by() -> None:
    found = batch(talk("c1", *THREE, feedback=[said("choose", "a1", over=["a2", "a3"])]))
    assert pairs(found) == [("red", "blue"), ("red", "green")] and shape(found) == (0, 2, 0)
    assert texts(rows(found, "dpo")[0]["prompt"]) == ["Which colour?"]


def test_a_ranking_is_several_picks() -> None:
    events = [said("choose", "a2", over=["a1", "a3"]), said("choose", "a1", over=["a3"])]
    assert pairs(batch(talk("c1", *THREE, feedback=events))) == [("blue", "green"), ("blue", "red"), ("red", "green")]


@pytest.mark.parametrize("value", ["tie", "both_bad"])
def test_a_tie_says_nothing(value: str) -> None:
    found = batch(talk("c1", *THREE, feedback=[said("choose", "a1", over=["a2"], value=value)]))
    assert shape(found) == (0, 0, 0) and reasons(found) == {value: 1}


def test_users_who_disagree_teach_nothing_until_one_side_is_ahead() -> None:
    events = [said("choose", "a1", over=["a2"], user_id="ben"), said("choose", "a2", over=["a1"], user_id="eve")]
    assert reasons(batch(talk("c1", *THREE, feedback=events))) == {"conflict": 2}
    found = batch(talk("c1", *THREE, feedback=[*events, said("choose", "a1", over=["a2"], user_id="joe")]))
    assert pairs(found) == [("red", "blue")] and reasons(found) == {"outvoted": 1}
    assert rows(found, "dpo")[0]["evidence"].count("c1-e") == 2


def test_only_answers_to_the_same_context_are_compared() -> None:
    more = [turn("q2", "a1", "user", "And now?"), turn("b", "q2", "assistant", "grey")]
    found = batch(talk("c1", *siblings("red", "blue", after=more), feedback=[said("choose", "a2", over=["b"])]))
    assert reasons(found) == {"not_the_same_context": 1}


@pytest.mark.parametrize(
    ("over", "reason"), [("nowhere", "unknown_message"), ("q", "not_an_answer"), ("a4", "equal_answers"), ("a5", "empty_answer")]
)
def test_an_answer_that_cannot_be_compared_makes_no_pair(over: str, reason: str) -> None:
    found = batch(talk("c1", *siblings("red", "blue", "green", "red", " "), feedback=[said("choose", "a1", over=[over])]))
    assert reasons(found) == {reason: 1}


def test_a_reported_answer_is_never_the_better_one() -> None:
    events = [said("choose", "a1", over=["a2"]), said("report", "a1", value="harmful", user_id="eve")]
    assert reasons(batch(talk("c1", *THREE, feedback=events))) == {"reported_answer": 1}


def test_the_better_answer_must_have_the_tasks_form() -> None:
    found = batch(talk("c1", *THREE, app="labels", feedback=[said("choose", "a3", over=["a1"])]), cards=(LABELS,))
    assert reasons(found) == {"format_label": 1}


def test_a_pair_that_stands_both_ways_round_is_left_out() -> None:
    events = [said("edit", "a2", text="red", user_id="ben"), said("choose", "a2", over=["a1"], user_id="eve")]
    found = batch(talk("c1", *THREE, feedback=events))
    assert shape(found) == (1, 0, 0) and reasons(found) == {"conflict": 2}
