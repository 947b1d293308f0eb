"""How large must a suite be? Items per ability for a margin, an error, a power and a share of flips, at once or in looks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.gate import boundaries
from pipeline.gate.feasibility import chance_to_certify, margin_for
from pipeline.gate.power import items_at_least, items_to_certify, items_to_detect, smallest_detectable_drop

NOISY = 0.02  # share of items that one model may answer differently twice; above it, plan with psi + psi0 (gate.md, section 10)

Facts = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """One ability, or all items together, as it is planned."""

    n: int | None
    """Items it has now; None where nobody declared it."""
    margin: float
    psi: float
    """Share of items expected to flip."""


def plan(rows: Mapping[str, Wanted], pooled: Wanted | None, alpha: float, power: float, looks: int = 1) -> Facts:
    """Items for each ability, so that all of them and the pooled row certify an unchanged model together with this power.

    Returns abilities {name: row}, pooled, and chance that the suite as it is promotes an unchanged model (None where sizes are unknown).
    to_certify is what that takes; to_detect is what proves a true drop of a whole margin, at the share of alpha that Holm leaves.
    """
    level = alpha if pooled is None else alpha / 2
    parts = len(rows) + (pooled is not None)
    each = power ** (1 / parts)
    found = {name: _row(w, alpha, level / len(rows), power, each, looks) for name, w in rows.items()}
    whole = _row(pooled, alpha, level, power, each, looks) if pooled else None
    chances = [row["chance"] for row in [*found.values(), *([whole] if whole else [])]]
    return {"abilities": found, "pooled": whole, "chance": None if None in chances else math.prod(chances)}


def _row(w: Wanted, alpha: float, level: float, power: float, each: float, looks: int) -> Facts:
    certify = max(items_to_certify(w.margin, w.psi, alpha, each), items_at_least(w.margin, alpha))
    # a true drop cannot be larger than the share of items that flip
    detect = items_to_detect(w.margin, max(w.psi, w.margin), level, power)
    row = {"n": w.n, "psi": w.psi, "margin": w.margin, "to_certify": certify, "to_detect": detect}
    row |= {
        "chance": None if w.n is None else chance_to_certify(w.n, w.margin, w.psi, alpha),
        "smallest_detectable_drop": None if w.n is None else smallest_detectable_drop(w.n, w.psi, level),
        "least_margin": None if w.n is None else margin_for(w.n, 1, w.psi, each, alpha),
    }
    return row | ({"looks": share(certify, w, alpha, level, looks)} if looks > 1 else {})


def share(n: int, w: Wanted, alpha: float, level: float, looks: int) -> Facts:
    """What looks would spare of n items: the share that is asked on average, and how often it ends in the right word.

    unchanged: nothing was lost and the margin is certified; fallen: a whole margin was lost and that is proved.
    """
    times = [(k + 1) / looks for k in range(looks)]
    upper, accept = boundaries.bounds(level, looks), boundaries.bounds(alpha, looks)
    reach = w.margin / math.sqrt(w.psi / n)
    lower = [reach * math.sqrt(t) - b for t, b in zip(times, accept, strict=True)]
    found = {}
    for name, drift in (("unchanged", 0.0), ("fallen", reach)):
        above, below = boundaries.crossings(upper, times, drift, lower)
        ends = [a + b for a, b in zip(above, below, strict=True)]
        asked = sum(t * e for t, e in zip(times, ends, strict=True)) + 1 - sum(ends)
        found[name] = {"asked": asked, "right": sum(below if name == "unchanged" else above)}
    return found


def harness(rows: Mapping[str, tuple[int, int]]) -> Facts:
    """What one model asked twice says of the way it is asked: flips and items of each ability -> psi0, and whether that is noise to plan with."""
    flips, items = sum(f for f, _ in rows.values()), sum(n for _, n in rows.values())
    psi0 = flips / items if items else 0.0
    worst = max(rows, key=lambda name: rows[name][0] / max(1, rows[name][1]), default="")
    said = f"One model asked twice: {flips} of {items} items changed (psi0 {psi0:.4f}"
    said += f", most in {worst}: {rows[worst][0]} of {rows[worst][1]})" if flips else ")"
    if psi0 > NOISY:
        said += f": a noisy harness. Fix batch size, dtype and seeds, or plan with psi + psi0 (`equipoise power --psi …`); the limit is {NOISY:g}"
    return {"psi0": psi0, "noisy": psi0 > NOISY, "by_ability": {name: f / n for name, (f, n) in rows.items() if n}, "sentence": said}
