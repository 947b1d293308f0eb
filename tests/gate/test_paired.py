"""Is there a drop? Exact tests against published figures, worked examples and scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from pipeline.gate import paired
from pipeline.gate.intervals import interval
from pipeline.gate.paired import Pairs, clustered_error, mcnemar, p_value, sign_flip

FIVE_CLUSTERS = [1, 1, 0, 0, 0, 0, 0, -1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("lost", "gained", "p"),
    [
        (0, 0, 1.0),
        (5, 0, 0.031250),
        (3, 2, 0.5),
        (10, 4, 0.089783),
        (2, 2, 0.6875),
        (20, 10, 0.049369),
        (30, 10, 0.001111),
        (60, 40, 0.028444),
        (0, 3, 1.0),
        (675, 593, 0.011443),
        (593, 675, 0.990138),
        (6, 0, 0.015625),
        (7, 0, 0.0078125),
        (9, 0, 0.001953),
    ],
)
def test_mcnemar_gives_the_worked_p(lost, gained, p):
    assert mcnemar(lost, gained) == pytest.approx(p, abs=5e-7)


@pytest.mark.parametrize("flips", [1, 7, 40, 301])
def test_mcnemar_is_scipys_binomial_test(flips):
    for lost in range(flips + 1):
        wanted = stats.binomtest(lost, flips, 0.5, alternative="greater").pvalue
        assert mcnemar(lost, flips - lost) == pytest.approx(wanted, rel=1e-9)


def test_nine_losses_without_a_gain_are_the_first_below_a_tenth_of_the_split_alpha():
    assert mcnemar(9, 0) < 0.0025 <= mcnemar(8, 0)


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1, 1, 1, 1, 1, -1, 0, 0], 7 / 64),
        ([0.5, 0.5, -0.25, 0, 1], 2 / 16),
        ([0.5, 0.25, 0.5, -0.25, 0.25, 0.75, 0, -0.5, 0.25, 0.5], 36 / 512),
        ([0, 0, 0], 1.0),
    ],
)
def test_sign_flip_gives_the_worked_p(differences, p):
    assert sign_flip(differences) == p


def test_sign_flip_is_scipys_permutation_test_while_exact():
    draw = np.random.default_rng(3)
    for _ in range(10):
        d = draw.choice([-1, -0.5, -1 / 3, 0.1, 0.25, 1 / 3, 0.7, 1], size=9)
        wanted = stats.permutation_test((d, np.zeros(9)), lambda x, y: np.mean(x - y), permutation_type="samples", alternative="greater")
        assert sign_flip(d.tolist()) == pytest.approx(wanted.pvalue, abs=1e-12)


def test_sign_flip_equals_mcnemar_on_yes_and_no():
    for lost, gained in [(5, 1), (9, 9), (3, 8), (12, 6)]:
        assert sign_flip([1] * lost + [-1] * gained + [0] * 30) == pytest.approx(mcnemar(lost, gained), rel=1e-12)


def test_sign_flip_beyond_the_exact_size_is_drawn_once_and_for_all():
    d = [1.0] * 30 + [-1.0] * 10 + [0.5, -0.5] * 5
    assert sign_flip(d) == sign_flip(d[::-1])
    exact = mcnemar(30, 10)
    assert sign_flip([1.0] * 30 + [-1.0] * 10) == pytest.approx(exact, abs=4 * math.sqrt(exact / paired.DRAWS))


def test_many_draws_find_the_p_of_a_normal_sum():
    d = [0.1 + 0.01 * k for k in range(60)] + [-0.1 - 0.01 * k for k in range(45)]
    spread = math.sqrt(sum(x * x for x in d))
    assert sign_flip(d) == pytest.approx(stats.norm.sf(sum(d) / spread), abs=0.01)


def test_five_clusters_of_four_give_the_worked_error_and_p():
    pairs = Pairs(tuple(map(float, FIVE_CLUSTERS)), True, tuple(i // 4 for i in range(20)))
    error, clusters = clustered_error(pairs)
    iid = math.sqrt((pairs.psi - pairs.drop**2) / pairs.n)
    assert (pairs.drop, clusters) == (0.25, 5)
    assert iid == pytest.approx(0.119896, abs=5e-7)
    assert error == pytest.approx(0.176777, abs=5e-7)
    assert (error / iid) ** 2 == pytest.approx(2.1739, abs=5e-5)
    assert pairs.drop / error == pytest.approx(1.4142, abs=5e-5)
    assert p_value(pairs) == pytest.approx(0.11510, abs=5e-6)
    assert p_value(pairs) == pytest.approx(stats.t.sf(pairs.drop / error, 4), rel=1e-9)


def test_clustered_error_is_that_of_a_regression_with_cluster_robust_errors():
    draw = np.random.default_rng(5)
    d, clusters = draw.choice([-1.0, 0.0, 1.0], size=200, p=[0.1, 0.7, 0.2]), draw.integers(0, 30, size=200)
    residual = d - d.mean()
    sums = np.array([residual[clusters == c].sum() for c in np.unique(clusters)])
    wanted = math.sqrt(len(sums) / (len(sums) - 1) * (sums**2).sum()) / 200
    assert clustered_error(Pairs(tuple(d), True, tuple(clusters.tolist())))[0] == pytest.approx(wanted, rel=1e-12)


def test_items_that_hang_together_weaken_evidence_and_never_strengthen_it():
    d = tuple(map(float, FIVE_CLUSTERS))
    alone, together = Pairs(d), Pairs(d, True, tuple(i // 4 for i in range(20)))
    assert p_value(together) >= p_value(alone)
    assert interval(together)[0] <= interval(alone)[0]
    assert interval(together)[1] >= interval(alone)[1]


def test_one_cluster_alone_proves_nothing():
    pairs = Pairs((1.0,) * 20, True, ("passage",) * 20)
    assert p_value(pairs) == 1.0
    assert interval(pairs) == (-1.0, 1.0)


def test_clusters_that_all_fall_alike_are_no_certainty():
    pairs = Pairs((1.0, 0.0) * 3, True, (0, 0, 1, 1, 2, 2))  # the clustered error is 0
    assert p_value(pairs) == mcnemar(3, 0)


def test_clusters_of_one_item_are_no_clusters():
    assert Pairs.of([1, 0], [0, 0], ["a", "b"]).clusters is None
    assert Pairs.of([1, 0], [0, 0], ["a", "a"]).clusters == ("a", "a")
