"""The half that chooses and the half that judges share no item, and together they are the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import lineage
from pipeline.evaluate import halves, run
from pipeline.gate import feasibility
from pipeline.recipe import Ability, Gate

HELD = {f"Say the word number {n}": f"{n}" for n in range(12)}
KEY = ("benchmark", "filter", "metric", "doc_hash", "prompt_hash", "occurrence", "value", "response")


def table(place, id):
    import pyarrow.parquet as pq

    return pq.read_table(lineage.folder(place, id) / "items.parquet").to_pylist()


def of(mini, half):
    return mini.model_copy(update={"evaluation": mini.evaluation.model_copy(update={"half": half})})


def test_dev_and_held_are_the_whole_and_nothing_is_asked_again(place, mini, double, trained):
    model = trained(HELD)
    whole = run.run(model, mini, place)["id"]
    asked = sum(double.asked.values())
    parts = {half: run.run(model, of(mini, half), place) for half in ("dev", "held")}
    assert sum(double.asked.values()) == asked, "a half's answers are known from the whole"
    rows = {half: {tuple(r[k] for k in KEY) for r in table(place, found["id"])} for half, found in parts.items()}
    assert rows["dev"] and rows["held"] and not rows["dev"] & rows["held"]
    assert rows["dev"] | rows["held"] == {tuple(r[k] for k in KEY) for r in table(place, whole)}
    for half, found in rows.items():
        assert {halves.of(row[KEY.index("doc_hash")]) for row in found} == {half}
    ids = {lineage.manifest(place, id)["evalset"] for id in (whole, *(p["id"] for p in parts.values()))}
    assert len(ids) == 3, "scores of different halves are never compared"


def test_a_half_without_items_of_a_benchmark_leaves_it_out(place, mini, double, trained):
    [prompt] = ["Say the word yes"]
    model = trained({prompt: "yes"})
    found = {half: run.run(model, of(mini, half), place)["scores"] for half in ("dev", "held")}
    assert sum("heldout_intent" in scores for scores in found.values()) == 1


def test_a_half_leans_to_no_side():
    """Of 10,000 items, five standard errors of a fair coin are 250."""
    assert abs(sum(halves.of(f"{n:064x}") == "dev" for n in range(10_000)) - 5000) < 250


@given(st.text(max_size=20))
def test_an_items_half_is_its_own(name):
    assert halves.of(name) == halves.of(name) in ("dev", "held")


@pytest.mark.parametrize(("half", "n"), [("all", 150), ("dev", 75), ("held", 75)])
def test_margins_are_planned_for_the_items_that_are_asked(half, n):
    asked = feasibility.asked({"maths": Ability(tasks=["t"], n=150), "new": Ability(tasks=["u"])}, half)
    assert (asked["maths"].n, asked["new"].n) == (n, None)
    alone = feasibility.plan({"maths": asked["maths"]}, Gate(margin=0.05))
    assert alone["rows"]["maths"]["n"] == n
