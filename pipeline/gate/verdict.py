"""From paired items to promote, block or hold. Pure: equal inputs give equal bytes."""

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

from pipeline.gate import intervals, paired, power, words
from pipeline.gate.multiplicity import holm
from pipeline.gate.paired import Pairs

Values = Mapping[str, Sequence[float]]
SEVERITY = ("promote", "hold", "block")


class Facts(dict[str, Any]):
    """A JSON object whose keys can be read as attributes too."""

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(key) from None


def worst(decisions: Collection[str]) -> str:
    """Block over hold over promote; nothing at all is no evidence, so hold."""
    return max(decisions, key=SEVERITY.index, default="hold")


def judge(
    champion: Values,
    candidate: Values,
    margin: float = 0.02,
    pooled_margin: float = 0.01,
    *,
    margins: Mapping[str, float] | None = None,
    report_only: Collection[str] = (),
    strict: bool = False,
    alpha: float = 0.05,
    alpha_to_block: float | None = None,
    clusters: Mapping[str, Sequence[Hashable]] | None = None,
    incomplete: Mapping[str, str] | None = None,
) -> Facts:
    """Judge a candidate against a reference on item values in [0, 1], given per ability in the same order.

    margins overrides the margin of single abilities; report_only abilities can block and need not certify; strict blocks every
    proved drop; alpha is how often certifying may err, and blocking too unless alpha_to_block says otherwise; clusters says per
    ability which items hang together; incomplete says of abilities why their items are not all here, so that they may block and
    cannot promote. What is missing, unequal or no number holds, never promotes.
    """
    names = list(dict.fromkeys([*champion, *candidate]))
    wanted = {name: (margins or {}).get(name, margin) for name in names}
    broken = {name: why for name in names if (why := _unusable(champion.get(name), candidate.get(name), (clusters or {}).get(name)))}
    pairs = {n: Pairs.of(_floats(champion[n]), _floats(candidate[n]), (clusters or {}).get(n)) for n in names if n not in broken}
    most = alpha if alpha_to_block is None else alpha_to_block
    level = most if len(names) == 1 else most / 2  # one half for Holm over the abilities, one half for the pooled row
    raw = {n: paired.p_value(pairs[n]) if n in pairs else 1.0 for n in names}
    adjusted = holm(raw)
    rows = {}
    for n in names:
        seen = power.smallest_detectable_drop(pairs[n].n, pairs[n].psi, level / len(names)) if n in pairs else 1.0
        rows[n] = _row(pairs.get(n), raw[n], adjusted[n], wanted[n], seen, level, alpha, strict, n in report_only)
        if n in (incomplete or {}) and rows[n].decision == "promote":
            rows[n]["decision"] = "hold"
    pooled = None
    if len(names) > 1 and pairs:
        together = Pairs.pool(list(pairs.values()))
        p, seen = paired.p_value(together), power.smallest_detectable_drop(together.n, together.psi, level)
        pooled = _row(together, p, p, pooled_margin, seen, level, alpha, strict, False)
        pooled["mean_drop"] = math.fsum(x.drop for x in pairs.values()) / len(pairs)
    broken = {**broken, **(incomplete or {})}
    verdict = decide(rows, pooled, broken)
    reasons = _reasons(verdict, rows, pooled, broken, level, alpha)
    return Facts(verdict=verdict, abilities=rows, pooled=pooled, reasons=reasons, unpaired=_unpaired(champion, candidate, broken))


def refused(judgement: Facts, why: Sequence[str]) -> Facts:
    """The same figures with a verdict of hold, because the evidence may not be compared."""
    return Facts({**judgement, "verdict": "hold", "reasons": [f"hold: {w}" for w in why] + list(judgement["reasons"])})


def _floats(values: Sequence[float]) -> list[float]:
    return [float(v) for v in values]


def _unusable(a: Sequence[float] | None, b: Sequence[float] | None, clusters: Sequence[Hashable] | None) -> str | None:
    """Why an ability cannot be judged, in words; None where it can."""
    if a is None or b is None:
        return f"missing from the {'champion' if a is None else 'candidate'}'s results"
    if not len(a) or not len(b):
        return f"the {'champion' if not len(a) else 'candidate'} has no items"
    if len(a) != len(b):
        return f"the champion has {len(a)} items, the candidate {len(b)}: they cannot be paired"
    if clusters is not None and len(clusters) != len(a):
        return f"{len(clusters)} cluster names for {len(a)} items"
    for side, values in (("champion", a), ("candidate", b)):
        wrong = [v for v in set(values) if not _is_share(v)]  # most lists hold two different values only
        if wrong:
            bad = sum(not _is_share(v) for v in values)
            return f"{bad} of the {side}'s {len(values)} values are no number between 0 and 1"
    return None


def _is_share(value: Any) -> bool:
    try:
        return 0 <= float(value) <= 1
    except (TypeError, ValueError):
        return False


def _row(
    pairs: Pairs | None, p: float, adjusted: float, margin: float, seen: float, level: float, alpha: float, strict: bool, report_only: bool
) -> Facts:
    """Margin first: a drop that is proved and shown to be small is promoted, unless the recipe is strict."""
    low, high = intervals.interval(pairs, alpha) if pairs else (-1.0, 1.0)
    proved, small = adjusted <= level, high < margin
    decision = "block" if proved and (strict or not small) else "promote" if small else "hold"
    return Facts(
        n=pairs.n if pairs else 0,
        lost=pairs.lost if pairs else 0,
        gained=pairs.gained if pairs else 0,
        drop=pairs.drop if pairs else None,
        interval=[low, high],
        p=p,
        adjusted_p=adjusted,
        margin=margin,
        smallest_detectable_drop=seen,
        decision=decision,
        report_only=report_only,
    )


def decide(rows: Mapping[str, Facts], pooled: Facts | None, broken: Mapping[str, str]) -> str:
    """Block if any row blocks, promote if every row that must certify does and there is one, else hold."""
    decisions = [row.decision for row in rows.values() if not row.report_only or row.decision == "block"]
    if pooled:
        decisions.append(pooled.decision)
    certifying = any(not row.report_only for row in rows.values())
    return worst([*decisions, *(["hold"] if broken or not certifying else [])])


def _reasons(
    verdict: str, rows: Mapping[str, Facts], pooled: Facts | None, broken: Mapping[str, str], level: float, alpha: float
) -> list[str]:
    """The sentences behind a verdict, worst first."""
    if not rows:
        return ["hold: there is nothing to compare"]
    everything = {**rows, **({words.POOLED: pooled} if pooled else {})}
    found = [words.blocked(name, row, level) for name, row in everything.items() if row.decision == "block"]
    found += [f"hold: {name}: {why}" for name, why in broken.items()]
    found += [
        words.held(name, row, alpha)
        for name, row in everything.items()
        if row.decision == "hold" and name not in broken and not row.report_only
    ]
    found += [words.excused(name, row) for name, row in rows.items() if row.report_only and row.decision == "hold"]
    if not any(not row.report_only for row in rows.values()):
        found.append("hold: every ability is report-only, so nothing certifies that the loss is small")
    found += [words.proved_small(name, row) for name, row in everything.items() if row.decision == "promote" and row.adjusted_p <= level]
    return [words.promoted(len(rows), pooled is not None), *found] if verdict == "promote" else found


def _unpaired(champion: Values, candidate: Values, broken: Mapping[str, str]) -> Facts:
    """Items that only one side has. Equal counts that are no pairs for another reason are not among them."""
    counts = [(len(champion.get(n, ())), len(candidate.get(n, ()))) for n in broken]
    return Facts(only_a=sum(max(0, a - b) for a, b in counts), only_b=sum(max(0, b - a) for a, b in counts))
