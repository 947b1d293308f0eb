"""Loss by task: one curve a task and phase, and what is wrong with it in words."""

import math
from statistics import mean
from typing import Any

LN2 = math.log(2)
LOW = 0.5  # practice A4: an SFT loss that ends below it often means that rows are known by heart
PREFERENCE = ("dpo", "kto")


def guide(phase: str) -> float:
    """The loss that a curve is read against: 0.5 for answers, ln 2 for preferences, where a model cannot tell the two apart."""
    return LN2 if phase in PREFERENCE else LOW


def curves(rows: list[dict[str, Any]], said: list[str]) -> list[dict[str, Any]]:
    """Rows of losses.parquet -> one curve per (phase, task), in the order in which they were trained.

    `said` are the trainer's own warnings, "task: words": each goes to the task's first curve.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row.get("phase") or "main", row["task"]), []).append(row)
    drawn = [_curve(phase, task, sorted(points, key=lambda r: r["step"])) for (phase, task), points in groups.items()]
    for task in {c["task"] for c in drawn}:
        first = next(c for c in drawn if c["task"] == task)
        first["warnings"] = [w.removeprefix(f"{task}: ") for w in said if w.startswith(f"{task}: ")] + first["warnings"]
    return drawn


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
    """What a curve shows beside the trainer's own warnings: numbers that are none, an end that rises, preferences not learnt."""
    finite = [x for x in losses if x is not None and math.isfinite(x)]
    found = (
        []
        if len(finite) == len(losses)
        else [f"{len(losses) - len(finite)} of {len(losses)} losses are not numbers: lower the rate, look at train.log"]
    )
    if len(finite) < 3:
        return [*found, f"{len(finite)} points: too few to read a curve"]
    smooth = [mean(finite[max(0, i - 2) : i + 3]) for i in range(len(finite))]
    last = mean(_tail(finite))
    if phase in PREFERENCE and last >= LN2 - 0.005:
        found.append(f"ends at {last:.2f}, not below ln 2 = 0.69: the model still cannot tell the better answer")
    if last > 1.25 * min(smooth) + 0.05:
        found.append(
            f"rose again at the end (lowest {min(smooth):.2f}, last {last:.2f}): the rate is too high, or a later phase hurts this task"
        )
    return found
