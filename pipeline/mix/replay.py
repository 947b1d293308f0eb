"""Replay: what a lesson repeats of the other things the model knows, so that it keeps them."""

import hashlib
import math
from typing import Any

Row = dict[str, Any]


def at_least(has: int, share: float, rows: int) -> int:
    """Rows of another task beside a lesson: its share, and no fewer than `rows`, or all it has.

    1/256 of the rest kept GSM8K where a lesson without it lost 13-18 points (DMT, arXiv 2310.05492, table 1).
    """
    return max(math.ceil(has * share), min(rows, has))


def shortfall(has: int, share: float, rows: int) -> int:
    """How many rows the rule wanted and the task does not have."""
    return max(0, max(math.ceil(has * share), rows) - has)


def drawn(rows: list[Row], n: int, seed: int, purpose: str) -> list[Row]:
    """n rows by a draw that depends on seed, purpose and example id only: no library's generator can change it."""
    return sorted(rows, key=lambda r: lot(seed, purpose, r["example_id"]))[:n]


def lot(seed: int, *what: object) -> str:
    """A number drawn for a thing, the same on every machine."""
    return hashlib.sha256(":".join(map(str, (seed, *what))).encode()).hexdigest()
