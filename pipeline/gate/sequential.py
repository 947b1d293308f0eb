"""Stop when it is plain: a candidate's items in a recorded random order, looked at a few times declared beforehand, ability by ability."""

import math
import random
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.gate import boundaries, wagers, words
from pipeline.gate.intervals import WALD_FROM, interval, tango_z
from pipeline.gate.multiplicity import ALPHA
from pipeline.gate.paired import Pairs, clustered_error
from pipeline.gate.strata import deviation
from pipeline.gate.verdict import Facts, Values, worst

SEED = 17
FAR = 99.0  # what any larger z is written as


@dataclass(frozen=True)
class Plan:
    """What is declared before the first item is asked: how many looks, in which order, against which margins."""

    margins: Mapping[str, float]
    pooled_margin: float
    times: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)
    """Shares of the items at each look, rising to 1. Equal steps have O'Brien and Fleming's bounds, others Lan and DeMets'."""
    alpha: float = ALPHA
    seed: int = SEED

    def order(self, ability: str, n: int) -> list[int]:
        """The order in which an ability's items are asked: the seed and the name fix it, so it can be asked again."""
        return random.Random(f"{self.seed}:{ability}").sample(range(n), n)

    def by(self, look: int, n: int) -> int:
        """Items of n that are known at the 1st, 2nd … look: every ability moves on by the same share."""
        return math.ceil(n * self.times[look - 1] - 1e-9)

    def bound(self, alpha: float, look: int) -> float:
        """The z that a look must reach."""
        return boundaries.at(alpha, self.times)[look - 1]

    @property
    def looks(self) -> int:
        return len(self.times)

    @property
    def level(self) -> float:
        """For all abilities together; the pooled row, where there is one, has the other half."""
        return self.alpha if len(self.margins) == 1 else self.alpha / 2

    @property
    def level_each(self) -> float:
        """Looks cannot be shared out by Holm's steps: each ability pays the full price of their number."""
        return self.level / len(self.margins)


def walk(champion: Values, candidate: Values, plan: Plan, clusters: Mapping[str, Sequence[Hashable]] | None = None) -> Facts:
    """Judge as if items came in batches: stop an ability when it is settled, and everything once the verdict is.

    Values are those of all items; what lies behind the stop is not looked at. Returns verdict, look, needed, of, abilities {name: row},
    pooled and reasons. Intervals are those at stopping, a little too far out; a fixed-size p beside them would be wrong and is not given.
    The alarm for a collapse has the abilities' alpha a second time: 7.5% of false blocks is the bound for both, 3.5% was measured.
    """
    order = {n: plan.order(n, len(champion[n])) for n in plan.margins}
    asked = {n: _at(champion[n], candidate[n], (clusters or {}).get(n), order[n]) for n in plan.margins}
    rows: dict[str, Facts] = {}
    pooled: Facts | None = None
    for look in range(1, plan.looks + 1):
        for name in plan.margins:
            if name not in rows or rows[name].decision == "hold":
                rows[name] = _ability(asked[name], name, look, plan)
        if len(plan.margins) > 1 and (pooled is None or pooled.decision == "hold"):
            seen = [first(pairs, plan.by(look, pairs.n)) for pairs in asked.values()]
            pooled = _row(Pairs.pool(seen), sum(p.n for p in asked.values()), plan.pooled_margin, look, plan.level, plan)
        decisions = [*(row.decision for row in rows.values()), *([pooled.decision] if pooled else [])]
        if "block" in decisions or "hold" not in decisions:
            break
    # the pooled row stands on balanced batches: while it is open, settled abilities are asked on
    used = {n: max(row.n, _pooled_share(pooled, asked[n].n, plan)) for n, row in rows.items()}
    verdict, of = worst(decisions), sum(p.n for p in asked.values())
    reasons = [_words(n, row, plan) for n, row in {**rows, **({words.POOLED: pooled} if pooled else {})}.items() if row.decision == verdict]
    return Facts(verdict=verdict, look=look, needed=sum(used.values()), of=of, abilities=rows, pooled=pooled, reasons=reasons)


def _pooled_share(pooled: Facts | None, n: int, plan: Plan) -> int:
    return plan.by(pooled.look, n) if pooled else 0


def _at(a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable] | None, order: Sequence[int]) -> Pairs:
    return Pairs.of([float(a[i]) for i in order], [float(b[i]) for i in order], [clusters[i] for i in order] if clusters else None)


def first(pairs: Pairs, n: int) -> Pairs:
    return Pairs(pairs.differences[:n], pairs.binary, pairs.clusters[:n] if pairs.clusters else None)


def _ability(pairs: Pairs, name: str, look: int, plan: Plan) -> Facts:
    n = plan.by(look, pairs.n)
    row = _row(first(pairs, n), pairs.n, plan.margins[name], look, plan.level_each, plan)
    fell = wagers.collapsed_at(pairs.differences[:n], plan.level_each)
    if fell is None:
        return row
    seen = first(pairs, fell)
    at = {"n": fell, "lost": seen.lost, "gained": seen.gained, "drop": seen.drop, "interval": list(interval(seen, plan.alpha))}
    return Facts({**row, **at, "decision": "block", "collapsed": True})


def _row(seen: Pairs, of: int, margin: float, look: int, level: float, plan: Plan) -> Facts:
    """Accept first, as at a fixed size: a drop shown small is no reason to block."""
    block, accept = plan.bound(level, look), plan.bound(plan.alpha, look)
    falls, holds = fall(seen), margin_z(seen, margin)
    decision = "promote" if holds >= accept else "block" if falls >= block else "hold"
    return Facts(
        n=seen.n,
        of=of,
        lost=seen.lost,
        gained=seen.gained,
        drop=seen.drop,
        interval=list(interval(seen, plan.alpha)),
        margin=margin,
        look=look,
        z=told(falls),
        z_to_block=block,
        z_of_margin=told(holds),
        z_to_accept=accept,
        collapsed=False,
        decision=decision,
    )


def told(z: float) -> float:
    """A z as it is written down: JSON has no infinity."""
    return max(-FAR, min(FAR, z))


def error(pairs: Pairs) -> float:
    """Standard error of the drop; the larger one where items hang together."""
    alone = deviation(pairs.psi, pairs.drop) / math.sqrt(pairs.n)
    return max(alone, clustered_error(pairs)[0]) if pairs.clusters else alone


def fall(pairs: Pairs) -> float:
    """z of `there is a drop`: D/se. Every item lost is infinitely many errors away; no drop is none."""
    se = error(pairs)
    return pairs.drop / se if se else math.inf if pairs.drop > 0 else 0.0


def margin_z(pairs: Pairs, margin: float) -> float:
    """z of `the drop is below the margin`: Tango's for 0/1 values, which no flips at all cannot make infinite; else (m - D)/se from 60 flips on."""
    se = error(pairs)
    wald = (margin - pairs.drop) / se if se else math.inf
    if pairs.binary:
        score = -tango_z(pairs.lost, pairs.gained, pairs.n, margin)
        return min(score, wald) if pairs.clusters else score
    return wald if pairs.lost + pairs.gained >= WALD_FROM else 0.0


def _words(name: str, row: Mapping[str, Any], plan: Plan) -> str:
    where = f"at look {row['look']} of {plan.looks}, {row['n']} of {row['of']} items"
    if row["collapsed"]:
        return f"block: {name}: a collapse, {where}: {words.counts(row)}; a bet on it has paid {1 / plan.level_each:.0f} to one"
    if row["decision"] == "block":
        return f"block: {name}: {where}: {words.counts(row)} (z {row['z']:.2f}, limit {row['z_to_block']:.2f})"
    if row["decision"] == "promote":
        return f"promote: {name}: {where}: {words.counts(row)}; shown below {words.points(row['margin'])} points (z {row['z_of_margin']:.2f}, limit {row['z_to_accept']:.2f})"
    return f"hold: {name}: {where}: {words.counts(row)}; neither a drop (z {row['z']:.2f} of {row['z_to_block']:.2f}) nor its absence (z {row['z_of_margin']:.2f} of {row['z_to_accept']:.2f}) is shown"


def page(judged: Mapping[str, Any], looks: int) -> str:
    """The judgement as text, the verdict and what it took first."""
    saved = 1 - judged["needed"] / judged["of"]
    head = f"{judged['verdict'].upper()} at look {judged['look']} of {looks}: {judged['needed']} of {judged['of']} items were needed, {saved:.0%} were not"
    return "\n".join([head, "", *judged["reasons"], "(figures are those at stopping)"])
