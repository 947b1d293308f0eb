"""Judging on the half that did not choose keeps the error where the gate says it is; judging on what chose does not."""

import numpy as np
import pytest

from evals.repair_worlds import rates


@pytest.mark.parametrize("alike", [0.0, 0.8])
def test_eight_tries_that_all_lose_the_margin_pass_once_in_twenty_on_the_held_half(alike: float) -> None:
    found = rates(np.random.default_rng(1), drop=0.05, margin=0.05, alike=alike, worlds=10_000, alpha=0.05)
    assert found["apart"] < 0.06 and found["alone"] < 0.06
    assert found["same"] > 2 * found["apart"] and found["flattery"] > 0.3
