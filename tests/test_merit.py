"""Counts tell a whole answer from a broken one; they say nothing that they cannot see."""

import pytest

from pipeline import merit
from tests.mix.rows import dpo, kto, sft

GOOD = "Put the lid on the pot, wait ten minutes, and stir the soup once before you serve it."
LOOP = "I would say that it is good. " * 8
ASKED = "How do I warm this soup?"


def quality(answer: str, prompt: str = ASKED) -> float:
    return merit.quality(merit.figures([sft("a", answer, prompt)])[0])


@pytest.mark.parametrize(
    "worse",
    [LOOP, GOOD[:-20], f"I'm sorry, I cannot do that. {GOOD}", GOOD.upper(), f"{GOOD} <EMAIL_1>", f"{GOOD} ```py"],
    ids=["repeats itself", "breaks off", "refuses", "shouts", "names a person", "leaves a fence open"],
)
def test_a_fault_lowers_quality(worse: str) -> None:
    assert quality(worse) < quality(GOOD) == 1.0


def test_an_answer_that_copies_its_question_is_poorer() -> None:
    assert quality(GOOD, GOOD) < quality(GOOD)


def test_short_answers_are_not_called_broken() -> None:
    assert quality("Tokyo") == quality("add_to_playlist") == 1.0


def test_a_question_that_wants_more_is_more_complex() -> None:
    def complexity(prompt: str) -> float:
        return merit.complexity(merit.figures([sft("a", GOOD, prompt)])[0])

    long = "Compare both soups. Each must be explained in at least three steps:\n- first the salt\n- then the heat, without sugar"
    assert 0 <= complexity("Soup?") < complexity(ASKED) < complexity(long) < 1
    assert complexity("请比较这两种汤，必须至少写三步，然后解释。") > complexity("汤怎么样？")


def test_every_kind_of_row_has_the_same_figures() -> None:
    found = merit.figures([sft("a", GOOD, "question"), dpo("b", GOOD, "no", "question"), kto("c", True, GOOD)])
    assert [set(f) for f in found] == [set(merit.NAMES)] * 3
    assert found[0] == found[1]
