"""How far each row is believed, in the loss: a row of weight .5 pulls half as hard, and a doubted pair is smoothed.

TRL's trainers know no weight per row, so its own loss stays as it is and the difference is added to it: zero where all rows weigh the same,
exact where they do not.
"""

from typing import Any

LEAST, MOST = 0.0, 0.49  # of smoothing: from one half on a pair would teach its opposite

Row = dict[str, Any]


def scaled(rows: list[Row]) -> list[Row]:
    """The rows with weights whose mean is one, so that doubt about all of them is no lower learning rate. SFT rows count by their answer's tokens.

    A row without a weight has weight one; equal weights become exactly one.
    """
    weights = [_weight(row) for row in rows]
    if len(set(weights)) < 2:
        return [row | {"weight": 1.0} for row in rows]
    sizes = [_size(row) for row in rows]
    mean = sum(w * n for w, n in zip(weights, sizes, strict=True)) / sum(sizes)
    if mean <= 0:
        return [row | {"weight": 1.0} for row in rows]
    return [row | {"weight": w / mean} for row, w in zip(rows, weights, strict=True)]


def _weight(row: Row) -> float:
    found = row.get("weight")
    return 1.0 if found is None else max(0.0, float(found))


def _size(row: Row) -> int:
    return sum(label != -100 for label in row["labels"][1:]) if "labels" in row else 1


def smoothing(value: object) -> float:
    """The chance that a pair stands the wrong way round, within what smoothing can bear."""
    return min(MOST, max(LEAST, float(value))) if isinstance(value, int | float) else 0.0


def beside(examples: list[Row]) -> dict[str, Any]:
    """What travels beside a batch: the task, the weight and the smoothing of each row."""
    import torch

    return {
        "task_ids": torch.tensor([e["task_id"] for e in examples]),
        "row_weights": torch.tensor([e.get("weight", 1.0) for e in examples], dtype=torch.float32),
        "row_smoothing": torch.tensor([e.get("smoothing", 0.0) for e in examples], dtype=torch.float32),
    }
