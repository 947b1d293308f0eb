"""Our own tails against scipy's."""

import pytest
from scipy import stats

from pipeline.distributions import beta_cdf, bisect, coin_tail, phi, t_of, t_tail, z_of


def test_normal_tail_and_quantile_are_scipys():
    for z in (-6, -1.6448536269514722, -0.3, 0, 1, 3.144, 8):
        assert phi(z) == pytest.approx(stats.norm.cdf(z), rel=1e-12)
    for tail in (0.5, 0.05, 0.025, 0.0025, 1e-9):
        assert z_of(tail) == pytest.approx(stats.norm.isf(tail), abs=1e-9)


@pytest.mark.parametrize("df", [1, 2, 4, 14, 54, 149, 5000])
def test_t_tail_and_quantile_are_scipys(df):
    for t in (-40, -2, -0.1, 0, 0.5, 1.4142, 3, 12):
        assert t_tail(t, df) == pytest.approx(stats.t.sf(t, df), rel=1e-9, abs=1e-300)
    for tail in (0.05, 0.025, 0.0025):
        assert t_of(tail, df) == pytest.approx(stats.t.isf(tail, df), rel=1e-8)


def test_incomplete_beta_is_scipys():
    for a, b in ((0.5, 0.5), (2, 0.5), (27, 0.5), (3, 9), (400, 0.5)):
        for x in (0.0, 1e-6, 0.1, 0.5, 0.9, 0.999999, 1.0):
            assert beta_cdf(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-9, abs=1e-300)


def test_coin_tail_is_exact_far_out():
    assert coin_tail(3000, 0) == 1.0
    assert coin_tail(3000, 3001) == 0.0
    assert coin_tail(2000, 1100) == pytest.approx(stats.binom.sf(1099, 2000, 0.5), rel=1e-9)
    assert coin_tail(2000, 700) == pytest.approx(stats.binom.sf(699, 2000, 0.5), rel=1e-12)


def test_bisection_ends_at_an_end_where_nothing_crosses():
    assert bisect(lambda x: x - 2, 0.0, 1.0) == pytest.approx(1.0)
    assert bisect(lambda x: x + 2, 0.0, 1.0) == pytest.approx(0.0)
