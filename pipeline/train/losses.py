"""Read the loss curves of a lesson: where each task began and ended, and what in the curve is a warning."""

import math
from collections import defaultdict
from typing import Any

SFT = ("main", "key")
LOW = 0.5  # practitioners' mark: an SFT loss below it often means that rows are known by heart (practices.md A4)
FELL = 0.95  # a task whose loss stays above this share of its beginning has learnt nothing
STEP = 0.8  # a loss that falls below this share in one step over an epoch's border is a stair

Record = dict[str, Any]


def mean(records: list[Record]) -> float:
    """Mean loss, by tokens."""
    tokens = sum(r["tokens"] for r in records)
    return sum(r["loss"] * r["tokens"] for r in records) / max(1, tokens)


def by_task(records: list[Record], phases: tuple[str, ...] = SFT) -> dict[str, list[Record]]:
    """The records of each task in the order of training."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record["phase"] in phases:
            found[record["task"]].append(record)
    return dict(sorted(found.items()))


def ends(records: list[Record], phases: tuple[str, ...] = SFT) -> dict[str, dict[str, float]]:
    """Initial and final loss of each task: the mean over the first and the last fifth of its records."""
    found = {}
    for task, curve in by_task(records, phases).items():
        part = max(1, len(curve) // 5)
        found[task] = {"initial": round(mean(curve[:part]), 4), "final": round(mean(curve[-part:]), 4)}
    return found


def diverged(records: list[Record]) -> str:
    """Where a loss stopped being a number, or nothing."""
    lost = next((r for r in records if not math.isfinite(r["loss"])), None)
    return f"the loss of {lost['task']} is {lost['loss']} at step {lost['step']} of {lost['phase']}" if lost else ""


def stairs(curve: list[Record], steps_per_epoch: int) -> list[int]:
    """Epochs that begin with a sudden fall: the loss of the epoch's first quarter against the last quarter of the one before."""
    epochs: dict[int, list[Record]] = defaultdict(list)
    for record in curve:
        if record["phase"] == "main":
            epochs[(record["step"] - 1) // steps_per_epoch].append(record)
    found = []
    for epoch, later in sorted(epochs.items()):
        before = epochs.get(epoch - 1)
        if before and len(before) >= 4 and len(later) >= 4:
            old, new = mean(before[-(len(before) // 4) :]), mean(later[: len(later) // 4])
            inside = mean(before[: len(before) // 4]) - old  # what the whole epoch before had gained
            if new < STEP * old and old - new > inside / 2:
                found.append(epoch + 1)
    return found


def warnings(records: list[Record], steps_per_epoch: int) -> list[str]:
    """What a person should know about the curves, in words."""
    words = []
    curves = by_task(records)
    for task, end in ends(records).items():
        if end["final"] < LOW:
            words.append(
                f"{task}: final loss {end['final']:.2f} is under {LOW}: its rows may be known by heart; compare with one epoch less"
            )
        if end["final"] > FELL * end["initial"]:
            words.append(
                f"{task}: loss did not fall ({end['initial']:.2f} -> {end['final']:.2f}): rate too low, rows that contradict one another, or nothing left to learn"
            )
        for epoch in stairs(curves[task], max(1, steps_per_epoch)):
            words.append(
                f"{task}: staircase at epoch {epoch}: the loss falls at once when rows come again, so they are being learnt by heart"
            )
    return words
