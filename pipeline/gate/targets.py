"""What the lesson was for: did its target tasks get better, and did none get worse?"""

from collections.abc import Collection, Mapping
from typing import Any

from pipeline.gate import intervals, paired, words
from pipeline.gate.multiplicity import ALPHA, holm
from pipeline.gate.paired import Pairs
from pipeline.gate.power import items_at_least

KEPT = "kept"
"""A task of the model in service that the lesson does not teach."""
REASONS = {"superior": ("superior", "noninferior"), "named": ("superior",)}
"""Which tasks may be the reason to change, by what is needed."""


def judge(
    pairs: Mapping[str, Pairs],
    superior: Collection[str],
    margin: float,
    *,
    alpha: float = ALPHA,
    need: str = "superior",
    kept: Collection[str] = (),
) -> dict[str, Any]:
    """Judge held-out target tasks: champion against candidate, on the same prompts.

    Tasks named in superior must be shown better (exact test on gains, Holm over the tasks); the others must only be shown not to
    lose the margin; those in kept are the model's in service and not the lesson's: they may block, and are no reason to
    change. With need `superior` one task shown better and no block promotes; with `named` it must be one of those named
    (the task a hotfix mends); with `noninferior` every task large enough must certify.
    Returns verdict, tasks {name: row} and reasons.
    """
    if not pairs:
        return {"verdict": "hold", "tasks": {}, "reasons": ["hold: no held-out items of any target task: nothing shows a reason to change"]}
    gains = {name: paired.p_value(p.swapped()) for name, p in pairs.items()}
    losses = {name: paired.p_value(p) for name, p in pairs.items()}
    better, worse = holm({n: p for n, p in gains.items() if n not in kept}), holm(losses)
    rows = {}
    for name, p in pairs.items():
        rule = KEPT if name in kept else "superior" if name in superior else "noninferior"
        rows[name] = _row(p, rule, margin, alpha, (gains[name], better.get(name, 1.0)), (losses[name], worse[name]))
    verdict = _decide(rows, need)
    return {"verdict": verdict, "tasks": rows, "reasons": _reasons(rows, verdict, need, alpha)}


def _row(p: Pairs, rule: str, margin: float, alpha: float, gain: tuple[float, float], loss: tuple[float, float]) -> dict[str, Any]:
    low, high = intervals.interval(p, alpha)
    small, superior = high < margin, gain[1] <= alpha
    shown = superior or (small and rule != "superior")
    return {
        "n": p.n,
        "lost": p.lost,
        "gained": p.gained,
        "drop": p.drop,
        "interval": [low, high],
        "p": gain[0],
        "adjusted_p": gain[1],
        "p_loss": loss[0],
        "adjusted_p_loss": loss[1],
        "margin": margin,
        "rule": rule,
        "superior": superior,
        "can_certify": p.n >= items_at_least(margin, alpha),
        "decision": "promote" if shown else "block" if loss[1] <= alpha and not small else "hold",
    }


def _decide(rows: Mapping[str, Mapping[str, Any]], need: str) -> str:
    if any(row["decision"] == "block" for row in rows.values()):
        return "block"
    if need != "noninferior":
        gained = [row for row in rows.values() if row["superior"] and row["rule"] in REASONS[need]]
        return "promote" if gained else "hold"
    able = [row for row in rows.values() if row["can_certify"]]  # a set too small for its margin proves a gain, never the absence of a loss
    return "promote" if able and all(row["decision"] == "promote" for row in able) else "hold"


def _reasons(rows: Mapping[str, Mapping[str, Any]], verdict: str, need: str, alpha: float) -> list[str]:
    found = []
    for name, row in rows.items():
        if row["decision"] == "block":
            theirs = ", which the model in service was taught and this lesson leaves out," if row["rule"] == KEPT else ""
            found.append(
                f"block: target {name}{theirs} got worse: {words.counts(row)} (adjusted p {words.p_words(row['adjusted_p_loss'])})"
            )
        elif row["superior"]:
            found.append(f"target {name} is better: {words.counts(row)} (adjusted p {words.p_words(row['adjusted_p'])})")
    if verdict == "hold" and need != "noninferior":
        seen = "; ".join(f"{name}: {words.counts(row)}, adjusted p {words.p_words(row['adjusted_p'])}" for name, row in rows.items())
        which = "no target task" if need == "superior" else "the mended task"
        found.append(
            f"hold: no reason to change: {which} is {'' if need == 'superior' else 'not '}shown to be better at {alpha:g} ({seen})"
        )
    elif verdict == "hold":
        weak = [f"{n}: {words.counts(row)}" for n, row in rows.items() if row["decision"] == "hold"]
        found.append(
            f"hold: target tasks are not shown to keep within {words.points(next(iter(rows.values()))['margin'])} points ({'; '.join(weak)})"
        )
    return found
