"""How far to believe a rate of few cases: a binomial shrunk to what is known of its kind, with an interval that says how little that is."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.distributions import beta_cdf, bisect

STRENGTHS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)  # cases that a parent's rate may be worth; the data choose
CAUTION = (
    2.0  # of log likelihood: among strengths nearly as likely the least, or intervals would be too narrow (tests/mine/test_reliability.py)
)


@dataclass(frozen=True)
class Belief:
    """Beta(a, b) about a rate, and the cases that were counted for it."""

    a: float
    b: float
    n: float

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Equal tails. Half a case a side is added, so that no rate is ever certain (Jeffreys)."""
        tail = (1 - level) / 2
        return quantile(tail, self.a + 0.5, self.b + 0.5), quantile(1 - tail, self.a + 0.5, self.b + 0.5)


def shrunk(right: float, n: float, mean: float, strength: float) -> Belief:
    """So many right of n, beside `strength` cases of the rate `mean`."""
    return Belief(strength * mean + right, strength * (1 - mean) + n - right, n)


def strength(cells: Iterable[tuple[float, float, float]]) -> float:
    """How many cases a parent's rate is worth to its cells: the least of STRENGTHS that (right, n, parent's rate) of each do not speak against
    (beta-binomial likelihood).

    Cells that differ by more than chance lend one another little; fewer than two say nothing, and the middle stands.
    """
    counted = [(right, n, min(0.99, max(0.01, mean))) for right, n, mean in cells if n > 0]
    if len(counted) < 2:
        return STRENGTHS[len(STRENGTHS) // 2]
    found = {k: sum(_likelihood(right, n, mean * k, (1 - mean) * k) for right, n, mean in counted) for k in STRENGTHS}
    return min(k for k, likelihood in found.items() if likelihood >= max(found.values()) - CAUTION)


def _likelihood(right: float, n: float, a: float, b: float) -> float:
    return _log_beta(a + right, b + n - right) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def quantile(p: float, a: float, b: float) -> float:
    """Where Beta(a, b) has the share p below it."""
    return bisect(lambda x: beta_cdf(x, a, b) - p, 0.0, 1.0)
