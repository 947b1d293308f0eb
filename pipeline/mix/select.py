"""Choose a task's rows under its cap: newest and hardest first, labels in balance, no user too loud."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pipeline.recipe import Task

Row = dict[str, Any]
Dropped = list[tuple[Row, str]]

HARDNESS = {"hotfix": 4, "edit": 3, "report": 3, "choose": 2, "regenerate": 2}
"""Where no model has measured the row (`necessity`): a corrected answer was wrong, a lost one was weak, a praised one (0) was in reach already."""
POOR = 0.5
CLASSES = ("boundary", "hard", "easy")


def evidence(row: Row) -> dict[str, Any]:
    """The evidence as facts; it is JSON written by `mine`, and anything else in its place counts as none."""
    try:
        found = json.loads(row["evidence"] or "{}")
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def urgency(row: Row) -> tuple:
    """Sorts newest and hardest first, poor rows behind good ones and grown rows behind all real ones; the id decides what would otherwise be
    chance."""
    said = HARDNESS.get(row["source"], 0)
    hardness = said if row["source"] == "hotfix" else row.get("hardness", said)
    worth = merit(row)
    if hardness > 0:
        hardness *= worth
    return (row["source"] == "synthetic", poor(row), -row["day"].toordinal(), -hardness, -(row["weight"] or 0.0) * worth, row["example_id"])


def poor(row: Row) -> bool:
    """Likelier poor than good, where `mixing.quality` judged it. A hotfix was written by somebody who wants just that."""
    return row["source"] != "hotfix" and row.get("quality", 1.0) < POOR


def merit(row: Row) -> float:
    """Quality times complexity (DEITA, arXiv 2312.15685), a simple row counting half of a complex one; 1 where nothing judged it."""
    if "quality" not in row or row["source"] == "hotfix":
        return 1.0
    return row["quality"] * (1 + row["complexity"]) / 2


def classes(rows: list[Row]) -> dict[str, str] | None:
    """Difficulty class of every row, or None while any row has none: half-known quotas would only sort the known from the unknown."""
    known = {r["example_id"]: str(r.get("difficulty")) for r in rows}
    return known if rows and all(c in CLASSES for c in known.values()) else None


def label(row: Row) -> str:
    """The label that a row teaches: its answer."""
    answer = row["messages"][-1] if "messages" in row else (row.get("chosen") or row.get("completion") or [{}])[-1]
    return str(answer.get("content") or "").strip()


def fill(has: Mapping[str, int], places: int, shares: Mapping[str, float] | None = None) -> dict[str, int]:
    """Give places to groups by share; what a group cannot use goes to the others, by share again.

    Each place goes to the group that has least for its share, so no group is ahead of its share unless the others are exhausted.
    """
    given = dict.fromkeys(sorted(has), 0)
    for _ in range(min(places, sum(has.values()))):
        open_groups = [g for g in given if given[g] < has[g]]
        best = min(open_groups, key=lambda g: _load(given[g] + 1, 1.0 if shares is None else shares.get(g, 0.0)))
        given[best] += 1
    return given


def _load(places: int, share: float) -> float:
    return places / share if share > 0 else float("inf")


def quiet(rows: list[Row], most: int | None) -> tuple[list[Row], Dropped]:
    """Let no user say more than `most` things; a hotfix, which has no user, is not counted."""
    said: Counter[str] = Counter()
    kept: list[Row] = []
    dropped: Dropped = []
    for row in sorted(rows, key=urgency):
        user = row["user_hash"]
        if most and user and said[user] >= most:
            dropped.append((row, "over the cap of its user"))
            continue
        said[user] += 1
        kept.append(row)
    return kept, dropped


def select(rows: list[Row], card: Task, max_rows_per_user: int | None = None) -> tuple[list[Row], Dropped]:
    """At most `card.cap` rows, by quota of difficulty where every row's class is known, and by label within it."""
    kept, dropped = quiet(rows, max_rows_per_user)
    known = classes(kept) if card.quotas else None
    by_class: dict[str, list[Row]] = {}
    for row in kept:
        by_class.setdefault(known[row["example_id"]] if known else "all", []).append(row)
    places = fill(
        {c: len(r) for c, r in by_class.items()}, card.cap, {str(k): v for k, v in card.quotas.items()} if known and card.quotas else None
    )
    chosen = [row for name, group in by_class.items() for row in _balanced(group, places[name], card)]
    ids = {id(row) for row in chosen}
    reason = f"over the cap of {card.cap} rows"
    return sorted(chosen, key=urgency), dropped + [(row, reason) for row in kept if id(row) not in ids]


def _balanced(rows: list[Row], places: int, card: Task) -> list[Row]:
    by_label: dict[str, list[Row]] = {}
    for row in rows:
        by_label.setdefault(label(row) if card.answer.format == "label" else "", []).append(row)
    share = fill({name: len(group) for name, group in by_label.items()}, places)
    return [row for name, group in by_label.items() for row in group[: share[name]]]
