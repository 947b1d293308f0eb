"""Which held-out prompts are asked: all of a model's lineage and what was written by hand, one item a prompt, never more than asked for."""

import json
from datetime import date

import pytest

from pipeline import lineage, recipe
from pipeline.errors import BadInput, BadRecipe
from pipeline.evaluate import heldout
from pipeline.evaluate.questions import Questions
from pipeline.recipe import Evaluation, Task


def prompts(found):
    return sorted(json.loads(d["messages"])[-1]["content"] for d in found["intent"])


def documents(place, mini, model, **evaluation):
    cards = recipe.cards(place, mini)
    return heldout.documents(place, heldout.sources(place, model), cards, Evaluation(**evaluation))


def test_every_day_behind_the_mix_gives_its_held_out_prompts(place, mini, trained):
    first = trained({"one": "1"})
    [pairs] = [p for p in lineage.ancestors(place, first) if p.startswith("pairs")]
    second = trained({"two": "2"}, day=date(2026, 11, 21), earlier=[pairs])
    assert prompts(documents(place, mini, second)) == ["one", "two"]
    assert prompts(documents(place, mini, first)) == ["one"]


def test_the_newest_answer_to_a_prompt_is_the_one_that_counts(place, mini, trained):
    first = trained({"one": "old"})
    [pairs] = [p for p in lineage.ancestors(place, first) if p.startswith("pairs")]
    second = trained({"one": "new"}, day=date(2026, 11, 21), earlier=[pairs], adapter="b")
    assert [d["answer"] for d in documents(place, mini, second)["intent"]] == ["new"]


def test_written_items_come_first_and_the_rest_by_hash(place, mini, trained):
    (place.config / "heldout" / "intent.jsonl").write_text('{"id": "w1", "prompt": "written", "answer": "yes"}\n\n')
    model = trained({f"prompt {n}": "x" for n in range(20)})
    five = prompts(documents(place, mini, model, max_heldout=5))
    six = prompts(documents(place, mini, model, max_heldout=6))
    assert len(five) == 5
    assert set(five) < set(six)


def test_few_items_move_when_the_set_grows(place, mini, trained):
    small = documents(place, mini, trained({f"prompt {n}": "x" for n in range(20)}), max_heldout=10)
    large = documents(place, mini, trained({f"prompt {n}": "x" for n in range(22)}), max_heldout=10)
    assert len(set(prompts(small)) & set(prompts(large))) >= 8


def test_a_written_prompt_may_be_a_conversation_and_its_answer_json(place, mini, trained):
    turns = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]
    (place.config / "heldout" / "intent.jsonl").write_text(json.dumps({"id": 1, "messages": turns, "answer": {"a": 1}}) + "\n")
    [doc] = documents(place, mini, trained({}))["intent"]
    assert json.loads(doc["messages"]) == turns
    assert json.loads(doc["answer"]) == {"a": 1}


def test_the_system_text_that_was_taught_is_asked_with():
    card = Task(name="intent", system="You name intents.")
    row = {"id": "1", "messages": [{"role": "user", "content": "hi"}], "answer": "x", "cluster": None, "where": "here"}
    assert json.loads(heldout.document(card, row)["messages"])[0] == {"role": "system", "content": "You name intents."}
    spoken = row | {"messages": [{"role": "system", "content": "other"}, {"role": "user", "content": "hi"}]}
    assert len(json.loads(heldout.document(card, spoken)["messages"])) == 2


@pytest.mark.parametrize(
    "line", ['{"id": 1}', "[]", "{", '{"prompt": "x"}', '{"messages": [{"role": "boss", "content": "x"}], "answer": "y"}']
)
def test_a_bad_line_is_named_with_its_file_and_number(place, mini, line):
    (place.config / "heldout" / "intent.jsonl").write_text('{"prompt": "a", "answer": "b"}\n' + line + "\n")
    with pytest.raises(BadInput, match=r"heldout/intent\.jsonl:2: "):
        documents(place, mini, "origin")


def test_an_answer_that_cannot_be_right_is_named(place, mini):
    (place.config / "tasks" / "intent.yaml").write_text("name: intent\nchecker: json\n")
    (place.config / "heldout" / "intent.jsonl").write_text('{"id": "w7", "prompt": "a", "answer": "no json"}\n')
    with pytest.raises(BadInput, match="item w7 of task intent"):
        documents(place, mini, "origin")


@pytest.fixture
def serving(place, trained):
    """A model in service that was taught the task `tickets`, whose held-out prompt is `broken`."""
    (place.config / "tasks" / "tickets.yaml").write_text("name: tickets\nchecker: exact\n")
    model = trained({"broken": "urgent"}, adapter="t", task="tickets")
    (place.home / "current.json").write_text(json.dumps({"model": model}))
    return model


def test_tasks_of_the_model_in_service_that_a_lesson_leaves_out_are_asked_too(place, mini, trained, serving):
    model = trained({"one": "1"}, day=date(2026, 11, 21))
    asked = Questions(place, model, mini)
    assert {name: [json.loads(d["messages"])[-1]["content"] for d in docs] for name, docs in asked.targets.items()} == {
        "intent": ["one"],
        "tickets": ["broken"],
    }
    theirs = heldout.sources(place, serving)
    assert set(theirs) < set(asked.parents(model)), "their prompts are copied into the scores, so that `forget` must find them"
    whole = mini.model_copy(update={"tasks": ["intent", "tickets"]})
    assert set(Questions(place, model, whole).targets) == {"intent"}, "a lesson that names the task answers for its own held-out prompts"


def test_a_model_at_another_strength_keeps_its_tasks(place, serving):
    scaled = "model-20261120-00000001"
    with lineage.making(place, scaled, parents=[serving], recipe={}) as work:
        assert work is not None
    assert list(heldout.served(place, scaled)) == ["tickets"]


def test_a_card_that_cannot_be_read_retires_nothing(place, serving):
    (place.config / "tasks" / "tickets.yaml").write_text("name: tickets\ncheker: exact\n")
    with pytest.raises(BadRecipe, match=r"tickets\.yaml"):
        heldout.served(place, serving)


def test_a_task_without_a_card_is_retired_and_the_origin_was_taught_nothing(place, mini, trained, serving):
    (place.config / "tasks" / "tickets.yaml").unlink()
    assert heldout.served(place, serving) == {} == heldout.served(place, "origin")
    assert set(Questions(place, trained({"one": "1"}), mini).targets) == {"intent"}
