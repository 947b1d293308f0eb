"""Loss by task: one curve a task and phase, and what is wrong with it in words."""

import math
from itertools import pairwise
from statistics import mean
from typing import Any

LN2 = math.log(2)
HIGH = 0.5  # practice A4: a taught task should end under 0.5
KNOWN = 0.15  # a mean loss this low before training leaves nothing to learn
PREFERENCE = ("dpo", "kto")


def guide(phase: str) -> float:
    """The loss that a curve is read against: 0.5 for answers, ln 2 for preferences, where a model cannot tell the two apart."""
    return LN2 if phase in PREFERENCE else HIGH


def curves(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of losses.parquet -> one curve per (phase, task), in the order in which they were trained."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row.get("phase") or "main", row["task"]), []).append(row)
    return [_curve(phase, task, sorted(points, key=lambda r: r["step"])) for (phase, task), points in groups.items()]


def _curve(phase: str, task: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    losses = [r["loss"] for r in rows]
    finite = [x for x in losses if x is not None and math.isfinite(x)]
    return {
        "phase": phase,
        "task": task,
        "steps": [r["step"] for r in rows],
        "losses": [x if x is not None and math.isfinite(x) else None for x in losses],
        "first": mean(_head(finite)) if finite else None,
        "last": mean(_tail(finite)) if finite else None,
        "warnings": warnings(phase, losses),
    }


def _head(values: list[float]) -> list[float]:
    return values[: max(1, len(values) // 10)]


def _tail(values: list[float]) -> list[float]:
    return values[-max(1, len(values) // 10) :]


def warnings(phase: str, losses: list[float | None]) -> list[str]:
    """What a trainer's eye would stop at. Thresholds are for mean token loss; a preference loss starts at ln 2."""
    finite = [x for x in losses if x is not None and math.isfinite(x)]
    found = [] if len(finite) == len(losses) else [f"{len(losses) - len(finite)} of {len(losses)} losses are not numbers: lower the rate, look at train.log"]
    if len(finite) < 3:
        return [*found, f"only {len(finite)} steps: too few to read a curve"]
    first, last = mean(_head(finite)), mean(_tail(finite))
    if phase in PREFERENCE:
        return found + ([f"ends at {last:.2f}, not below ln 2 = 0.69: the pairs were not learnt"] if last >= LN2 - 0.005 else [])
    if first < KNOWN:
        found.append(f"starts at {first:.2f}: the model knew this before; such rows teach little")
    elif last > 0.95 * first and phase == "main":
        found.append(f"hardly fell ({first:.2f} to {last:.2f}): nothing was learnt, or the rows contradict each other")
    elif last > HIGH and phase == "main":
        found.append(f"ends at {last:.2f}, above {HIGH}: under-trained, or answers too varied to learn")
    return found + _shape(finite, first, last)


def _shape(losses: list[float], first: float, last: float) -> list[str]:
    """Rises at the end, and the staircase of rows learnt by heart at each new pass."""
    smooth = [mean(losses[max(0, i - 2) : i + 3]) for i in range(len(losses))]
    found = []
    if last > 1.25 * min(smooth) + 0.05:
        found.append(f"rose again at the end (lowest {min(smooth):.2f}, last {last:.2f}): the rate is too high or a late phase hurts this task")
    if len(losses) >= 16 and first - last > 0.2:
        fall, at = max((a - b, i) for i, (a, b) in enumerate(pairwise(smooth)))
        if at > len(losses) // 4 and fall > 0.3 * (first - last):
            found.append(f"falls in a step (about point {at + 1} of {len(losses)}): rows learnt by heart at a new pass; try fewer epochs")
    return found
