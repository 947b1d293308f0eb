"""A row belongs to the one task card that matches it; its answer must have that task's form."""

import pytest

from pipeline.errors import BadRecipe
from pipeline.mine import answers
from pipeline.mine.cards import Desk
from pipeline.recipe import Task
from tests.mine.world import batch, reasons, rows, said, talk, turn

EDIT = said("edit", text="blue")


def card(name: str, **match: str) -> Task:
    return Task(name=name, match=match)


@pytest.mark.parametrize(
    ("match", "task"),
    [
        ({"app": "chat"}, "t"),
        ({"app": "other app"}, "other"),
        ({"prompt_regex": "^Which"}, "t"),
        ({"prompt_regex": "^colour"}, "other"),
        ({"app": "chat", "prompt_regex": "shape"}, "other"),
        ({"locale": "de"}, "other"),
        ({}, "t"),
    ],
    ids=str,
)
def test_all_conditions_of_a_card_must_hold(match: dict[str, str], task: str) -> None:
    assert rows(batch(talk(feedback=[EDIT]), cards=(card("t", **match),)), "sft")[0]["task"] == task


def test_the_last_user_turn_decides() -> None:
    turns = [turn("q", None, "user", "Which shape?"), turn("b", "q", "assistant", "round"), turn("q2", "b", "user", "Which colour?")]
    found = batch(talk("c1", *turns, turn("a", "q2", "assistant", "x"), feedback=[EDIT]), cards=(card("shape", prompt_regex="shape"),))
    assert rows(found, "sft")[0]["task"] == "other"


def test_two_cards_for_one_row_leave_it_out() -> None:
    found = batch(talk(feedback=[EDIT]), cards=(card("one", app="chat"), card("two", prompt_regex="colour")))
    assert not found.kept and reasons(found) == {"several_cards": 1}


@pytest.mark.parametrize(("name", "match"), [("other", {}), ("t", {"prompt_regex": "("})], ids=["reserved name", "no pattern"])
def test_a_card_that_cannot_be_followed_is_refused(name: str, match: dict[str, str]) -> None:
    with pytest.raises(BadRecipe, match=name):
        Desk({name: card(name, **match)})


SCHEMA = {"type": "object", "required": ["age"], "properties": {"age": {"type": "integer"}}, "additionalProperties": False}
LABEL = Task(name="t", labels={"red": "", "blue": ""}, answer={"format": "label"})
JSON = Task(name="t", answer={"format": "json", "schema": SCHEMA})
REGEX = Task(name="t", answer={"format": "regex", "pattern": r"#\d+"})
FREE = Task(name="t")


@pytest.mark.parametrize(
    ("task", "text", "fault"),
    [
        (LABEL, "red", None),
        (LABEL, " blue\n", None),
        (LABEL, "Red", "format_label"),
        (LABEL, "red, I think", "format_label"),
        (JSON, '{"age": 3}', None),
        (JSON, '{"age": "3"}', "format_schema"),
        (JSON, '{"age": 3, "name": "Bo"}', "format_schema"),
        (JSON, '{"age": 3', "format_json"),
        (JSON, '{"age": NaN}', "format_json"),
        (JSON, '{"age": 3, "age": 4}', "format_json"),
        (JSON, '```json\n{"age": 3}\n```', "format_json"),
        (REGEX, "#42", None),
        (REGEX, "number #42", "format_regex"),
        (FREE, "anything", None),
        (FREE, " \n", "format_empty"),
        (None, "anything", None),
    ],
    ids=str,
)
def test_an_answer_has_its_tasks_form(task: Task | None, text: str, fault: str | None) -> None:
    assert answers.fault(text, task) == fault


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(BadRecipe, match="schema"):
        answers.fault("{}", Task(name="t", answer={"format": "json", "schema": {"type": "thing"}}))


def test_an_edit_of_the_wrong_form_is_left_out() -> None:
    found = batch(talk(feedback=[said("edit", text="no idea lol")]), cards=(LABEL,))
    assert reasons(found) == {"format_label": 1}


def test_white_space_around_a_label_is_not_taught() -> None:
    found = batch(talk(feedback=[said("edit", text=" blue \n")]), cards=(LABEL,))
    assert rows(found, "sft")[0]["messages"][-1]["content"] == "blue"


def test_a_placeholder_of_personal_data_is_kept_and_flagged() -> None:
    row = rows(batch(talk(feedback=[said("edit", text="Write to <EMAIL_1>.")])), "sft")[0]
    assert row["messages"][-1]["content"] == "Write to <EMAIL_1>." and '"personal_data"' in row["evidence"]
