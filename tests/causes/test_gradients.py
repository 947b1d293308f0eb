"""Pull against lost items: planted directions, where the answer is known."""

import numpy as np
import pytest

from pipeline.causes import told
from pipeline.causes.gradients import points

IDS = [f"x-{n}" for n in range(45)]


def test_the_task_whose_rows_point_against_the_lost_items_is_named() -> None:
    rng = np.random.default_rng(0)
    harmed, other = rng.normal(size=64), rng.normal(size=64)
    lost = harmed + 0.3 * rng.normal(size=(20, 64))
    kept = other + 0.3 * rng.normal(size=(25, 64))
    rows = np.concatenate([-harmed + rng.normal(size=(15, 64)), rng.normal(size=(15, 64)), rng.normal(size=(15, 64))])
    found = points(lost, kept, rows * rng.uniform(0.1, 10, (45, 1)), ["guilty"] * 15 + ["a"] * 15 + ["b"] * 15, IDS[:45])
    assert found[0]["task"] == "guilty"
    assert [e["task"] for e in told.evidence("C", found)] == ["guilty"]


def test_what_harms_lost_and_kept_alike_is_not_named() -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(size=64)
    items = shared + 0.3 * rng.normal(size=(40, 64))
    found = points(items[:20], items[20:], -shared + rng.normal(size=(15, 64)), ["guilty"] * 15, IDS[:15])
    assert told.evidence("C", found) == []


def test_the_length_of_an_answer_is_no_weight() -> None:
    rng = np.random.default_rng(2)
    lost, kept, rows = rng.normal(size=(12, 8)), rng.normal(size=(12, 8)), rng.normal(size=(9, 8))
    tasks = list("aaabbbccc")
    assert points(lost, kept, rows, tasks, IDS[:9])[0]["difference"] == pytest.approx(
        points(5 * lost, kept / 3, 7 * rows, tasks, IDS[:9])[0]["difference"]
    )


def test_the_row_that_points_away_is_named_first() -> None:
    rng = np.random.default_rng(4)
    lost, kept = np.array([1.0, 0.0]) + 0.1 * rng.normal(size=(8, 2)), np.array([0.0, 1.0]) + 0.1 * rng.normal(size=(8, 2))
    found = points(lost, kept, np.array([[0.0, 1.0], [-2.0, 0.0], [1.0, 0.0]]), ["a"] * 3, ["x", "y", "z"])
    assert found[0]["rows"][0] == "y"


def test_no_items_are_no_evidence() -> None:
    assert points(np.zeros((0, 4)), np.ones((9, 4)), np.ones((3, 4)), ["a"] * 3, IDS[:3]) == []


def test_rows_that_help_are_not_said_to_pull() -> None:
    row = {"task": "t", "lost": -0.04, "kept": -0.09, "difference": 0.05, "interval": [0.03, 0.08], "p": 0.001}
    assert "help the lost answers less than the kept ones (0.04 against 0.09, difference 0.05" in told.evidence("C", [row])[0]["sentence"]
    assert "pull against the lost answers" in told.evidence("C", [row | {"lost": 0.02, "kept": -0.03}])[0]["sentence"]
