"""Votes on one answer: liked over disliked where the context is the same, else KTO rows; contradictions are settled or left out."""

import pytest

from tests.mine.world import ALL, LABELS, Row, batch, pairs, reasons, rows, said, shape, siblings, talk, turn, votes

UP, DOWN = {"value": "up"}, {"value": "down"}


@pytest.mark.parametrize(
    ("event", "label"),
    [
        (said("thumb", **UP), True),
        (said("thumb", **DOWN), False),
        (said("report", value="harmful"), False),
        (said("rating", value="4", max=5), True),
        (said("rating", value="2", max=5), False),
        (said("rating", value="0", max=1), False),
    ],
    ids=["up", "down", "report", "four of five", "two of five", "zero of one"],
)
def test_a_vote_alone_is_an_unpaired_row(event: Row, label: bool) -> None:
    found = batch(talk(feedback=[event]))
    assert votes(found) == [("green", label)] and shape(found) == (0, 0, 1)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (said("thumb", value="none"), "withdrawn"),
        (said("rating", value="4"), "rating_without_max"),
        (said("rating", value="3", max=5), "rating_middling"),
        (said("rating", value="7", max=5), "rating_off_scale"),
        (said("rating", value="many", max=5), "rating_off_scale"),
        (said("rating", value="nan", max=5), "rating_off_scale"),
        (said("copy", value="all"), "copy_alone"),
        (said("comment", text="Nice."), "comment_alone"),
        (said("thumb", **UP, source="automatic"), "automatic"),
        (said("thumb", **UP, stands=False), "superseded"),
        (said("thumb", None, **UP), "about_conversation"),
        (said("thumb", "nowhere", **UP), "unknown_message"),
        (said("thumb", "q", **UP), "not_an_answer"),
        (said("thumb", **UP, span=[0, 2]), "about_a_part"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_is_no_vote_on_an_answer_is_left_out_with_its_reason(event: Row, reason: str) -> None:
    found = batch(talk(feedback=[event]))
    assert shape(found) == (0, 0, 0) and reasons(found) == {reason: 1}


def test_a_liked_answer_stands_over_a_disliked_one_of_the_same_context() -> None:
    found = batch(talk("c1", *siblings("red", "blue"), feedback=[said("thumb", "a1", **UP), said("thumb", "a2", **DOWN)]))
    assert pairs(found) == [("red", "blue")] and shape(found) == (0, 1, 0)


def test_answers_to_different_contexts_are_not_compared() -> None:
    turns = [turn("q", None, "user", "One?"), turn("a", "q", "assistant", "1"), turn("q2", "a", "user", "Two?")]
    turns.append(turn("b", "q2", "assistant", "3"))
    found = batch(talk("c1", *turns, feedback=[said("thumb", "a", **UP), said("thumb", "b", **DOWN)]))
    assert votes(found) == [("1", True), ("3", False)] and shape(found) == (0, 0, 2)


def test_one_liked_answer_stands_over_two_at_most() -> None:
    events = [said("thumb", "a1", **UP), *(said("thumb", f"a{n}", **DOWN) for n in (2, 3, 4))]
    found = batch(talk("c1", *siblings("w", "x", "y", "z"), feedback=events))
    assert pairs(found) == [("w", "x"), ("w", "y")] and votes(found) == [("z", False)]


def test_a_copy_adds_weight_to_a_liked_answer_and_is_nothing_alone() -> None:
    plain, copied = (batch(talk(feedback=[said("thumb", **UP), *more])) for more in ([], [said("copy", value="all")]))
    assert [rows(b, "kto")[0]["weight"] for b in (plain, copied)] == [0.5, 0.6]
    assert not reasons(copied)
    assert reasons(batch(talk(feedback=[said("thumb", **DOWN), said("copy", value="all")]))) == {"copy_alone": 1}


def test_users_who_contradict_each_other_are_left_out_unless_one_side_is_ahead() -> None:
    events = [said("thumb", **UP, user_id="ben"), said("thumb", **DOWN, user_id="eve")]
    assert reasons(batch(talk(feedback=events))) == {"conflict": 2}
    found = batch(talk(feedback=[*events, said("report", value="wrong", user_id="joe")]))
    assert votes(found) == [("green", False)] and reasons(found) == {"outvoted": 1, "duplicate": 1}


def test_the_least_net_score_is_the_recipes() -> None:
    events = [said("thumb", **UP, user_id="ben"), *(said("thumb", **DOWN, user_id=u) for u in ("eve", "joe"))]
    assert reasons(batch(talk(feedback=events), mining=ALL.model_copy(update={"min_net_score": 2.0}))) == {"conflict": 3}


@pytest.mark.parametrize(("vote", "reason"), [(UP, "own_conflict"), (DOWN, "stronger_act")])
def test_an_edit_speaks_for_the_same_users_thumb(vote: Row, reason: str) -> None:
    found = batch(talk(feedback=[said("thumb", **vote), said("edit", text="blue")]))
    assert shape(found) == (1, 1, 0) and reasons(found) == {reason: 1}


def test_an_edit_that_is_not_mined_silences_no_thumb() -> None:
    found = batch(talk(feedback=[said("thumb", **UP), said("edit", text="green")]))
    assert votes(found) == [("green", True)] and reasons(found) == {"edit_equals_answer": 1}


def test_a_user_who_contradicts_himself_in_equal_acts_is_not_believed() -> None:
    assert reasons(batch(talk(feedback=[said("thumb", **UP), said("rating", value="1", max=5)]))) == {"own_conflict": 2}
    found = batch(talk(feedback=[said("thumb", **UP), said("report", value="private")]))
    assert votes(found) == [("green", False)] and reasons(found) == {"own_conflict": 1}


def test_an_edit_says_wrong_where_one_answer_is_right_and_better_elsewhere() -> None:
    events = [said("thumb", **UP, user_id="ben"), said("edit", text="red", user_id="eve")]
    assert shape(batch(talk(feedback=events))) == (1, 1, 1)
    assert reasons(batch(talk(app="labels", feedback=events), cards=(LABELS,))) == {"conflict": 2}


def test_praise_becomes_an_example_only_where_the_recipe_says_so() -> None:
    found = batch(talk(feedback=[said("thumb", **UP)]), mining=ALL.model_copy(update={"praise_sft": True}))
    assert shape(found) == (1, 0, 1) and rows(found, "sft")[0]["weight"] == 0.3


def test_a_liked_answer_must_have_the_tasks_form_and_a_disliked_one_need_not() -> None:
    assert reasons(batch(talk(app="labels", feedback=[said("thumb", **UP)]), cards=(LABELS,))) == {"format_label": 1}
    assert votes(batch(talk(app="labels", feedback=[said("thumb", **DOWN)]), cards=(LABELS,))) == [("green", False)]


def test_nameless_voters_of_one_conversation_are_one_voice() -> None:
    events = [*(said("thumb", **DOWN, user_id=None) for _ in range(3)), said("thumb", **UP, user_id="ben")]
    assert reasons(batch(talk(feedback=events, user_id=None))) == {"stronger_act": 2, "conflict": 2}
