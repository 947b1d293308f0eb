"""How far may a statistic wander before one of several looks calls it proved? Bounds that spend alpha over looks declared beforehand."""

import functools
import math
from collections.abc import Sequence

from pipeline.distributions import NORMAL, bisect, legendre, phi, z_of

POINTS = 48  # of the integral a look; the tests hold the bounds against scipy's multivariate normal to six digits
FAR = 8.0  # standard deviations: what lies beyond has a probability of 1e-15

Grid = list[tuple[float, float]]


def crossings(
    upper: Sequence[float], times: Sequence[float], drift: float = 0.0, lower: Sequence[float] | None = None
) -> tuple[list[float], list[float]]:
    """Chance of first leaving (lower, upper) at each look: above, and below.

    Bounds are on the z of each look, times the shares of the items seen by then; drift is the mean of z with all items.
    Where the bounds of a look have met, whatever lies under the lower one goes below. Armitage, McPherson & Rowe (1969).
    """
    above, below, mass, before = [], [], [(0.0, 1.0)], 0.0
    for k, time in enumerate(times):
        step, mean, scale = time - before, drift * (time - before), math.sqrt(time)
        low = lower[k] * scale if lower else -math.inf
        high = max(upper[k] * scale, low)
        sd = math.sqrt(step)
        above.append(math.fsum(m * phi((s + mean - high) / sd) for s, m in mass))
        below.append(math.fsum(m * phi((low - s - mean) / sd) for s, m in mass) if lower else 0.0)
        mass = _between(mass, mean, sd, max(low, drift * time - FAR * scale), min(high, drift * time + FAR * scale))
        before = time
    return above, below


def _between(mass: Grid, mean: float, sd: float, low: float, high: float) -> Grid:
    """The walk's density after one more step, where it goes on: points of a Gauss-Legendre rule with their mass."""
    if high <= low:
        return []
    half, middle = (high - low) / 2, (high + low) / 2
    points = [(middle + half * x, half * w) for x, w in legendre(POINTS)]
    return [(s, w * math.fsum(m * NORMAL.pdf((s - u - mean) / sd) for u, m in mass) / sd) for s, w in points]


@functools.cache
def obrien_fleming(alpha: float, looks: int = 4) -> float:
    """c such that z >= c sqrt(looks/k) at some of equally spaced looks has probability alpha when nothing changed (1979).

    alpha .05: 1.733, so 3.466, 2.451, 2.001 and 1.733 at four looks; .025: 2.024, .005: 2.609, .0025: 2.833.
    """
    times = [(k + 1) / looks for k in range(looks)]
    return bisect(lambda c: alpha - sum(crossings(_bounds(c, looks), times)[0]), z_of(alpha) / 2, 2 * z_of(alpha) + 1)


@functools.lru_cache(maxsize=4096)
def repeated_p(z: float, look: int, looks: int) -> float:
    """The smallest alpha at which O'Brien and Fleming's bound would be reached by this z at this look of so many equal ones.

    Valid wherever the looking stopped, whatever stopped it (Jennison & Turnbull 1984); at or below alpha exactly where the bound is reached.
    """
    c = z * math.sqrt(look / looks)
    if c <= 0:
        return 1.0
    return min(1.0, math.fsum(crossings(_bounds(min(c, FAR), looks), [(k + 1) / looks for k in range(looks)])[0]))


def _bounds(c: float, looks: int) -> list[float]:
    return [c * math.sqrt(looks / (k + 1)) for k in range(looks)]


def bounds(alpha: float, looks: int = 4) -> list[float]:
    """The z that each look must reach."""
    return _bounds(obrien_fleming(alpha, looks), looks)


def spending(alpha: float, time: float) -> float:
    """Lan & DeMets' share of alpha that may be spent by then, shaped like O'Brien and Fleming's (1983)."""
    return 2 - 2 * phi(z_of(alpha / 2) / math.sqrt(time))


def moved(alpha: float, times: Sequence[float]) -> list[float]:
    """Bounds for looks that came at other times than planned: each spends what is due by then and has not been spent."""
    found: list[float] = []
    for k, time in enumerate(times):
        due = spending(alpha, time)

        def excess(bound: float, k: int = k, due: float = due) -> float:
            return due - sum(crossings([*found, bound], times[: k + 1])[0])

        found.append(bisect(excess, 0.0, FAR))
    return found


@functools.cache
def at(alpha: float, times: tuple[float, ...]) -> tuple[float, ...]:
    """Bounds for looks at these shares of the items: O'Brien and Fleming's where the steps are equal, else by Lan and DeMets' spending."""
    even = all(math.isclose(t, (k + 1) / len(times)) for k, t in enumerate(times))
    return tuple(bounds(alpha, len(times)) if even else moved(alpha, times))
