"""A wrong answer is named by what can be seen in it, in one order, and a choice can only be another choice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report import items
from pipeline.report.facts import failing
from pipeline.report.failures import CLASSES, Known, failure

FREE = Known({"": None})


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("  \n", "empty"),
        ("so it is so it is so it is so it is so it is so it is so it is so it is", "loop"),
        ("The answer is " + "ha" * 60, "loop"),
        ("-" * 80, "loop"),
        ("| a | b |\n|" + "-" * 30, "wrong"),
        ("one two three four five six seven eight", "truncated"),
        ("I'm sorry, but I can't help.", "refusal"),
        ("I’m really sorry, I cannot.", "refusal"),
        ("As an AI language model", "refusal"),
        ("抱歉，我无法回答", "refusal"),
        ("Sorry, no.", "refusal"),
        ("Sorry sight, that.", "wrong"),
        ("I can do it.", "wrong"),
        ("答案是四十二。", "language"),
        ("[invalid]", "format"),
        ("Forty-one.", "wrong"),
    ],
)
def test_answers_are_named(answer: str, name: str) -> None:
    assert failure(answer, "The answer is 42.", "42", Known({"": 8}, words)) == name


def test_an_answer_that_should_be_json_and_is_none_breaks_the_form() -> None:
    assert failure('{"a": 1', '{"a": 2}', '{"a": 2}', FREE) == "format"
    assert failure('{"a": 1}', '{"a": 2}', '{"a": 2}', FREE) == "wrong"
    assert failure("41", "42", "42", FREE) == "wrong"  # a number is JSON too, and no form to keep


def test_what_a_looser_filter_reads_as_right_broke_the_form_only() -> None:
    assert failure("It is 42", "#### 42", "42", FREE, forms=True) == "format"


def test_nothing_is_called_cut_off_that_cannot_be_counted() -> None:
    long = "every word of this sentence is another one and none comes back again"
    assert failure(long, "42", "42", Known({"": 4})) == failure(long, "42", "42", Known({"": None}, words)) == "wrong"


def test_an_answer_that_the_lesson_taught_for_something_else_is_named() -> None:
    known = Known({"": None}, taught=frozenset({"billing", "front desk"}))
    assert [failure(a, "True.", "True.", known) for a in ('"Billing.', "front  desk", "the front desk")] == ["taught", "taught", "wrong"]


@given(st.text(), st.text(), st.text(), st.booleans(), st.none() | st.integers(1, 9))
def test_every_answer_has_a_name(answer: str, other: str, target: str, forms: bool, most: int | None) -> None:
    assert failure(answer, other, target, Known({"": most}, len, frozenset({"0"})), forms=forms) in CLASSES


def row(benchmark: str, doc: int, value: float, response: str, filter: str = "none") -> dict:
    head = {"benchmark": benchmark, "ability": "maths", "kind": "suite", "metric": "exact_match", "filter": filter}
    return head | {"doc_hash": f"d{doc}", "prompt_hash": "p", "occurrence": 0, "value": value, "response": response, "target": "7"}


def test_lost_and_gained_items_are_counted_by_how_the_wrong_side_fails() -> None:
    champion = [row("gsm", 0, 1, "7"), row("gsm", 1, 1, "7"), row("gsm", 2, 0, ""), row("arc", 3, 1, "red")]
    candidate = [row("gsm", 0, 0, "I cannot say."), row("gsm", 1, 0, "8"), row("gsm", 2, 1, "7"), row("arc", 3, 0, "Sorry, blue")]
    choice = {"gsm": ("exact_match", "none"), "arc": ("exact_match", "none")}
    (found,) = items.flips(candidate, champion, choice, {}, failing(Known({"gsm": 16}, words)))
    assert (found["lost"], found["gained"]) == (3, 1)
    assert found["lost_by"] == {"wrong": 2, "refusal": 1}  # arc offers its answers: what is chosen is no refusal
    assert found["gained_by"] == {"empty": 1}


def test_the_other_filter_is_asked_of_the_side_that_is_wrong() -> None:
    champion = [row("gsm", 0, 1, "#### 7", "strict"), row("gsm", 0, 1, "#### 7", "loose")]
    candidate = [row("gsm", 0, 0, "It is 7", "strict"), row("gsm", 0, 1, "It is 7", "loose")]
    (found,) = items.flips(candidate, champion, {"gsm": ("exact_match", "strict")}, {}, failing(Known({"gsm": None})))
    assert found["lost_by"] == {"format": 1}


def test_a_reader_is_told_first_where_most_lost_answers_fail_in_one_way() -> None:
    groups = [
        {"ability": "instructions", "lost": 9, "lost_by": {"taught": 6, "wrong": 3}},
        {"ability": "maths", "lost": 9, "lost_by": {"wrong": 9}},
        {"ability": "reading", "lost": 4, "lost_by": {"format": 4}},  # too few to say
        {"ability": "code", "lost": 20, "lost_by": {"loop": 10, "wrong": 10}},  # half is not most
    ]
    assert items.alike(groups) == [f"6 of the 9 lost answers of instructions fail alike: {CLASSES['taught']}"]
    assert items.alike([]) == []
