"""Interventions: the same questions to a lesson with and without one of its tasks (evidence A and B), tested pair by pair."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.causes.lost import Fallen
from pipeline.gate import intervals, paired
from pipeline.gate.multiplicity import ALPHA, holm
from pipeline.gate.paired import Pairs

Row = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What one arm made of one item."""

    ability: str
    side: str
    """lost, kept or rest: how candidate and reference parted on it."""
    value: float
    cluster: str | None = None


Answers = Mapping[str, Answer]
"""By the item's key."""


def without(whole: Answers, fewer: Mapping[str, Answers], ability: str) -> list[Row]:
    """What leaving each task out brings back of an ability, the clearest first.

    whole: answers with every task; fewer: answers without one, by that task. Exact one-sided tests on the items that flip, Holm over the
    tasks: the more tasks are tried, the rarer must be what is called proved.
    """
    pairs = {task: _pairs(whole, answers, ability) for task, answers in fewer.items()}
    pairs = {task: p for task, p in pairs.items() if p.n}
    p_values = {task: paired.p_value(p) for task, p in pairs.items()}
    adjusted = holm(p_values)
    rows = []
    for task, p in pairs.items():
        low, high = intervals.interval(p, ALPHA / 2 / len(pairs))
        back = _back(whole, fewer[task], ability)
        rows.append(
            {"task": task, "n": p.n, "back": p.lost, "gone": p.gained, "interval": [low, high], "p": p_values[task]}
            | {"adjusted_p": adjusted[task], "lost": back[1], "of_lost": back[0] / back[1] if back[1] else 0.0}
        )
    return sorted(rows, key=lambda r: (r["adjusted_p"], r["p"], -r["of_lost"], r["task"]))


def _pairs(whole: Answers, fewer: Answers, ability: str) -> Pairs:
    """Fewer tasks stand where the champion stands in a verdict: what they can and the whole cannot is lost by the task."""
    both = [k for k, a in whole.items() if a.ability == ability and k in fewer]
    clusters = [whole[k].cluster if whole[k].cluster is not None else f"/{k}" for k in both]
    return Pairs.of([fewer[k].value for k in both], [whole[k].value for k in both], clusters)


def _back(whole: Answers, fewer: Answers, ability: str) -> tuple[int, int]:
    """(lost items that come back without the task, lost items that are lost with it)."""
    fell = [k for k, a in whole.items() if a.ability == ability and a.side == "lost" and k in fewer]
    return sum(fewer[k].value > whole[k].value for k in fell), len(fell)


def reproduced(whole: Answers, ability: str) -> float | None:
    """Share of the lost items that the sum of the tasks' adapters loses too: what the approximation is worth. None without items."""
    fell = [a for a in whole.values() if a.ability == ability and a.side == "lost"]
    return sum(a.value <= 0 for a in fell) / len(fell) if fell else None


def sealed(fallen: list[Fallen], values: Mapping[str, float]) -> Answers:
    """Answers that were sealed for the verdict, by item key."""
    sides = [(f.ability, side, i) for f in fallen for side in ("lost", "kept", "rest") for i in getattr(f, side)]
    return {i.key: Answer(name, side, values[i.key], i.cluster) for name, side, i in sides if i.key in values}
