"""Figures about a judge, against scikit-learn, published examples, scipy, and planted errors over many seeds."""

import random

import pytest

from evals.judge_errors import WORLDS, covered, judged
from pipeline.mine import trial_stats
from pipeline.mine.judge_control import tail
from pipeline.mine.trial_stats import Errors, corrected, kappa_interval, length_bias, position

SEEDS = 400


def inside(hits: float, n: int, level: float = 0.95) -> bool:
    """Whether a coverage is near its level: within four standard errors below, and any above."""
    return hits / n >= level - 4 * (level * (1 - level) / n) ** 0.5


def test_kappa_is_scikit_learns_cohen_kappa() -> None:
    score = pytest.importorskip("sklearn.metrics").cohen_kappa_score
    for seed in range(50):
        rng = random.Random(seed)
        cases = judged(rng, rng.randint(5, 80), rng.random(), rng.random(), rng.random())
        found = Errors.of(cases).figures()["kappa"]
        if found is not None:
            assert found == pytest.approx(score([t for t, _ in cases], [j for _, j in cases]), abs=1e-12)


def test_the_interval_of_kappa_is_the_published_one() -> None:
    # Fleiss, Cohen and Everitt (1969) by hand: the table 35 15 / 15 35 has agreement .70 by .50 of chance, so kappa .40, and with equal
    # margins the formula comes to sqrt((1 - kappa^2) / n).
    low, high = kappa_interval(Errors(35, 15, 15, 35)) or (0, 0)
    error = (1 - 0.4**2) ** 0.5 / 10
    assert (low, high) == (pytest.approx(0.4 - trial_stats.z() * error), pytest.approx(0.4 + trial_stats.z() * error))


def test_a_share_is_corrected_as_in_the_published_example() -> None:
    # 23 of 150 cows positive, sensitivity .96, specificity .89: 5.1 in 100 (the example of epiR's epi.prev).
    found = corrected(23, 150, Errors(960, 40, 110, 890))
    assert found["share"] == pytest.approx(0.051, abs=5e-4) and found["low"] <= 0.051 <= found["high"] <= 0.15


@pytest.mark.parametrize("world", WORLDS)
def test_planted_errors_are_recovered_and_the_corrected_share_covers_the_truth(world: tuple[float, float, float, int, int]) -> None:
    held = covered(world, SEEDS)
    nominal = {"sensitivity": 0.95, "specificity": 0.95, "corrected": 0.95, "kappa": 0.93}  # Wald's interval of kappa is a little short
    assert all(inside(held[name] * SEEDS, SEEDS, level) for name, level in nominal.items()), held


def test_a_share_that_is_not_corrected_misses_the_truth() -> None:
    assert [covered(world, SEEDS)["as counted"] < 0.1 for world in WORLDS] == [False, False, False, True, True]


@pytest.mark.parametrize("errors", [Errors(5, 5, 5, 5), Errors(2, 8, 8, 2), Errors(0, 0, 3, 7), Errors(3, 7, 0, 0), Errors(0, 0, 0, 0)])
def test_a_judge_no_better_than_a_coin_corrects_nothing(errors: Errors) -> None:
    found = corrected(30, 60, errors)
    assert (found["share"], found["low"], found["high"]) == (None, 0.0, 1.0)


def test_figures_of_nothing_are_none_and_intervals_are_everything() -> None:
    found = Errors(0, 0, 0, 0).figures()
    assert (found["kappa"], found["sensitivity"], found["kappa_interval"]) == (None, None, None)
    assert found["specificity_interval"] == (0.0, 1.0) and corrected(0, 0, Errors(9, 1, 1, 9))["share"] is None


def test_position_counts_the_place_that_won() -> None:
    orders = (
        [("first", "first")] * 6
        + [("first", "second")] * 5
        + [("second", "first")]
        + [("neither", "second")] * 2
        + [("neither", "neither")]
    )
    found = position(orders)
    assert (found["n"], found["flipped"], found["first"], found["last"]) == (15, 8, 7, 1)
    assert found["p"] == pytest.approx(pytest.importorskip("scipy.stats").binomtest(7, 8).pvalue)


def test_a_planted_love_of_length_is_found_and_its_absence_too() -> None:
    covered = 0
    for seed in range(SEEDS):
        rng = random.Random(seed)
        people = [rng.random() < 0.5 for _ in range(80)]
        judge = [True if rng.random() < 0.4 else p for p in people]  # in 40% it takes the longer: .2 oftener than people
        found = length_bias(list(zip(people, judge, strict=True)))
        covered += found["low"] <= 0.2 <= found["high"]
    assert inside(covered, SEEDS, 0.94)
    assert length_bias([(True, True), (False, False)] * 40)["low"] < 0 < length_bias([(True, True), (False, False)] * 40)["high"]


def test_the_tail_of_the_binomial_is_scipys() -> None:
    binom = pytest.importorskip("scipy.stats").binom
    assert all(tail(k, 18, 0.05) == pytest.approx(binom.sf(k - 1, 18, 0.05), abs=1e-12) for k in range(19))
