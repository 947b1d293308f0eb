"""A hotfix's own examples are asked back apart from the held-out prompts: only the rows that this lesson was about, scored as the task is."""

import json
from datetime import date

import pytest

from pipeline import lineage, recipe
from pipeline.errors import BadRecipe
from pipeline.evaluate import examples
from pipeline.recipe import Evaluation, Task


def seal(place, kind, parents, rows=()):
    import pyarrow as pa
    import pyarrow.parquet as pq

    id = lineage.name(kind, date(2026, 11, 20), parents, len(rows))
    with lineage.making(place, id, parents=parents, recipe={}) as work:
        if work is not None and rows:
            pq.write_table(pa.Table.from_pylist(list(rows)), work.folder / "sft.parquet")
    return id


def row(n, source, task="intent"):
    messages = [{"role": "user", "content": f"prompt {n}", "name": None}, {"role": "assistant", "content": f"answer {n}", "name": None}]
    return {"example_id": f"e{n}", "task": task, "source": source, "conversation_id": f"c{n}", "messages": messages}


def test_only_the_rows_that_the_hotfix_taught_are_asked_back(place, mini):
    earlier = seal(place, "pairs", [], [row(9, "hotfix")])
    own = seal(place, "pairs", [], [row(1, "hotfix"), row(2, "edit"), row(3, "hotfix", task="unknown")])
    model = seal(place, "model", [seal(place, "mix", [own, earlier])])
    found = examples.documents(place, model, recipe.cards(place, mini), Evaluation())
    assert {name: [(d["id"], d["answer"]) for d in docs] for name, docs in found.items()} == {"intent_hotfix": [("e1", "answer 1")]}
    [doc] = found["intent_hotfix"]
    assert [m["content"] for m in json.loads(doc["messages"]) if m["role"] == "user"] == ["prompt 1"]


def test_the_origin_was_taught_nothing(place, mini):
    assert examples.documents(place, "origin", recipe.cards(place, mini), Evaluation()) == {}


def test_examples_are_scored_as_their_task_is():
    cards = examples.cards({"age": Task(name="age", checker="contains")})
    assert {name: (card.name, card.checker) for name, card in cards.items()} == {"age_hotfix": ("age_hotfix", "contains")}


def test_a_card_that_takes_the_name_is_refused():
    with pytest.raises(BadRecipe, match=r"tasks/age_hotfix\.yaml has the name"):
        examples.cards({"age": Task(name="age"), "age_hotfix": Task(name="age_hotfix")})
