"""Launch values come from the mix's plan, within bounds; this training's recipe may overrule them and must say so."""

import pytest

from pipeline.errors import BadInput
from pipeline.recipe import Training
from pipeline.train import plan

DEFAULT = Training().model_dump(mode="json")


def written(**values) -> dict:
    return {"values": {n: {"value": v, "why": "because"} for n, v in values.items()}}


def test_the_mix_decides() -> None:
    found, text = plan.launch("mix-x", written(epochs=3, learning_rate=1e-3), Training(), DEFAULT)
    assert (found.epochs, found.learning_rate) == (3, 1e-3)
    assert text["values"]["epochs"] == {"value": 3, "why": "because"}


def test_a_value_the_recipe_had_when_mixing_does_not_overrule_the_plan() -> None:
    """The mix bounds max_length by the model: the recipe's larger wish was heard already."""
    wish = Training(max_length=4096)
    found, _ = plan.launch("mix-x", written(max_length=1024), wish, wish.model_dump(mode="json"))
    assert found.max_length == 1024


def test_another_recipe_overrules_and_says_so() -> None:
    found, text = plan.launch("mix-x", written(epochs=3), Training(epochs=1), DEFAULT)
    assert found.epochs == 1
    assert "other than the mix's" in text["values"]["epochs"]["why"]


def test_the_key_pass_follows_a_rate_that_is_said_anew() -> None:
    found, _ = plan.launch("mix-x", written(learning_rate=9e-4, key_learning_rate=3e-4), Training(learning_rate=3e-5), DEFAULT)
    assert (found.learning_rate, found.key_learning_rate) == (3e-5, pytest.approx(1e-5))


def test_every_value_has_a_reason() -> None:
    _, text = plan.launch("mix-x", {}, Training(), DEFAULT)
    assert set(text["values"]) == set(plan.Launch.model_fields)
    assert all(entry["why"] for entry in text["values"].values())


def test_a_value_outside_its_bounds_is_named() -> None:
    with pytest.raises(BadInput, match=r"mix-x/plan.yaml: values.learning_rate: .*(it is 3)"):
        plan.launch("mix-x", written(learning_rate=3), Training(), DEFAULT)


def test_a_plan_that_says_not_to_train_is_obeyed() -> None:
    with pytest.raises(BadInput, match="says not to train"):
        plan.launch("mix-x", written(method="none"), Training(), DEFAULT)


def test_the_key_pass_has_its_own_rate_and_one_pass() -> None:
    found, _ = plan.launch(
        "mix-x", written(epochs=3, learning_rate=9e-4, key_learning_rate=3e-4, dpo_learning_rate=1e-5), Training(), DEFAULT
    )
    assert [(v["rate"], v["passes"]) for v in (plan.phase_values(found, p) for p in ("main", "key", "dpo"))] == [
        (9e-4, 3),
        (3e-4, 1),
        (1e-5, 1),
    ]
