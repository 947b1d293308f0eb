"""Ask where answers are known to flip: items split by whether any earlier candidate changed them, and a drop that is unbiased all the same."""

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipeline.distributions import phi, z_of
from pipeline.gate.intervals import WALD_FROM
from pipeline.gate.paired import Pairs

Item = TypeVar("Item", bound=Hashable)
LEAST = 100  # items of a stratum; with fewer its spread is a guess


@dataclass(frozen=True)
class Stratum:
    """One part of the pool and what was seen of it."""

    weight: float
    """Its share of the full pool, not of what was asked."""
    pairs: Pairs

    @property
    def spread(self) -> float:
        """Standard deviation of one item's difference."""
        return deviation(self.pairs.psi, self.pairs.drop)


def deviation(psi: float, drop: float) -> float:
    return math.sqrt(max(psi - drop * drop, 0.0))


def unstable(past: Sequence[Mapping[Hashable, tuple[float, float]]]) -> set[Hashable]:
    """Items on which any earlier candidate differed from its champion. Today's candidate must not be among them, or the drop is biased."""
    return {item for run in past for item, (before, after) in run.items() if before != after}


def split(items: Collection[Item], moved: Collection[Item]) -> list[list[Item]]:
    """The pool in two: what has moved before and what never has; one part where either would have fewer than 100 items."""
    known = set(moved)
    parts = [[i for i in items if i in known], [i for i in items if i not in known]]
    return parts if all(len(p) >= LEAST for p in parts) else [list(items)]


def neyman(total: int, sizes: Sequence[int], spreads: Sequence[float]) -> list[int]:
    """How many items of each stratum make the error of the drop smallest (Neyman 1934), at least 100 and at most all of each."""
    pull = [size * spread for size, spread in zip(sizes, spreads, strict=True)]
    shares = pull if sum(pull) else [float(s) for s in sizes]
    wanted = [total * share / sum(shares) for share in shares]
    floors = [min(LEAST, size) for size in sizes]
    kept = [min(size, max(floor, round(w))) for size, floor, w in zip(sizes, floors, wanted, strict=True)]
    spare = total - sum(kept)
    for i in sorted(range(len(kept)), key=lambda i: -shares[i]):  # what rounding, floors and ceilings took or left
        moved = max(floors[i] - kept[i], min(spare, sizes[i] - kept[i]))
        kept[i], spare = kept[i] + moved, spare - moved
    return kept


@dataclass(frozen=True)
class Estimate:
    """A drop over the whole pool, put together from its strata."""

    drop: float
    error: float
    flips: int

    @property
    def z(self) -> float:
        return self.drop / self.error if self.error else math.copysign(math.inf, self.drop) if self.drop else 0.0

    @property
    def p(self) -> float:
        """One-sided: how often chance alone would show such a drop. McNemar's test does not hold where items weigh unequally."""
        return phi(-self.z)

    def upper(self, alpha: float = 0.05) -> float:
        """Upper bound of the drop; everything while so few items flipped that a normal bound would certify from nothing."""
        return self.drop + z_of(alpha) * self.error if self.flips >= WALD_FROM else 1.0


def estimate(strata: Sequence[Stratum]) -> Estimate:
    """D = sum W D_h with variance sum W^2 s_h^2 / n_h: unbiased, because the strata were cut by the past only."""
    drop = math.fsum(s.weight * s.pairs.drop for s in strata)
    variance = math.fsum(s.weight**2 * s.spread**2 / s.pairs.n for s in strata)
    return Estimate(drop, math.sqrt(variance), sum(s.pairs.lost + s.pairs.gained for s in strata))
