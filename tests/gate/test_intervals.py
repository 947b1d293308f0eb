"""How large may the drop be? Intervals against published figures, worked examples and exact coverage."""

import math

import numpy as np
import pytest
from scipy import stats

from pipeline.gate.intervals import betting, interval, tango, tango_p, tango_z, wald
from pipeline.gate.paired import Pairs


@pytest.mark.parametrize(
    ("lost", "gained", "n", "score", "textbook"),
    [
        (0, 0, 100, (-0.026343, 0.026343), (0, 0)),
        (5, 0, 100, (0.022340, 0.099161), (0.014151, 0.085849)),
        (3, 2, 100, (-0.032966, 0.055709), (-0.026743, 0.046743)),
        (10, 4, 164, (-0.001033, 0.078522), (-0.000647, 0.073817)),
        (2, 2, 32, (-0.122728, 0.122728), (-0.102803, 0.102803)),
        (20, 10, 500, (0.002071, 0.039281), (0.002042, 0.037958)),
        (30, 10, 500, (0.019902, 0.062061), (0.019403, 0.060597)),
        (60, 40, 1500, (0.002399, 0.024548), (0.002382, 0.024284)),
        (0, 3, 50, (-0.140942, -0.005587), (-0.115244, -0.004756)),
        (675, 593, 12343, (0.001900, 0.011397), (0.001899, 0.011388)),
        (0, 0, 12343, (-0.000219, 0.000219), (0, 0)),
    ],
)
def test_score_and_textbook_interval_give_the_worked_ends(lost, gained, n, score, textbook):
    assert tango(lost, gained, n) == pytest.approx(score, abs=5.1e-7)
    assert wald((lost - gained) / n, (lost + gained) / n, n) == pytest.approx(textbook, abs=5.1e-7)


def test_score_interval_is_tangos_own_published_example():
    assert tango(1, 7, 21, alpha=0.025) == pytest.approx((-0.517232, -0.026003), abs=5e-7)


def test_score_statistic_at_zero_is_mcnemars_z():
    assert tango_z(30, 10, 500, 0.0) == pytest.approx(20 / math.sqrt(40), rel=1e-12)


@pytest.mark.parametrize(
    ("counts", "two", "five"),
    [
        ((20, 10, 500), 0.5, 0.0074),
        ((30, 10, 500), 0.94917, 0.21884),
        ((40, 40, 1000), 0.01453, 0),
        ((60, 40, 1500), 0.16121, 0),
        ((0, 0, 500), 0.0007, 0),
        ((0, 0, 100), 0.07656, 0.01089),
    ],
)
def test_p_of_a_drop_as_large_as_the_margin_is_the_worked_one(counts, two, five):
    assert tango_p(*counts, 0.02) == pytest.approx(two, abs=5.1e-6)
    assert tango_p(*counts, 0.05) == pytest.approx(five, abs=1e-5)


@pytest.mark.parametrize(("lost", "gained", "n"), [(0, 0, 1), (1, 0, 1), (0, 1, 1), (7, 0, 7), (0, 7, 7), (3, 4, 7), (250, 250, 500)])
def test_score_interval_stays_a_share_and_holds_the_drop(lost, gained, n):
    low, high = tango(lost, gained, n)
    assert -1 <= low <= (lost - gained) / n <= high <= 1


def test_without_a_flip_the_bound_is_known_in_closed_form():
    z2 = stats.norm.ppf(0.95) ** 2
    for n in (1, 24, 133, 5000):
        assert tango(0, 0, n) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)), abs=1e-9)


def test_humaneval_certifies_five_points_with_three_losses_and_not_with_four():
    assert tango(3, 0, 164)[1] < 0.05 <= tango(4, 0, 164)[1]


@pytest.mark.parametrize(
    ("n", "psi", "margin", "textbook", "score"),
    [
        (50, 0.05, 0.03, 0.133, 0.013),
        (100, 0.05, 0.03, 0.100, 0.040),
        (207, 0.03, 0.02, 0.094, 0.033),
        (464, 0.05, 0.02, 0.058, 0.047),
        (500, 0.08, 0.02, 0.054, 0.049),
        (1500, 0.03, 0.01, 0.060, 0.046),
    ],
)
def test_false_passes_at_a_true_drop_of_the_margin_are_the_measured_ones(n, psi, margin, textbook, score):
    wrong = {"textbook": 0.0, "score": 0.0}
    worse, better = (psi + margin) / 2, (psi - margin) / 2
    for lost in range(int(stats.binom.ppf(1e-9, n, worse)), int(stats.binom.isf(1e-9, n, worse)) + 1):
        for gained in range(min(n - lost, int(stats.binom.isf(1e-9, n, better)) + 1) + 1):
            chance = stats.multinomial.pmf([lost, gained, n - lost - gained], n, [worse, better, 1 - psi])
            if chance > 1e-9:
                wrong["textbook"] += chance * (wald((lost - gained) / n, (lost + gained) / n, n)[1] < margin)
                wrong["score"] += chance * (tango_z(lost, gained, n, margin) < -1.6448536269514722)
    assert wrong["textbook"] == pytest.approx(textbook, abs=0.01)
    assert wrong["score"] == pytest.approx(score, abs=0.01)


def test_wald_is_used_for_many_flips_of_values_between_and_betting_for_few():
    many = Pairs((0.5,) * 40 + (-0.5,) * 30 + (0.0,) * 430, binary=False)
    few = Pairs((0.5,) * 4 + (-0.5,) * 3 + (0.0,) * 493, binary=False)
    assert interval(many) == wald(many.drop, many.psi, many.n)
    assert interval(few) == betting(few)


def test_values_between_without_a_flip_certify_nothing_from_nothing():
    assert betting(Pairs((0.0,) * 50, binary=False))[1] > 0.02
    assert betting(Pairs((0.0,) * 389, binary=False))[1] < 0.02  # 389 items without a flip accept two points (gate.md, section 6)
    assert betting(Pairs((0.0,) * 370, binary=False))[1] > 0.02


def test_betting_bound_misses_the_true_drop_no_more_often_than_it_may():
    draw = np.random.default_rng(11)
    worlds = draw.choice([1.0, 0.5, -0.5, 0.0], size=(400, 100), p=[0.04, 0.06, 0.04, 0.86])
    truth = 0.04 + 0.03 - 0.02
    ends = [betting(Pairs(tuple(d), binary=False)) for d in worlds.tolist()]
    assert sum(high < truth for _, high in ends) <= 400 * 0.05
    assert sum(low > truth for low, _ in ends) <= 400 * 0.05


def test_betting_bounds_stay_shares_even_when_every_item_is_lost_by_a_part():
    for d in ((0.5,) * 30, (1.0, 0.5) * 10, (-0.5,) * 30):
        low, high = betting(Pairs(d, binary=False))
        assert -1 <= low <= sum(d) / len(d) <= high <= 1
