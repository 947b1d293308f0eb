"""Which rows pull against lost items (evidence C, "points to"): gradients, compared without a model.

A step on a row changes an item's loss by minus the product of their gradients (TracIn, arXiv 2002.08484). Rows whose gradient points against
that of the answer that was lost make it less likely. Rows are compared by direction (cosine), as LESS does (arXiv 2402.04333): long answers
have no longer word. A task pulls as its rows do on the mean; what it does to kept items is the control.
"""

from collections.abc import Sequence
from typing import Any

from pipeline.causes.contrast import ALPHA, Contrast, contrasts
from pipeline.distributions import t_of, t_tail

NAMED = 3  # rows of a task that pull most, to be read

Array = Any
Row = dict[str, Any]


def points(lost: Array, kept: Array, rows: Array, tasks: Sequence[str], names: Sequence[str]) -> list[Row]:
    """How much more each task pulls against the lost items than against the kept ones, the strongest first.

    lost, kept, rows: gradients, one a line; tasks, names: whose each row is, and its example id. Which items were asked and which rows were
    drawn are both chance: each end of an interval is the wider one of the two, and p the larger.
    """
    import numpy as np

    parts, belongs, ids = sorted(set(tasks)), np.array(tasks), np.array(names)
    if not len(lost) or not len(kept) or not parts:
        return []
    pull = [-_directions(items) @ _directions(rows).T for items in (lost, kept)]
    found = contrasts(*(np.stack([side[:, belongs == name].mean(1) for name in parts], axis=1) for side in pull))
    apart = pull[0].mean(0) - pull[1].mean(0)
    told = [_told(name, c, apart[belongs == name], ids[belongs == name], len(parts)) for name, c in zip(parts, found or [], strict=False)]
    return sorted(told, key=lambda r: (-r["difference"], r["task"]))  # by size: p also says how many rows were drawn (evals/LOG.md)


def _told(task: str, c: Contrast, apart: Array, names: Array, tasks: int) -> Row:
    """apart: of each row, how much more it pulls against lost items. The rows that do so most are named."""
    low, high, p = c.interval[0], c.interval[1], c.p
    error = float(apart.std(ddof=1)) / len(apart) ** 0.5 if len(apart) > 1 else 0.0
    half = t_of(ALPHA / tasks, len(apart) - 1) * error if error else 2.0
    p_rows = t_tail(c.difference / error, len(apart) - 1) if error else 1.0
    wide = [min(low, c.difference - half), max(high, c.difference + half)]
    most = [str(names[i]) for i in (-apart).argsort(kind="stable")[:NAMED] if apart[i] > 0]
    figures = {"lost": c.lost, "kept": c.kept, "difference": c.difference, "interval": wide, "p": max(p, p_rows)}
    return {"task": task, **figures, "rows": most}


def _directions(vectors: Array) -> Array:
    import numpy as np

    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
