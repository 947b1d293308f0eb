"""What changed in the shape of a log against the days before it: keys that vanished, that are new, that became rare, or that changed type.

A share moves from day to day by chance and by what people do. So a key counts only where it is common, only where at least LEAST lines
could have it, and only where chance alone would do the same less than once in a million comparisons (exact binomial tail).
"""

import json
import math
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from pipeline.ingest.drift import Json, least, merged

DAYS = 7  # that are looked back on
LEAST = 50  # lines that could have the key, today and before
COMMON = 0.05  # share from which on a key is no rarity
ALWAYS, FELL = 0.95, 0.8  # a key that stood in nearly every line, and now in clearly fewer
CHANCE = 1e-6  # some hundred keys are compared every day: a false alarm in about thirty years


def since(stored: list[Json], today: Json) -> list[Json]:
    """The changes against profiles as the lake keeps them: rows of {day, profile}, newest day first, several of a day as one."""
    days = groupby(stored, key=lambda row: row["day"])
    return changes(today, [merged([json.loads(row["profile"]) for row in of_day]) for _, of_day in days])


def changes(today: Json, past: list[Json]) -> list[Json]:
    """Each change as {app, path, change, before, now, lines, days, says}; past: one profile a day, newest first."""
    found = []
    for app, shape in today.items():
        days = [day[app] for day in past[:DAYS] if app in day]
        if sum(_worth(day, day["lines"]) for day in days) >= LEAST:
            found += list(_of_app(app, shape, days))
    return found


def _of_app(app: str, today: Json, days: list[Json]) -> Iterator[Json]:
    for path in sorted({*today["paths"], *(path for day in days for path in day["paths"])}):
        could = _worth(today, _room(today, path))
        before = [day for day in days if _worth(day, _room(day, path)) >= 1]
        worth = [_worth(day, _room(day, path)) for day in before]
        if could < LEAST or sum(worth) < LEAST:
            continue
        now, shares = _lines(today, path) / _room(today, path), [_lines(day, path) / _room(day, path) for day in before]
        fact = {"app": app, "path": path, "before": sum(shares) / len(shares), "now": now, "lines": round(could), "days": len(before)}
        if now == 0 and min(shares) >= COMMON and at_most(_kept(could), could, min(shares)) < CHANCE:
            yield _said(fact, "vanished")
        elif now >= COMMON and not any(shares) and _unseen(now, worth) < CHANCE:
            yield _said(fact, "new")
        elif min(shares) >= ALWAYS and now < FELL and at_most(now * could, could, ALWAYS) < CHANCE:
            yield _said(fact, "rarer")
        else:
            yield from _of_types(fact, today, before)


def _of_types(fact: Json, today: Json, days: list[Json]) -> Iterator[Json]:
    """Types that a key has now in a good part of its lines and never had before."""
    path = fact["path"]
    having = [day for day in days if path in day["paths"]]
    worth = [_worth(day, _lines(day, path)) for day in having]
    if _worth(today, _lines(today, path)) < LEAST or sum(worth) < LEAST:
        return
    was = sorted({name for day in having for name in day["paths"][path] if name})
    counts = today["paths"][path]
    for name in sorted(counts):
        share = counts[name] / counts[""]
        if name and name not in was and share >= COMMON and _unseen(share, worth) < CHANCE:
            more = {"before": 0.0, "now": share, "lines": round(_worth(today, counts[""])), "days": len(having)}
            yield _said(fact | more | {"type": name, "was": was}, "type")


def _lines(shape: Json, path: str, type: str = "") -> int:
    return shape["paths"].get(path, {}).get(type, 0)


def _room(shape: Json, path: str) -> int:
    """Lines that could have the path: all of them, or those where what it lies in is an object or a list."""
    at = max(path.rfind("."), path.rfind("["))
    return shape["lines"] if at < 0 else _lines(shape, path[:at], "list" if path[at] == "[" else "object")


def _worth(shape: Json, lines: float) -> float:
    """How many equal lines know as much as these of a shape, whose lines stand for different numbers of others."""
    return lines * shape["lines"] / shape["squares"] if shape["squares"] else 0.0


def _kept(lines: float) -> float:
    """The most lines that a profile would have left out."""
    return math.ceil(least(lines)) - 1


def _unseen(share: float, days: list[float]) -> float:
    """How likely a key of this share would have been left out of every one of the days' profiles."""
    return math.prod(at_most(_kept(lines), lines, share) for lines in days)


def at_most(k: float, n: float, p: float) -> float:
    """P(X <= k) for X of n with probability p each; n and k may be fractions of lines and are rounded."""
    k, n = min(math.floor(k), round(n)), round(n)
    if p >= 1:
        return float(k >= n)
    if p <= 0:
        return 1.0
    whole = math.lgamma(n + 1)
    terms = (whole - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p) + (n - i) * math.log1p(-p) for i in range(k + 1))
    return min(1.0, math.fsum(map(math.exp, terms)))


def _said(fact: Json, change: str) -> Json:
    before, now, days = (
        f"{fact['before']:.0%}",
        f"{fact['now']:.0%}",
        "the day before" if fact["days"] == 1 else f"the {fact['days']} days before",
    )
    name, kinds = f"{fact['app']}: {fact['path']}", " or ".join(fact.get("was", []))
    words: dict[str, Any] = {
        "vanished": f"{name} vanished: in {before} of lines on {days}, in none of {fact['lines']} today",
        "new": f"{name} is new: in {now} of {fact['lines']} lines today, in none on {days}",
        "rarer": f"{name} became rarer: in {before} of lines on {days}, in {now} of {fact['lines']} today",
        "type": f"{name} was {kinds}, is now {fact.get('type')} in {now} of {fact['lines']} lines",
    }
    return {**fact, "change": change, "before": round(fact["before"], 4), "now": round(fact["now"], 4), "says": words[change]}
