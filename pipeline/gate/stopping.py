"""The table of a candidate that was asked in batches: each row as it stood when its ability was settled, under bounds that pay for every look."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.distributions import phi
from pipeline.gate import boundaries, intervals, power, sequential, verdict, wagers, words
from pipeline.gate.comparison import Comparison
from pipeline.gate.multiplicity import holm
from pipeline.gate.paired import Pairs
from pipeline.gate.pairing import Paired
from pipeline.gate.sampling import Sampling
from pipeline.gate.seen import Seen
from pipeline.recipe import Ability, Gate

Facts = verdict.Facts


@dataclass(frozen=True)
class Terms:
    """Against which margins, and at which error, one reference's table is judged."""

    margins: Mapping[str, float]
    pooled_margin: float
    alpha: float
    """How often certifying may err, row by row."""
    alpha_to_block: float
    strict: bool = False
    report_only: frozenset[str] = frozenset()

    @classmethod
    def of(cls, gate: Gate, abilities: Mapping[str, Ability], reference: str, alpha: float, alpha_to_block: float) -> "Terms":
        """A recipe's margins against the champion or the origin, by ability."""
        own = reference == "champion"
        margin, by_name = (gate.margin, gate.margins) if own else (gate.origin_margin, gate.origin_margins)
        return cls(
            margins={name: by_name.get(name, margin) for name in abilities},
            pooled_margin=gate.pooled_margin if own else gate.origin_pooled_margin,
            alpha=alpha,
            alpha_to_block=alpha_to_block,
            strict=gate.strict,
            report_only=frozenset(name for name, ability in abilities.items() if ability.report_only),
        )

    @property
    def level(self) -> float:
        """For Holm over the abilities, and once more for the pooled row where there is one."""
        return self.alpha_to_block if len(self.margins) == 1 else self.alpha_to_block / 2


@dataclass
class _Table:
    """A table that grows look by look; a settled row stays as it was."""

    found: Comparison
    terms: Terms
    sampling: Sampling
    broken: dict[str, str]
    rows: dict[str, Facts] = field(default_factory=dict)
    pooled: Facts | None = None

    def __post_init__(self) -> None:
        self.at = {n: _indexed(self.found.paired[n]) for n in self.terms.margins if n not in self.broken}
        self.rows = {n: _blank(n, self.sampling, self.terms) for n in self.terms.margins if n in self.broken}

    def look(self, look: int) -> None:
        """Every open row anew, with the items of one more batch where they were asked."""
        fresh = {n: self._row(n, look) for n in self.at if self._reached(n, look) and self._open(n)}
        now = {n: fresh.get(n) or self.rows.get(n) for n in self.terms.margins}
        adjusted = holm({n: row["p"] if row else 1.0 for n, row in now.items()})
        for name, row in fresh.items():
            if not row.collapsed:
                row["adjusted_p"] = adjusted[name]
                row["decision"] = self._decide(row, name in self.found.incomplete)
            self.rows[name] = row
        if len(self.terms.margins) > 1 and self.at and all(self._reached(n, look) for n in self.at) and self._open_pooled():
            self.pooled = self._pooled(look)

    def _reached(self, name: str, look: int) -> bool:
        return self.sampling.reach.get(name, 0) >= look

    def _open(self, name: str) -> bool:
        return name not in self.rows or self.rows[name].decision == "hold"

    def _open_pooled(self) -> bool:
        return self.pooled is None or self.pooled.decision == "hold"

    def over(self) -> bool:
        rows = [*self.rows.values(), *([self.pooled] if self.pooled else [])]
        waiting = any(self._open(n) for n in self.at if n not in self.terms.report_only)
        pooled = len(self.terms.margins) > 1 and bool(self.at) and self._open_pooled()
        return any(row.decision == "block" for row in rows) or not (waiting or pooled)

    def open(self) -> set[str]:
        """Abilities that are asked on. The pooled row stands on balanced batches, so while it is open they all are."""
        if len(self.terms.margins) > 1 and self._open_pooled():
            return set(self.terms.margins)
        return {n for n in self.terms.margins if self._open(n)}

    def _seen(self, name: str, look: int) -> Seen:
        share, parts = self.sampling.times[look - 1], self.sampling.of(name)
        held = [(part.size, _pairs(self.found.paired[name], self.at[name], part.by(share))) for part in parts]
        total = sum(size for size, p in held if p.n)
        return Seen(tuple((size / total, p) for size, p in held if p.n))

    def _row(self, name: str, look: int) -> Facts:
        seen = self._seen(name, look)
        row = self._judged(seen, self.terms.margins[name], look, self.sampling.planned(name), self.terms.level / len(self.terms.margins))
        row["report_only"] = name in self.terms.report_only
        return _alarmed(row, seen, self.terms.level / len(self.terms.margins), len(self.terms.margins)) if seen.simple else row

    def _pooled(self, look: int) -> Facts:
        every = [self._seen(n, look) for n in self.at]
        total, planned = sum(s.whole.n for s in every), sum(self.sampling.planned(n) for n in self.at)
        if all(s.simple for s in every):
            seen = Seen(((1.0, Pairs.pool([s.whole for s in every])),))
        else:  # an ability weighs by the items that it was asked, as in a simple sample
            seen = Seen(tuple((s.whole.n / total * w, p) for s in every for w, p in s.strata))
        row = self._judged(seen, self.terms.pooled_margin, look, planned, self.terms.level)
        row["adjusted_p"] = row.p
        row["decision"] = self._decide(row, False)
        row["mean_drop"] = math.fsum(s.estimate.drop for s in every) / len(every)
        return row

    def _judged(self, seen: Seen, margin: float, look: int, of: int, level: float) -> Facts:
        accept, found, whole = boundaries.at(self.terms.alpha, self.sampling.times)[look - 1], seen.estimate, seen.whole
        falls, holds = seen.fall(), seen.margin_z(margin)
        return Facts(
            n=whole.n,
            lost=whole.lost,
            gained=whole.gained,
            drop=whole.drop if seen.simple else found.drop,
            # as wide as this look's bound asks: it may be read at whichever look the asking stopped (Jennison & Turnbull 1989)
            interval=list(seen.interval(phi(-accept))),
            p=boundaries.repeated_p(falls, look, self.sampling.looks),
            adjusted_p=1.0,
            margin=margin,
            smallest_detectable_drop=power.smallest_detectable_drop(whole.n, found.error**2 * whole.n, level),
            decision="hold",
            report_only=False,
            look=look,
            of=of,
            z=sequential.told(falls),
            z_of_margin=sequential.told(holds),
            z_to_accept=accept,
            strata=len(seen.strata) if not seen.simple else 1,
            collapsed=False,
        )

    def _decide(self, row: Facts, incomplete: bool) -> str:
        """Margin first, as at a fixed size."""
        proved, small = row.adjusted_p <= self.terms.level, row.z_of_margin >= row.z_to_accept
        decision = "block" if proved and (self.terms.strict or not small) else "promote" if small else "hold"
        return "hold" if incomplete and decision == "promote" else decision


def table(found: Comparison, terms: Terms, sampling: Sampling) -> Facts:
    """One reference's table, in the shape that `verdict.judge` gives; rows also say look, of, z, z_of_margin, z_to_accept and collapsed.

    p is the smallest error at which looks up to the row's own would have blocked it, so it may be read wherever the asking stopped;
    Holm over the abilities as ever. What lies behind a stop is not looked at.
    """
    grown = _grown(found, terms, sampling)
    rows = {n: grown.rows.get(n) or _blank(n, sampling, terms) for n in terms.margins}
    decided = verdict.decide(rows, grown.pooled, {**grown.broken, **found.incomplete})
    if len(terms.margins) > 1 and grown.pooled is None and decided == "promote":
        decided = "hold"
    reasons = _reasons(decided, rows, grown, sampling.looks)
    unpaired = {"only_a": found.only_a, "only_b": found.only_b}
    return Facts(verdict=decided, abilities=rows, pooled=grown.pooled, reasons=reasons, unpaired=unpaired)


def spent(alpha: float, abilities: int, drawn: Sampling | None) -> float:
    """How often tables at this error may block an unchanged candidate: asked in looks, the alarm for a collapse has the abilities' part again."""
    return alpha if drawn is None or drawn.plain else alpha * (2 if abilities == 1 else 1.5)


def still_open(found: Comparison, terms: Terms, sampling: Sampling) -> set[str] | None:
    """Abilities that one reference's table asks on, after the looks reached so far; empty once it is settled, None once it blocks."""
    grown = _grown(found, terms, sampling)
    rows = [*grown.rows.values(), *([grown.pooled] if grown.pooled else [])]
    if any(row.decision == "block" for row in rows):
        return None
    return set() if grown.over() else grown.open()


def _grown(found: Comparison, terms: Terms, sampling: Sampling) -> _Table:
    missing = {
        n: found.incomplete.get(n, "no item of it was answered") for n in terms.margins if n not in found.paired or not found.paired[n].docs
    }
    odd = {n: why for n in terms.margins if n not in missing and (why := _odd(found.paired[n]))}
    grown = _Table(found, terms, sampling, missing | odd)
    for look in range(1, max(sampling.reach.values(), default=0) + 1):
        grown.look(look)
        if grown.over():
            break
    return grown


def _odd(paired: Paired) -> str | None:
    bad = sum(not 0 <= v <= 1 for v in [*paired.champion, *paired.candidate])  # NaN is no share either
    return f"{bad} values are no number between 0 and 1" if bad else None


def _indexed(paired: Paired) -> dict[tuple[str, int | None], int]:
    return {doc: i for i, doc in enumerate(paired.docs)}


def _pairs(paired: Paired, at: Mapping[tuple[str, int | None], int], docs: tuple[tuple[str, int], ...]) -> Pairs:
    """Items in the order in which they were asked; one that does not pair is left out, as at a fixed size."""
    rows = [at[doc] for doc in docs if doc in at]
    return Pairs.of([paired.champion[i] for i in rows], [paired.candidate[i] for i in rows], [paired.clusters[i] for i in rows])


def _alarmed(row: Facts, seen: Seen, level: float, abilities: int) -> Facts:
    """A collapse is called after whichever item a bet on it has paid 1/level; a drop within its margin is none, however sure it is."""
    pairs = seen.strata[0][1]
    fell = None if row.z_of_margin >= row.z_to_accept else wagers.collapsed_at(pairs.differences, level)
    first = sequential.first(pairs, fell or 0)
    if not fell or first.drop <= row.margin:
        return row
    p = 1 / wagers.collapse(first.lost, first.gained)
    at: dict[str, Any] = {"n": fell, "lost": first.lost, "gained": first.gained, "drop": first.drop, "p": p}
    at |= {"adjusted_p": min(1.0, abilities * p), "interval": list(intervals.interval(first, phi(-row.z_to_accept)))}
    return Facts({**row, **at, "decision": "block", "collapsed": True})


def _blank(name: str, sampling: Sampling, terms: Terms) -> Facts:
    """An ability without usable answers: it holds, as at a fixed size."""
    nothing = {"n": 0, "lost": 0, "gained": 0, "drop": None, "interval": [-1.0, 1.0], "p": 1.0, "adjusted_p": 1.0}
    more = {"smallest_detectable_drop": 1.0, "decision": "hold", "report_only": name in terms.report_only, "collapsed": False}
    return Facts({**nothing, **more, "margin": terms.margins[name], "look": 0, "of": sampling.planned(name)})


def _reasons(decided: str, rows: Mapping[str, Facts], grown: _Table, looks: int) -> list[str]:
    everything = {**rows, **({words.POOLED: grown.pooled} if grown.pooled else {})}
    broken = {**grown.broken, **grown.found.incomplete}
    told = {n: words.stopped(n, row, looks) for n, row in everything.items() if n not in broken}
    found = [told[n] for n in told if everything[n].decision == "block"]
    found += [f"hold: {name}: {why}" for name, why in broken.items()]
    found += [told[n] for n in told if everything[n].decision == "hold" and not everything[n].report_only and decided != "block"]
    found += [words.excused(n, rows[n]) for n in rows if rows[n].report_only and rows[n].decision == "hold" and rows[n].n]
    if not any(not row.report_only for row in rows.values()):
        found.append("hold: every ability is report-only, so nothing certifies that the loss is small")
    return [words.promoted(len(rows), grown.pooled is not None), *found] if decided == "promote" else found
