"""Strata of past instability: the MMLU pair of gate.md, section 6, and what must hold of any pool."""

import math

import numpy as np
import pytest

from pipeline.gate.paired import Pairs
from pipeline.gate.strata import LEAST, Stratum, deviation, estimate, neyman, split, unstable

POOL, MOVED = 12_343, 1_389
W = MOVED / POOL
SPREADS = [deviation((598 + 521) / MOVED, (598 - 521) / MOVED), deviation((77 + 72) / (POOL - MOVED), (77 - 72) / (POOL - MOVED))]


def test_the_worked_allocation():
    assert pytest.approx(0.11253, abs=5e-6) == W
    assert neyman(2000, [MOVED, POOL - MOVED], SPREADS) == [987, 1013]


def test_the_worked_estimate():
    found = estimate([Stratum(W, Pairs.counts(425, 370, 987)), Stratum(1 - W, Pairs.counts(7, 7, 1013))])
    assert found.drop == pytest.approx(0.006271, abs=5e-7)
    assert found.error == pytest.approx(0.004587, abs=5e-7)
    assert found.z == pytest.approx(1.3671, abs=5e-5)
    assert found.upper() == pytest.approx(0.013816, abs=5e-7)


def test_the_worked_gain_over_simple_sampling():
    asked = neyman(2000, [MOVED, POOL - MOVED], SPREADS)
    stratified = math.sqrt(sum(w * w * s * s / n for w, s, n in zip((W, 1 - W), SPREADS, asked, strict=True)))
    simple = deviation(1268 / POOL, 82 / POOL) / math.sqrt(2000)
    assert (stratified, simple) == (pytest.approx(0.00457, abs=5e-6), pytest.approx(0.00717, abs=5e-6))
    assert (simple / stratified) ** 2 == pytest.approx(2.46, abs=0.005)


def test_the_estimate_is_unbiased_over_draws_of_a_pool():
    rng = np.random.default_rng(2)
    pool = [np.r_[np.ones(598), -np.ones(521), np.zeros(270)], np.r_[np.ones(77), -np.ones(72), np.zeros(10805)]]
    drops = []
    for _ in range(1500):
        parts = [rng.permutation(p)[:n] for p, n in zip(pool, (494, 506), strict=True)]
        drops.append(estimate([Stratum(w, Pairs(tuple(p))) for w, p in zip((W, 1 - W), parts, strict=True)]).drop)
    assert np.mean(drops) == pytest.approx(82 / POOL, abs=3 * np.std(drops) / math.sqrt(1500))


def test_only_the_past_cuts_the_pool():
    past = [{"a": (1, 0), "b": (1, 1)}, {"b": (0, 0), "c": (0, 1)}]
    assert unstable(past) == {"a", "c"}
    items = [f"i{k}" for k in range(500)]
    assert [len(p) for p in split(items, items[:150])] == [150, 350]
    assert split(items, items[: LEAST - 1]) == [items]


@pytest.mark.parametrize(("total", "sizes", "spreads"), [(2000, [150, 20_000], [0.9, 0.1]), (300, [400, 5000], [0.9, 0.001]), (500, [300, 300], [0.0, 0.0])])  # fmt: skip
def test_an_allocation_asks_what_there_is_and_a_hundred_at_least(total, sizes, spreads):
    asked = neyman(total, sizes, spreads)
    assert sum(asked) == total
    assert all(LEAST <= n <= size for n, size in zip(asked, sizes, strict=True))


def test_without_flips_nothing_is_certified():
    still = estimate([Stratum(0.5, Pairs.counts(0, 0, 500)), Stratum(0.5, Pairs.counts(0, 0, 500))])
    assert still.upper() == 1.0
    assert still.p == 0.5
