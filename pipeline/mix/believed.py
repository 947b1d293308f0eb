"""How far each row of a lesson is believed: its weight, held to a share of its task for each user over all days, and a pair's smoothing."""

from collections import defaultdict
from typing import Any

from pipeline import voices
from pipeline.mix.select import evidence

Row = dict[str, Any]


def doubt(row: Row) -> float:
    """The chance that a pair stands the wrong way round, as far as people or agreement have shown it; it becomes DPO's label smoothing."""
    right = (evidence(row).get("reliability") or {}).get("right")
    return round(1 - right, 4) if isinstance(right, int | float) and 0.5 < right <= 1 else 0.0


def leveled(rows: list[Row], share: float) -> list[Row]:
    """The rows with weights under which no user has more than `share` of a task's: each day held to it, yet one user may come every day."""
    weights: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        if row["user_hash"] and row["source"] != "hotfix":
            weights[row["task"]][row["user_hash"]] += row["weight"] or 0.0
    cut = {task: voices.factors(of, share) for task, of in weights.items()}
    return [row | {"weight": _cut(row, cut)} for row in rows]


def _cut(row: Row, cut: dict[str, dict[str, float]]) -> float:
    weight = 1.0 if row["weight"] is None else float(row["weight"])
    factor = 1.0 if row["source"] == "hotfix" else cut.get(row["task"], {}).get(row["user_hash"] or "", 1.0)
    return round(weight * factor, 6)


def counts(files: dict[str, list[Row]]) -> Row:
    """Rows, their weight, and the loudest user's part of it, by kind; the general pool is nobody's."""
    found = {}
    for kind, rows in files.items():
        own = [r for r in {r["example_id"]: r for r in rows}.values() if r["user_hash"]]
        users: dict[str, float] = defaultdict(float)
        for row in own:
            users[row["user_hash"]] += row["weight"] or 0.0
        found[kind] = {
            "rows": len(own),
            "weight": round(sum(users.values()), 2),
            "users": len(users),
            "largest_share": round(voices.largest(users.values()), 4),
            "gini": round(voices.gini(users.values()), 4),
        }
    return found
