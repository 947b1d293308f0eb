"""Tails and quantiles of three distributions from the standard library alone, so that a gate needs no scipy; the tests hold them against it."""

import functools
import math
from collections.abc import Callable
from statistics import NormalDist

NORMAL = NormalDist()


def phi(z: float) -> float:
    """P(Z <= z)."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def z_of(tail: float) -> float:
    """The z that a standard normal exceeds with probability `tail`."""
    return -NORMAL.inv_cdf(tail)


def coin_tail(flips: int, heads: int) -> float:
    """P(Bin(flips, 1/2) >= heads), summed in integers: exact before the one rounding at the end."""
    if heads <= 0:
        return 1.0
    if 2 * heads <= flips:  # the shorter tail is the cheaper sum
        return (2**flips - _upper_sum(flips, flips - heads + 1)) / 2**flips
    return _upper_sum(flips, heads) / 2**flips


def _upper_sum(flips: int, heads: int) -> int:
    term, total = math.comb(flips, heads), 0
    for k in range(heads, flips + 1):
        total += term
        term = term * (flips - k) // (k + 1)
    return total


def t_tail(t: float, df: float) -> float:
    """P(T >= t) of Student's t."""
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    half = 0.5 * beta_cdf(df / (df + t * t), df / 2, 0.5)
    return half if t >= 0 else 1 - half


def t_of(tail: float, df: float) -> float:
    """The t that is exceeded with probability `tail` (below one half)."""
    high = 2.0
    while t_tail(high, df) > tail:
        high *= 2
    return bisect(lambda t: tail - t_tail(t, df), 0.0, high)


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):  # the continued fraction converges fast on this side only
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Lentz's method for the continued fraction of the incomplete beta function (Numerical Recipes, 6.4)."""
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    result = d
    for m in range(1, 1000):
        for term in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1 + term * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + term / c
            c = c if abs(c) > tiny else tiny
            result *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return result


def bisect(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses zero, to the last bit that matters; an end where it never does."""
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high) or high - low < 1e-13:
            break
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


@functools.cache
def legendre(n: int) -> tuple[tuple[float, float], ...]:
    """Points and weights of Gauss and Legendre's rule on (-1, 1): exact for polynomials up to degree 2n - 1."""
    found = []
    for i in range(n):
        x = math.cos(math.pi * (i + 0.75) / (n + 0.5))  # near the root; Newton does the rest
        for _ in range(100):
            below, value = 0.0, 1.0
            for k in range(n):
                below, value = value, ((2 * k + 1) * x * value - k * below) / (k + 1)
            slope = n * (x * value - below) / (x * x - 1)
            x, step = x - value / slope, value / slope
            if abs(step) < 1e-15:
                break
        found.append((x, 2 / ((1 - x * x) * slope * slope)))
    return tuple(found)
