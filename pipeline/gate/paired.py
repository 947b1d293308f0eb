"""Is there a drop? Exact tests on the differences between two models' answers to the same items."""

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.distributions import coin_tail, t_tail

EXACT = 18  # up to 2**18 sign vectors are all looked at
DRAWS = 20_000  # beyond that, so many are drawn: the error of a p of .05 is .0015
SEED = 17  # fixed, so that equal inputs give equal bytes


@dataclass(frozen=True)
class Pairs:
    """The paired items of one ability: champion minus candidate, so a positive difference is a loss."""

    differences: tuple[float, ...]
    binary: bool = True
    """Whether every value on both sides was 0 or 1."""
    clusters: tuple[Hashable, ...] | None = None
    """Which items hang together (one passage, one conversation); None = they do not."""

    @classmethod
    def of(cls, champion: Sequence[float], candidate: Sequence[float], clusters: Sequence[Hashable] | None = None) -> "Pairs":
        """Pair two equally long lists of item values; clusters that hold one item each are no clusters."""
        binary = {*champion, *candidate} <= {0, 1}
        grouped = clusters is not None and len(set(clusters)) < len(clusters)
        return cls(
            tuple(a - b for a, b in zip(champion, candidate, strict=True)), binary, tuple(clusters) if grouped and clusters else None
        )

    @classmethod
    def counts(cls, lost: int, gained: int, n: int) -> "Pairs":
        """The pairs behind three counts; for tables and simulations."""
        return cls((1.0,) * lost + (-1.0,) * gained + (0.0,) * (n - lost - gained))

    @classmethod
    def pool(cls, parts: Sequence["Pairs"]) -> "Pairs":
        """All items of several abilities together. Clusters stay inside their ability; other items stand alone."""
        differences = tuple(itertools.chain.from_iterable(part.differences for part in parts))
        binary = all(p.binary for p in parts)
        if not any(part.clusters for part in parts):
            return cls(differences, binary)
        return cls(differences, binary, tuple((k, c) for k, part in enumerate(parts) for c in (part.clusters or range(part.n))))

    def swapped(self) -> "Pairs":
        """The same items with the two models in each other's place: a gain read as a loss."""
        return Pairs(tuple(-d for d in self.differences), self.binary, self.clusters)

    @property
    def n(self) -> int:
        return len(self.differences)

    @cached_property
    def lost(self) -> int:
        return self.differences.count(1.0) if self.binary else sum(d > 0 for d in self.differences)

    @cached_property
    def gained(self) -> int:
        return self.differences.count(-1.0) if self.binary else sum(d < 0 for d in self.differences)

    @cached_property
    def drop(self) -> float:
        return (self.lost - self.gained) / self.n if self.binary else math.fsum(self.differences) / self.n

    @cached_property
    def psi(self) -> float:
        """Mean squared difference: for 0/1 values the share of items that flipped."""
        return (self.lost + self.gained) / self.n if self.binary else math.fsum(d * d for d in self.differences) / self.n


def mcnemar(lost: int, gained: int) -> float:
    """Exact one-sided McNemar test that the candidate loses more items than it gains."""
    return coin_tail(lost + gained, lost)


def sign_flip(differences: Sequence[float]) -> float:
    """One-sided sign-flip permutation test of a positive mean; for values between 0 and 1.

    Exact while at most 18 differences are not zero, else 20,000 seeded draws. On 0/1 values it equals McNemar's test.
    """
    sizes = sorted(abs(d) for d in differences if d)
    seen = math.fsum(differences)
    limit = seen - 1e-9 * (1 + math.fsum(sizes))  # sums in another order differ in the last bits, and ties must count
    if len(sizes) <= EXACT:
        sums = _sums(sizes)
        return sum(s >= limit for s in sums) / len(sums)
    tables = [_byte_table(sizes[i : i + 8]) for i in range(0, len(sizes), 8)]
    draw = random.Random(SEED)
    hits = sum(sum(map(list.__getitem__, tables, draw.randbytes(len(tables)))) >= limit for _ in range(DRAWS))
    return (1 + hits) / (1 + DRAWS)


def _sums(sizes: Sequence[float]) -> list[float]:
    sums = [0.0]
    for size in sizes:
        sums = [s + size for s in sums] + [s - size for s in sums]
    return sums


def _byte_table(sizes: Sequence[float]) -> list[float]:
    """The signed sum of up to eight sizes for each byte: a draw then costs one look-up an eight."""
    sums = _sums(sizes)
    return sums * (256 // len(sums))


def clustered_error(pairs: Pairs) -> tuple[float, int]:
    """Standard error of the drop when items of one cluster move together, and the number of clusters."""
    grouped: dict[Hashable, list[float]] = defaultdict(list)
    for cluster, d in zip(pairs.clusters or range(pairs.n), pairs.differences, strict=True):
        grouped[cluster].append(d - pairs.drop)
    c = len(grouped)
    if c < 2:
        return math.inf, c
    # fsum rounds once, so the order of the items changes not one bit
    return math.sqrt(c / (c - 1) * math.fsum(math.fsum(group) ** 2 for group in grouped.values())) / pairs.n, c


def p_value(pairs: Pairs) -> float:
    """How often chance alone would show a drop at least this large.

    With clusters it is the larger of the exact p and the clustered t test's: hanging together may weaken evidence, never strengthen it.
    """
    exact = mcnemar(pairs.lost, pairs.gained) if pairs.binary else sign_flip(pairs.differences)
    if not pairs.clusters:
        return exact
    error, c = clustered_error(pairs)
    if c < 2:
        return 1.0
    return max(exact, t_tail(pairs.drop / error, c - 1) if error else exact)
