"""Curves in words: where a task began and ended, and what is a warning."""

import pytest

from pipeline.train import losses


def curve(task: str, values: list[float], phase: str = "main", tokens: int = 10) -> list[dict]:
    return [{"step": n, "phase": phase, "task": task, "loss": v, "tokens": tokens, "lr": 0.1} for n, v in enumerate(values, 1)]


def test_a_mean_weighs_by_tokens() -> None:
    assert losses.mean([{"loss": 1.0, "tokens": 30}, {"loss": 5.0, "tokens": 10}]) == 2.0  # (30 + 50) / 40


def test_ends_are_the_first_and_last_fifth() -> None:
    found = losses.ends(curve("a", [4, 4, 3, 3, 3, 2, 2, 2, 1, 1.5]))  # ten records: two at each end
    assert found == {"a": {"initial": 4.0, "final": 1.25}}


def test_the_key_pass_continues_its_task_and_preferences_are_apart() -> None:
    records = curve("a", [4, 3]) + curve("a", [2], "key") + curve("a", [0.7], "dpo")
    assert losses.ends(records) == {"a": {"initial": 4.0, "final": 2.0}}
    assert losses.ends(records, ("dpo",)) == {"a": {"initial": 0.7, "final": 0.7}}


SMOOTH = [3.0, 2.8, 2.6, 2.4, 2.2, 2.0, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4]
STAIR = [3.0, 2.95, 2.9, 2.9, 2.9, 2.85, 1.5, 1.5, 1.45, 1.4, 1.4, 1.4]
CASES = {
    "known by heart": ([2.0] * 5 + [0.3] * 5, 10, "under 0.5"),
    "nothing learnt": ([2.0] * 10, 10, "did not fall"),
    "a stair": (STAIR, 6, "staircase at epoch 2"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_curve_is_named(name: str) -> None:
    values, steps_per_epoch, words = CASES[name]
    found = losses.warnings(curve("a", values), steps_per_epoch)
    assert len(found) == 1
    assert words in found[0] and found[0].startswith("a: ")


def test_a_good_curve_has_no_warning() -> None:
    assert losses.warnings(curve("a", SMOOTH), 6) == []


def test_a_loss_that_is_no_number_is_named() -> None:
    assert losses.diverged(curve("a", [2.0, 1.0])) == ""
    assert losses.diverged(curve("a", [2.0, float("nan")])) == "the loss of a is nan at step 2 of main"
