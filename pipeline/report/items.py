"""Items to read: what the champion could and the candidate cannot, and the other way round."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from statistics import mean
from typing import Any

from pipeline.distributions import coin_tail
from pipeline.report.failures import CLASSES
from pipeline.report.words import chance, cut

Row = dict[str, Any]
Fails = Callable[[Row, Row, bool], str]
"""(the wrong answer's row, the right one's, whether another filter reads the wrong one as right) -> one of failures.CLASSES."""
MOST_LOST, MOST_GAINED = 6, 3  # per ability: enough to see a pattern, few enough to be read
ALPHA = 0.05
LEAST_ALIKE = 5  # lost answers; fewer that fail alike are chance


def deciding(rows: Iterable[Row], declared: dict[str, Row]) -> dict[str, tuple[str, str]]:
    """The metric and filter that decide for each benchmark: as its scores declare, else the first listed, flexible before strict."""
    seen: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        choice = (row["metric"], row["filter"])
        if choice not in seen.setdefault(row["benchmark"], []):
            seen[row["benchmark"]].append(choice)
    found = {
        b: min(choices, key=lambda c: (c[0] != choices[0][0], "flexible" not in c[1], "strict" in c[1])) for b, choices in seen.items()
    }
    for ability in declared.values():
        found |= {b: (d["metric"], d["filter"]) for b, d in (ability.get("decides") or {}).items() if b in found}
    return found


def keyed(rows: Iterable[Row], choice: dict[str, tuple[str, str]]) -> dict[tuple, Row]:
    """Deciding rows by the identity that gate.md pairs on; documents that repeat keep their occurrence."""
    kept = (r for r in rows if choice.get(r["benchmark"]) == (r["metric"], r["filter"]))
    return {_identity(r): r for r in kept}


def _identity(row: Row) -> tuple:
    return (row["benchmark"], row["doc_hash"], row["prompt_hash"], row.get("occurrence") or 0)


def scores(tables: dict[str, list[Row]], choice: dict[str, tuple[str, str]]) -> list[Row]:
    """Mean value per ability of candidate, champion and origin, in the suite's order; of what never gates, every metric."""
    sums: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    for who, rows in tables.items():
        for row in [*(r for r in keyed(rows, choice).values() if r["kind"] != "report"), *(r for r in rows if r["kind"] == "report")]:
            every = row["metric"] if row["kind"] == "report" else ""
            if row["value"] is not None:
                sums.setdefault((row["kind"], row["ability"], every), {}).setdefault(who, []).append(float(row["value"]))
    return [
        {"kind": kind, "ability": ability, "metric": metric, "n": _items(tables, kind, ability), **{who: mean(v) for who, v in by.items()}}
        for (kind, ability, metric), by in sums.items()
    ]


def _items(tables: dict[str, list[Row]], kind: str, ability: str) -> int:
    found = (
        {(r["benchmark"], r["doc_hash"], r.get("occurrence")) for r in rows if (r["kind"], r["ability"]) == (kind, ability)}
        for rows in tables.values()
    )
    return max(map(len, found), default=0)


def flips(
    candidate: list[Row], champion: list[Row], choice: dict[str, tuple[str, str]], lower: dict[str, list[str]], fails: Fails
) -> list[Row]:
    """Per ability what was lost and gained, by how the wrong answer fails, and some of each to read, drawn by hash so that nobody picks.

    `lower` names per benchmark the metrics that are better when lower.
    """
    before = keyed(champion, choice)
    loosely = {"lost": _otherwise_right(candidate, choice), "gained": _otherwise_right(champion, choice)}
    groups: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for key, now in keyed(candidate, choice).items():
        was = before.get(key)
        if was is None or now["value"] is None or was["value"] is None or now["value"] == was["value"]:
            continue
        fell = (now["value"] < was["value"]) != (now["metric"] in lower.get(now["benchmark"], ()))
        side = "lost" if fell else "gained"
        wrong, right = (now, was) if fell else (was, now)
        found = _item(now, was) | {"failure": fails(wrong, right, key in loosely[side])}
        groups.setdefault((now["kind"], now["ability"]), {"lost": [], "gained": []})[side].append(found)
    return [
        {"kind": kind, "ability": ability, "lost": len(g["lost"]), "gained": len(g["gained"])}
        | {f"{side}_by": dict(Counter(i["failure"] for i in g[side]).most_common()) for side in g}
        | {"lost_items": _drawn(g["lost"], MOST_LOST), "gained_items": _drawn(g["gained"], MOST_GAINED)}
        for (kind, ability), g in groups.items()
    ]


def alike(groups: list[Row]) -> list[str]:
    """Abilities whose lost answers mostly fail in one way that can be seen: where a reader should look first."""
    found = []
    for group in groups:
        by = {name: n for name, n in group["lost_by"].items() if name != "wrong"}
        name = max(by, key=lambda n: by[n], default="")
        if by and by[name] >= LEAST_ALIKE and by[name] * 2 > group["lost"]:
            found.append(f"{by[name]} of the {group['lost']} lost answers of {group['ability']} fail alike: {CLASSES[name]}")
    return found


def unguarded(groups: list[Row], levels: list[Row]) -> list[str]:
    """What is shown and never gated, and fell beyond chance all the same: exact McNemar, one side, 5% shared among all that is shown."""
    items = {row["ability"]: row["n"] for row in levels if row["kind"] == "report"}
    found = []
    for group in (g for g in groups if g["kind"] == "report"):
        p = coin_tail(group["lost"] + group["gained"], group["lost"])
        if p <= ALPHA / len(items):
            tail = f"p {chance(p)}".replace(" ", "\N{NO-BREAK SPACE}")
            flips = f"{group['lost']} answers lost and {group['gained']} gained of {items[group['ability']]}, {tail}"
            found.append(f"{group['ability']} is shown and never gated, and it fell ({flips}): no margin guards it")
    return found


def _otherwise_right(rows: list[Row], choice: dict[str, tuple[str, str]]) -> set[tuple]:
    """Items that another filter reads as fully right, under the metric that decides."""
    looser = [r for r in rows if r["value"] == 1 and r["benchmark"] in choice and r["filter"] != choice[r["benchmark"]][1]]
    right = [r for r in looser if r["metric"] == choice[r["benchmark"]][0]]
    return {_identity(r) for r in right}


def _item(now: Row, was: Row) -> Row:
    return {
        "benchmark": now["benchmark"],
        "doc_hash": now["doc_hash"],
        "prompt": cut(now.get("prompt")),
        "target": cut(now.get("target"), 400),
        "champion": cut(was.get("response"), 800),
        "candidate": cut(now.get("response"), 800),
    }


def _drawn(items: list[Row], most: int) -> list[Row]:
    return sorted(items, key=lambda i: hashlib.sha256(f"{i['benchmark']} {i['doc_hash']}".encode()).hexdigest())[:most]
