"""From lm-eval's samples to rows: what a value may be, which copy is which, what the model said."""

import numpy
import pytest

from pipeline.evaluate.items import Measured, differ, number, rows, table


def sample(doc_id, filter="none", doc_hash="d", **more):
    return {
        "doc_id": doc_id,
        "doc": {"topic": 7},
        "target": 1,
        "arguments": [("Q", " aa"), ("Q", " bbbbbb")],
        "resps": [[(-2.0, False)], [(-3.0, False)]],
        "filter": filter,
        "metrics": ["acc", "acc_norm"],
        "doc_hash": doc_hash,
        "prompt_hash": "p",
        "target_hash": "t",
        "acc": 0.0,
        "acc_norm": 1.0,
    } | more


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (numpy.float64(0.5), 0.5),
        (numpy.int64(1), 1.0),
        (True, 1.0),
        ([True, False, True, True], 0.75),
        (numpy.array([True, False]), 0.5),
        (float("nan"), None),
        (float("inf"), None),
        ((1, 2), None),
        ([0, 2], None),
        ("N/A", None),
        (None, None),
    ],
)
def test_a_value_is_one_number_or_null(value, wanted):
    assert number(value) == wanted


def test_copies_of_a_document_are_counted_in_the_order_of_their_ids():
    found = rows({"b": [sample(5), sample(2), sample(3, doc_hash="other")]}, {"b": Measured("maths")})
    assert [(r["doc_id"], r["occurrence"]) for r in found if r["metric"] == "acc"] == [(2, 0), (3, 0), (5, 1)]


def test_each_filter_counts_its_own_copies_and_keeps_its_place():
    found = rows({"b": [sample(1, "strict"), sample(1, "flexible")]}, {"b": Measured("maths", "report", "topic")})
    assert [(r["filter"], r["occurrence"], r["cluster"], r["kind"]) for r in found if r["metric"] == "acc"] == [
        ("strict", 0, "7", "report"),
        ("flexible", 0, "7", "report"),
    ]


def test_the_likeliest_choice_is_what_the_model_said_by_that_metric():
    # -2 > -3 as they stand; per character -2/2 = -1 < -3/6 = -.5
    found = {r["metric"]: r["response"] for r in rows({"b": [sample(1)]}, {"b": Measured("maths")})}
    assert found == {"acc": "aa", "acc_norm": "bbbbbb"}


def test_choices_that_stand_in_the_contexts_are_read_there():
    winogrande = sample(1, arguments=[("Ann is", " tall"), ("Bea is", " tall")], target=" tall")
    assert rows({"b": [winogrande]}, {"b": Measured("sense")})[0]["response"] == "Ann is"


def test_rows_fit_the_table():
    made = table(rows({"b": [sample(1, acc=float("nan"))]}, {"b": Measured("maths")}))
    assert made.column("value").to_pylist() == [None, 1.0]
    assert made.schema.field("cluster").nullable


def test_models_differ_by_one_value_or_by_more_than_a_thousandth_of_their_words():
    mine = rows({"b": [sample(n, doc_hash=str(n)) for n in range(1000)]}, {"b": Measured("maths")})
    assert not differ(mine, mine)
    assert not differ(mine, [r | {"response": "x"} if r["doc_id"] == 0 and r["metric"] == "acc" else r for r in mine])
    assert differ(mine, [r | {"response": "x"} if r["doc_id"] < 2 else r for r in mine])
    assert differ(mine, [r | {"value": 0.5} if r["doc_id"] == 0 and r["metric"] == "acc" else r for r in mine])
