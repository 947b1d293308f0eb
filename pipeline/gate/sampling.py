"""Which items a candidate is asked, and in which order: a random order laid down before the first answer, cut into as many batches as there are looks."""

import math
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.gate.strata import LEAST, deviation, neyman, split

REPEATS = 0.5
"""Share of flips that fall on items which moved before, guessed until a second candidate has shown it; .88 was seen on an MMLU pair."""

Doc = tuple[str, int]
"""Benchmark and the item's number in it."""
Facts = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """Items of one ability that are drawn alike: all of them, or those that moved under earlier candidates, or those that never did."""

    ability: str
    size: int
    """Items of the pool that it stands for."""
    order: tuple[Doc, ...]
    """What may be asked of it, in the order of asking."""

    def by(self, share: float) -> tuple[Doc, ...]:
        return self.order[: math.ceil(len(self.order) * share - 1e-9)]


@dataclass(frozen=True)
class Sampling:
    """The whole draw, and how far it was followed."""

    looks: int
    seed: int
    parts: tuple[Part, ...]
    before: tuple[str, ...] = ()
    """Scores of earlier candidates that decided which items count as moved."""
    reach: Mapping[str, int] = field(default_factory=dict)
    """Ability -> the last look that it was asked for; absent = none yet."""

    @property
    def times(self) -> tuple[float, ...]:
        return tuple((k + 1) / self.looks for k in range(self.looks))

    @property
    def abilities(self) -> list[str]:
        return list(dict.fromkeys(p.ability for p in self.parts))

    @property
    def plain(self) -> bool:
        """Whether this is a simple sample looked at once, which every fixed-size test is made for."""
        return self.looks == 1 and len(self.parts) == len(self.abilities)

    def of(self, ability: str) -> list[Part]:
        return [p for p in self.parts if p.ability == ability]

    def planned(self, ability: str) -> int:
        """Items of an ability that are asked if nothing stops it."""
        return sum(len(p.order) for p in self.of(ability))

    def further(self, abilities: Collection[str]) -> "Sampling":
        """One look on for these abilities."""
        return replace(self, reach={n: self.reach.get(n, 0) + (n in abilities) for n in self.abilities})

    def asked(self) -> dict[str, list[int]]:
        """Benchmark -> items up to the looks that were reached."""
        found: dict[str, list[int]] = {}
        for part in self.parts:
            for benchmark, doc in part.by(self.times[self.reach[part.ability] - 1]) if self.reach.get(part.ability) else ():
                found.setdefault(benchmark, []).append(doc)
        return {benchmark: sorted(docs) for benchmark, docs in sorted(found.items())}

    def facts(self) -> Facts:
        """As sealed. The order is written out, so that nobody needs the generator to check it."""
        parts = [{"ability": p.ability, "size": p.size, "order": [list(doc) for doc in p.order]} for p in self.parts]
        return {"looks": self.looks, "seed": self.seed, "before": list(self.before), "reach": dict(self.reach), "parts": parts}

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> "Sampling":
        parts = tuple(Part(p["ability"], p["size"], tuple((b, d) for b, d in p["order"])) for p in facts["parts"])
        return cls(facts["looks"], facts["seed"], parts, tuple(facts["before"]), facts["reach"])


def draw(
    pools: Mapping[str, Collection[Doc]],
    looks: int,
    seed: int,
    most: int | None = None,
    past: Mapping[str, Collection[Doc]] | None = None,
    together: Collection[str] = (),
) -> Sampling:
    """Draw the items of each ability; seed and names fix it.

    most: items asked of an ability, null = all. past: scores id -> the items that its candidate moved, oldest first. Strata are cut
    where a part is asked and each holds at least 100 items; abilities in `together` hang together in clusters and are drawn simply.
    """
    past = past or {}
    parts = [p for n, pool in pools.items() for p in _parts(n, sorted(pool), seed, most, [] if n in together else list(past.values()))]
    return Sampling(looks, seed, tuple(parts), tuple(past))


def _parts(ability: str, pool: Sequence[Doc], seed: int, most: int | None, past: Sequence[Collection[Doc]]) -> Iterator[Part]:
    total = len(pool) if most is None else min(most, len(pool))
    strata = split(pool, set().union(*past)) if past and total < len(pool) else [list(pool)]
    wanted = [total] if len(strata) == 1 else neyman(max(total, 2 * LEAST), [len(s) for s in strata], spreads(pool, past))
    for n, (stratum, count) in enumerate(zip(strata, wanted, strict=True)):
        order = random.Random(f"{seed}:{ability}:{n}").sample(stratum, count)
        yield Part(ability, len(stratum), tuple((str(b), int(d)) for b, d in order))


def spreads(pool: Collection[Doc], past: Sequence[Collection[Doc]]) -> list[float]:
    """Expected spread of an item's difference, among those that moved before and among those that never did.

    As many flips as earlier candidates had on average, shared between the two as each later candidate's flips were (half and half before any is seen).
    """
    inside = [set(pool) & set(moved) for moved in past]
    again, flips, known = 0.0, 0, set(inside[0])
    for moved in inside[1:]:
        again, flips, known = again + len(moved & known), flips + len(moved), known | moved
    share = (again + 2 * REPEATS) / (flips + 2)
    mean = sum(map(len, inside)) / len(inside)
    sizes = (len(known), len(pool) - len(known))
    return [deviation(min(1.0, mean * part / max(1, size)), 0.0) for part, size in zip((share, 1 - share), sizes, strict=True)]
