"""A regenerate is a roll of the dice: it counts once the user shows that a sibling pleased."""

import pytest

from tests.mine.world import Row, batch, pairs, reasons, said, siblings, talk, turn

AGAIN = said("regenerate", "a1")


def reply(text: str) -> Row:
    return turn("q2", "a2", "user", text, at=5000)


@pytest.mark.parametrize(
    "act",
    [
        said("thumb", "a2", value="up"),
        said("rating", "a2", value="5", max=5),
        said("copy", "a2", value="all"),
        said("choose", "a2", over=["a3"]),
        said("edit", "a2", text="It is a bright blue, like the sky."),
    ],
    ids=lambda act: act["kind"],
)
def test_the_kept_sibling_stands_over_the_one_thrown_away(act: Row) -> None:
    found = batch(talk("c1", *siblings("red", "blue", "green"), feedback=[AGAIN, said("regenerate", "a3"), act]))
    assert {("blue", "red"), ("blue", "green")} <= set(pairs(found))


@pytest.mark.parametrize("text", ["Thanks, and for the kitchen?", "OK, then paint it.", "Now in French please", "好的，那厨房呢？"])
def test_going_on_from_a_sibling_shows_that_it_pleased(text: str) -> None:
    assert pairs(batch(talk("c1", *siblings("red", "blue", after=[reply(text)]), feedback=[AGAIN]))) == [("blue", "red")]


@pytest.mark.parametrize(
    "text", ["No, that is wrong.", "Still not it", "That's not what I asked", "Which colour?", "try again", "不对", "你没有回答", " "]
)
def test_a_reply_that_doubts_or_repeats_shows_nothing(text: str) -> None:
    found = batch(talk("c1", *siblings("red", "blue", after=[reply(text)]), feedback=[AGAIN]))
    assert not pairs(found) and reasons(found) == {"no_positive_act": 1}


def test_silence_is_not_consent() -> None:
    assert reasons(batch(talk("c1", *siblings("red", "blue"), feedback=[AGAIN]))) == {"no_positive_act": 1}


def test_all_siblings_thrown_away_leave_none() -> None:
    found = batch(talk("c1", *siblings("red", "blue"), feedback=[AGAIN, said("regenerate", "a2")]))
    assert reasons(found) == {"no_kept_sibling": 2}


def test_an_act_before_the_regenerate_proves_nothing() -> None:
    found = batch(talk("c1", *siblings("red", "blue"), feedback=[said("copy", "a2", at=1), said("regenerate", "a1", at=2)]))
    assert reasons(found) == {"no_positive_act": 1, "copy_alone": 1}


def test_another_users_liking_proves_nothing() -> None:
    found = batch(talk("c1", *siblings("red", "blue"), feedback=[AGAIN, said("copy", "a2", user_id="eve")]))
    assert reasons(found) == {"no_positive_act": 1, "copy_alone": 1}


def test_a_disliked_sibling_is_not_kept() -> None:
    found = batch(
        talk("c1", *siblings("red", "blue", after=[reply("And the kitchen?")]), feedback=[AGAIN, said("thumb", "a2", value="down")])
    )
    assert reasons(found) == {"no_positive_act": 1}


def test_equal_siblings_teach_nothing() -> None:
    assert reasons(batch(talk("c1", *siblings("red", "red"), feedback=[AGAIN, said("copy", "a2")]))) == {
        "equal_answers": 1,
        "copy_alone": 1,
    }
