"""The gate reads what the stage before it seals."""

import pytest

from pipeline.evaluate.run import run as evaluate
from pipeline.gate.run import run as gate
from tests.evaluate.conftest import double, mini, place, trained

pytest.importorskip("lm_eval")
__all__ = ["double", "mini", "place", "trained"]


def test_scores_that_evaluate_sealed_are_judged(place, mini, double, trained):
    lesson = mini.model_copy(update={"gate": mini.gate.model_copy(update={"may_hold": True})})
    model = trained({"Say the word yes": "yes", "Say the word no": "no"})
    double.wrong = {model}
    found = gate(evaluate(model, lesson, place)["id"], lesson, place)
    assert found["verdict"] == "block"  # all six capitals lost
    assert (found["abilities"]["knowledge"]["n"], found["abilities"]["knowledge"]["lost"]) == (6, 6)
    assert found["targets"]["intent"]["lost"] == 1  # a wrong model says no to everything
    assert found["shown"]["echo"] == {"n": 6, "champion": 1.0, "candidate": 0.0}


def test_an_adapter_that_changes_nothing_is_warned_about_and_held(place, mini, double, trained):
    lesson = mini.model_copy(update={"gate": mini.gate.model_copy(update={"may_hold": True})})
    found = gate(evaluate(trained({"Say the word yes": "yes"}), lesson, place)["id"], lesson, place)
    assert found["verdict"] == "hold"
    assert any("adapter not applied?" in w for w in found["warnings"])
