"""Which rows lost items look like: likeness checked by hand, and a planted task told from its neighbours."""

import math

import pytest

from pipeline.causes import told
from pipeline.causes.lost import Fallen, Item
from pipeline.causes.neighbours import Shelf, likeness, looks
from pipeline.causes.taught import Taught, of


def item(n: int, prompt: str, response: str) -> Item:
    return Item("b", n, f"d{n}", prompt, "gold", response)


def row(n: int, task: str, asked: str, answer: str) -> Taught:
    return Taught(f"{task}-{n}", task, "sft", asked, answer)


def shown(rows: list[dict]) -> list[dict]:
    return told.evidence("D", rows)


def test_likeness_is_the_cosine_of_rare_words() -> None:
    # "red" stands in two of three texts, each pair and "cat", "dog", "blue" "sky" in one
    found = likeness(["red cat"], ["red dog", "blue sky"])
    common, rare = math.log(3 / 2) ** 2, math.log(3) ** 2
    assert found[0].tolist() == pytest.approx([common / (common + 2 * rare), 0.0])


def test_equal_words_are_one_and_case_is_no_difference() -> None:
    assert likeness(["Book a Table"], ["book a table", "something else entirely"])[0].tolist() == pytest.approx([1.0, 0.0])


def test_the_task_whose_answers_the_lost_items_give_is_named_first() -> None:
    rows = [row(n, "queues", f"which queue for ticket {n}", "billing") for n in range(20)]
    rows += [row(n, "weather", f"how is the weather in town {n}", "sunny and dry") for n in range(20)]
    lost = tuple(item(n, f"What is the capital of land {n}?", "billing") for n in range(50, 62))
    kept = tuple(item(100 + n, f"What is the capital of land {100 + n}?", "Paris it is") for n in range(30))
    found = shown(looks(Fallen("knowledge", "champion", lost, kept), rows))
    assert [(f["task"], f["view"]) for f in found] == [("queues", "answered")]
    assert found[0]["interval"][0] > 0 and found[0]["lost"] == pytest.approx(1.0)


def test_nothing_is_said_where_lost_and_kept_look_alike() -> None:
    rows = [row(n, t, f"{t} question {n}", f"{t} answer") for t in ("a", "b") for n in range(10)]
    items = [item(n, f"a question {n}", "a answer") for n in range(40)]
    assert shown(looks(Fallen("x", "champion", tuple(items[::2]), tuple(items[1::2])), rows)) == []


def test_the_nearest_row_is_the_one_that_says_the_same() -> None:
    rows = [row(1, "queues", "the parcel is late", "delivery"), row(2, "queues", "I was charged twice", "billing")]
    near = Shelf(rows, [item(1, "why was I charged twice", "billing")]).nearest(0)
    assert near[0][0].example_id == "queues-2" and near[0][2] == pytest.approx(1.0)


def test_texts_without_words_are_like_nothing() -> None:
    assert likeness(["", "!?"], ["word", ""]).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_a_refused_answer_was_not_taught_and_a_row_counts_once() -> None:
    sft = {"example_id": "1", "task": "t", "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    vote = {
        "example_id": "2",
        "task": "t",
        "prompt": [{"role": "user", "content": "q"}],
        "completion": [{"role": "assistant", "content": "b"}],
    }
    found = of({"sft": [sft, sft], "kto": [vote | {"label": False}]})
    assert [(r.example_id, r.asked, r.answer) for r in found] == [("1", "q", "a")]
