"""Stopping early: the worked examples of gate.md, section 6, against scipy's own integrals."""

import math

import numpy as np
import pytest
from scipy import stats

from pipeline.gate import boundaries, sequential, wagers
from pipeline.gate.paired import Pairs
from pipeline.gate.sequential import Plan, walk
from tests.gate.pairs import sides

QUARTERS = [0.25, 0.5, 0.75, 1.0]


def _stays(bounds, times):
    """P(no look reaches its bound), by scipy's multivariate normal integral."""
    cov = [[math.sqrt(min(s, t) / max(s, t)) for t in times] for s in times]
    return stats.multivariate_normal.cdf(bounds, np.zeros(len(times)), cov, abseps=1e-8, releps=1e-8, maxpts=500_000)


@pytest.mark.parametrize(("alpha", "c"), [(0.05, 1.733), (0.025, 2.024), (0.005, 2.609), (0.0025, 2.833)])
def test_four_looks_have_the_worked_constants(alpha, c):
    assert boundaries.obrien_fleming(alpha) == pytest.approx(c, abs=5e-4)
    assert 1 - _stays(boundaries.bounds(alpha), QUARTERS) == pytest.approx(alpha, abs=2e-6)


def test_four_looks_at_five_percent_have_the_worked_bounds():
    assert boundaries.bounds(0.05) == pytest.approx([3.466, 2.451, 2.001, 1.733], abs=5e-4)


def test_one_look_is_the_fixed_test():
    assert boundaries.bounds(0.05, 1) == pytest.approx([stats.norm.isf(0.05)], abs=1e-9)


def test_alpha_is_spent_as_worked_when_looks_move():
    assert [boundaries.spending(0.05, t) for t in QUARTERS] == pytest.approx([0.000089, 0.005575, 0.023625, 0.05], abs=5e-7)


@pytest.mark.parametrize("times", [QUARTERS, [0.1, 0.55, 0.9, 1.0], [0.4, 1.0]])
def test_moved_looks_spend_what_is_due_by_each(times):
    bounds = boundaries.moved(0.05, times)
    for k in range(1, len(times) + 1):
        assert 1 - _stays(bounds[:k], times[:k]) == pytest.approx(boundaries.spending(0.05, times[k - 1]), abs=2e-6)


def test_chances_of_stopping_with_a_drift_are_those_of_a_simulated_walk():
    times = np.array(QUARTERS)
    upper = boundaries.bounds(0.05)
    lower = [2.8 * math.sqrt(t) - b for t, b in zip(QUARTERS, upper, strict=True)]
    steps = np.random.default_rng(3).normal(1.2 * 0.25, 0.5, size=(400_000, 4))
    z = steps.cumsum(axis=1) / np.sqrt(times)
    out = np.where(z < np.minimum(lower, upper), -1, np.where(z >= upper, 1, 0))
    out = np.where((z < lower) & (out == 0), -1, out)
    first = np.where((out != 0).any(axis=1), (out != 0).argmax(axis=1), 4)
    way = np.take_along_axis(out, np.minimum(first, 3)[:, None], 1)[:, 0]
    above, below = boundaries.crossings(upper, QUARTERS, 1.2, lower)
    assert above == pytest.approx([((first == k) & (way == 1)).mean() for k in range(4)], abs=0.003)
    assert below == pytest.approx([((first == k) & (way == -1)).mean() for k in range(4)], abs=0.003)


def test_the_worked_path_blocks_at_the_third_look():
    path = [(22, 12, 500), (45, 25, 1000), (70, 38, 1500), (93, 52, 2000)]
    z = [sequential.fall(Pairs.counts(*c)) for c in path]
    assert z[:3] == pytest.approx([1.720, 2.397, 3.089], abs=5e-4)
    blocks = [found >= bound for found, bound in zip(z, boundaries.bounds(0.05), strict=True)]
    assert blocks.index(True) == 2


@pytest.mark.parametrize(
    ("lost", "gained", "wealth"),
    [(9, 0, 19.4546), (10, 0, 29.2060), (20, 10, 3.1604), (30, 10, 70.5343), (36, 14, 56.0157), (10, 10, 0.5083)],
)
def test_bets_on_a_collapse_pay_as_worked(lost, gained, wealth):
    assert wagers.collapse(lost, gained) == pytest.approx(wealth, abs=6e-5)


def test_bets_on_no_loss_pay_as_worked():
    assert wagers.accept(0, 0, 388, 0.02) < 20 <= wagers.accept(0, 0, 389, 0.02)
    assert wagers.accept(20, 20, 1000, 0.02) == pytest.approx(26.2422, abs=6e-5)
    assert wagers.accept(40, 40, 1000, 0.02) == pytest.approx(4.4853, abs=6e-5)
    assert wagers.accept(40, 40, 2000, 0.02) == pytest.approx(1623.3, abs=0.05)


def test_a_collapse_is_called_at_the_tenth_item_lost_in_a_row():
    assert wagers.collapsed_at([0.0, *[1.0] * 12], 0.05) == 11
    assert wagers.collapsed_at([1.0, -1.0] * 200, 0.05) is None


def test_wealth_too_large_for_a_number_is_infinite():
    assert wagers.collapse(5000, 0) == math.inf
    assert wagers.accept(0, 0, 200_000, 0.02) == math.inf


def test_bets_on_a_fair_game_reach_twenty_in_one_of_twenty_at_most():
    rng = np.random.default_rng(5)
    reached = sum(wagers.collapsed_at(rng.choice([-1.0, 1.0], 300), 0.05) is not None for _ in range(600))
    assert reached / 600 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 600)


def _suite(**counts):
    both = {n: sides(*c) for n, c in counts.items()}
    return {n: a for n, (a, _) in both.items()}, {n: b for n, (_, b) in both.items()}


def _plan(pooled=0.03, **margins):
    return Plan(margins, pooled)


def test_a_collapse_stops_everything_within_the_first_batch():
    found = walk(*_suite(maths=(240, 20, 2000), reading=(80, 80, 2000)), _plan(maths=0.05, reading=0.05))
    assert (found.verdict, found.look) == ("block", 1)
    assert found.abilities["maths"].collapsed
    assert found.needed <= 1000
    assert "a collapse" in found.reasons[0]


def test_an_unchanged_model_is_accepted_before_the_last_item():
    found = walk(*_suite(maths=(40, 40, 2000), reading=(40, 40, 2000)), _plan(maths=0.05, reading=0.05))
    assert found.verdict == "promote"
    assert found.needed < found.of


def test_no_flip_at_all_certifies_nothing_that_the_items_cannot():
    assert walk(*_suite(maths=(0, 0, 80)), _plan(maths=0.02)).verdict == "hold"
    assert walk(*_suite(maths=(0, 0, 400)), _plan(maths=0.02)).verdict == "promote"


def test_items_behind_the_stop_are_not_looked_at():
    a, b = _suite(maths=(0, 0, 2000))
    plan = _plan(maths=0.05)
    found = walk(a, b, plan)
    seen = plan.order("maths", 2000)[: found.abilities["maths"].n]
    for i in set(range(2000)) - set(seen):
        b["maths"][i] = 0.0
    assert walk(a, b, plan) == found


def test_the_order_is_recorded_by_its_seed_and_holds_every_item_once():
    plan = _plan(maths=0.05)
    assert plan.order("maths", 100) == plan.order("maths", 100) != list(range(100))
    assert sorted(plan.order("maths", 100)) == list(range(100))
    assert plan.order("maths", 100) != Plan({"maths": 0.05}, 0.03, seed=18).order("maths", 100)


def test_clusters_make_no_look_stronger():
    a, b = sides(60, 20, 1000)
    alone = Pairs.of(a, b)
    together = Pairs.of(a, b, [i // 10 for i in range(1000)])
    assert sequential.fall(together) < sequential.fall(alone)
    assert sequential.margin_z(together, 0.1) < sequential.margin_z(alone, 0.1)


def test_unchanged_models_are_blocked_by_looks_as_seldom_as_promised():
    rng, blocked = np.random.default_rng(11), 0
    for _ in range(300):
        flips = {n: rng.choice([1.0, -1.0, 0.0], 500, p=[0.04, 0.04, 0.92]) for n in "abcd"}
        champion = {n: np.where(d > 0, 1.0, 0.0).tolist() for n, d in flips.items()}
        candidate = {n: np.where(d < 0, 1.0, 0.0).tolist() for n, d in flips.items()}
        blocked += walk(champion, candidate, _plan(0.01, **dict.fromkeys("abcd", 0.05))).verdict == "block"
    assert blocked / 300 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 300)
