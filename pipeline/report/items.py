"""Items to read: what the champion could and the candidate cannot, and the other way round."""

import hashlib
from collections.abc import Iterable
from statistics import mean
from typing import Any

from pipeline.report.words import cut

Row = dict[str, Any]
MOST_LOST, MOST_GAINED = 6, 3  # per ability: enough to see a pattern, few enough to be read


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
    return {(r["benchmark"], r["doc_hash"], r["prompt_hash"], r.get("occurrence") or 0): r for r in kept}


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


def flips(candidate: list[Row], champion: list[Row], choice: dict[str, tuple[str, str]], lower: dict[str, list[str]]) -> list[Row]:
    """Per ability what was lost and gained, and some of each to read, drawn by hash so that nobody picks the examples.

    `lower` names per benchmark the metrics that are better when lower.
    """
    before = keyed(champion, choice)
    groups: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for key, now in keyed(candidate, choice).items():
        was = before.get(key)
        if was is None or now["value"] is None or was["value"] is None or now["value"] == was["value"]:
            continue
        fell = (now["value"] < was["value"]) != (now["metric"] in lower.get(now["benchmark"], ()))
        side = "lost" if fell else "gained"
        groups.setdefault((now["kind"], now["ability"]), {"lost": [], "gained": []})[side].append(_item(now, was))
    return [
        {"kind": kind, "ability": ability, "lost": len(g["lost"]), "gained": len(g["gained"])}
        | {"lost_items": _drawn(g["lost"], MOST_LOST), "gained_items": _drawn(g["gained"], MOST_GAINED)}
        for (kind, ability), g in groups.items()
    ]


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
