"""How large may the drop be? Intervals that stay honest when few items flip, and none that certifies from nothing."""

import math
from collections import Counter

from pipeline.distributions import bisect, phi, t_of, z_of
from pipeline.gate.paired import Pairs, clustered_error

WALD_FROM = 60  # flips; with fewer a Wald bound misses the true drop up to 13% of the time instead of 5% (gate.md, section 3)
BETS = (0.02, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6)


def interval(pairs: Pairs, alpha: float = 0.05) -> tuple[float, float]:
    """The drop's lower and upper bound, each missed with probability alpha at most.

    Tango's score interval for 0/1 values; else Wald where it holds and a betting bound where it does not. With clusters
    each end is the wider one of that and the clustered t bound.
    """
    if not pairs.n:
        return -1.0, 1.0
    if pairs.binary:
        low, high = tango(pairs.lost, pairs.gained, pairs.n, alpha)
    elif pairs.lost + pairs.gained >= WALD_FROM:
        low, high = wald(pairs.drop, pairs.psi, pairs.n, alpha)
    else:
        low, high = betting(pairs, alpha)
    if not pairs.clusters:
        return low, high
    wide = clustered(pairs, alpha)
    return min(low, wide[0]), max(high, wide[1])


def tango_z(lost: int, gained: int, n: int, drop: float) -> float:
    """Tango's score statistic for a hypothetical drop (Stat. Med. 17:891, 1998); it falls as the drop rises, and is McNemar's z at 0."""
    a = 2 * n
    b = -lost - gained + (2 * n - lost + gained) * drop
    c = -gained * drop * (1 - drop)
    q = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    variance = n * (2 * q + drop * (1 - drop))
    excess = lost - gained - n * drop
    if variance <= 0:
        return math.copysign(math.inf, excess) if excess else 0.0
    return excess / math.sqrt(variance)


def tango(lost: int, gained: int, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """Ends of the two-sided 1 - 2 alpha score interval of the drop, by bisection."""
    z, seen = z_of(alpha), (lost - gained) / n
    low = bisect(lambda x: z - tango_z(lost, gained, n, x), -1.0, seen)
    high = bisect(lambda x: -z - tango_z(lost, gained, n, x), seen, 1.0)
    return low, high


def tango_p(lost: int, gained: int, n: int, margin: float) -> float:
    """p of `the drop is the margin or more`: small means that the loss is shown to be small."""
    return phi(tango_z(lost, gained, n, margin))


def wald(drop: float, psi: float, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """The textbook interval. Only for many flips of values that are not 0/1: with no flip it has no width and certifies anything."""
    half = z_of(alpha) * math.sqrt(max(psi - drop * drop, 0.0) / n)
    return max(-1.0, drop - half), min(1.0, drop + half)


def betting(pairs: Pairs, alpha: float = 0.05) -> tuple[float, float]:
    """Bounds for differences within [-1, 1] that hold at every n, by betting against each drop (Waudby-Smith & Ramdas, 2010.09686)."""
    return -_betting_upper(pairs.swapped(), alpha), _betting_upper(pairs, alpha)


def _betting_upper(pairs: Pairs, alpha: float) -> float:
    """The smallest drop that the wagers refute: their mean wealth reaches 1/alpha, which Ville's inequality allows with probability alpha."""
    counted = sorted(Counter(1 - d for d in pairs.differences).items())

    def log_wealth(drop: float) -> float:
        logs = [math.fsum(k * math.log1p(bet * (x / (1 - drop) - 1)) for x, k in counted) for bet in BETS]
        top = max(logs)
        return top + math.log(math.fsum(math.exp(v - top) for v in logs) / len(BETS)) + math.log(alpha)

    return bisect(log_wealth, pairs.drop, 1.0)


def clustered(pairs: Pairs, alpha: float = 0.05) -> tuple[float, float]:
    """t bounds with as many degrees of freedom as clusters less one; everything where there is one cluster only."""
    error, c = clustered_error(pairs)
    if c < 2:
        return -1.0, 1.0
    half = t_of(alpha, c - 1) * error
    return max(-1.0, pairs.drop - half), min(1.0, pairs.drop + half)
