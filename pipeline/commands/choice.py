"""Choose between repaired candidates by what the dev half shows: the largest gain among those that pass, else the one that loses least."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

Row = dict[str, Any]
ORDER = ("promote", "hold", "block")


def measured(body: Mapping[str, Any], tasks: Collection[str] | None) -> Row:
    """What a look at a candidate shows: the gain of its target tasks, its worst ability against either reference, and the gate's word.

    tasks: what the blocked lesson was for; None = all. gain: mean over those of what they gained, in fractions; None where none was
    measured. worst: the largest drop of an ability, or of another task that the model in service has.
    """
    targets = {name: row for name, row in (body.get("targets") or {}).items() if not name.endswith("_hotfix")}
    served = {name: row for name, row in targets.items() if tasks is not None and name not in tasks}
    gains = {name: -row["drop"] for name, row in targets.items() if name not in served}
    tables = (("champion", body.get("abilities")), ("champion", served), ("origin", (body.get("origin") or {}).get("abilities")))
    drops = [
        (row["drop"], name, reference)
        for reference, rows in tables
        for name, row in (rows or {}).items()
        if isinstance(row.get("drop"), int | float)
    ]
    worst = max(drops, default=(0.0, None, None))
    return {
        "verdict": body["verdict"],
        "gain": sum(gains.values()) / len(gains) if gains else None,
        "gains": gains,
        "worst": worst[0],
        "worst_ability": worst[1],
        "against": worst[2],
        "reason": next(iter(body.get("reasons") or []), ""),
    }


KEEPS = 0.7
"""A repair should keep seven tenths of what the blocked candidate gains."""


def wanted(blocked: Mapping[str, Any]) -> float:
    """The gain that is worth having, by a look at the blocked candidate on the same half."""
    return KEEPS * (blocked.get("gain") or 0.0)


def winner(tries: Sequence[Row], enough: float = 0.0) -> Row | None:
    """The try that is judged on the held half, or None where the dev half blocks them all, or nothing is gained by any.

    Of those that pass: the largest gain; equal gains: the smaller loss, then the one tried first. Where none passes: of those that are
    not blocked and gain `enough`, the one that loses least; where none gains as much, the one that gains most.
    """
    usable = [t for t in tries if t.get("verdict") in ORDER]
    passing = [t for t in usable if t["verdict"] == "promote"]
    if passing:
        return max(passing, key=lambda t: (t["gain"] or 0.0, -t["worst"], -tries.index(t)))
    held = [t for t in usable if t["verdict"] == "hold" and (t["gain"] or 0.0) > 0]
    worth = [t for t in held if t["gain"] >= enough]
    if not worth:
        return max(held, key=lambda t: (t["gain"], -t["worst"], -tries.index(t)), default=None)
    return min(worth, key=lambda t: (t["worst"], -t["gain"], tries.index(t)))


def front(tries: Sequence[Row]) -> list[str]:
    """Names on the Pareto front, from the least loss to the largest gain: no other try gains as much and loses less."""
    usable = [t for t in tries if t.get("gain") is not None]
    best = [t for t in usable if not any(_beats(other, t) for other in usable)]
    return [t["name"] for t in sorted(best, key=lambda t: (t["worst"], t["gain"]))]


def _beats(a: Row, b: Row) -> bool:
    return a["gain"] >= b["gain"] and a["worst"] <= b["worst"] and (a["gain"], a["worst"]) != (b["gain"], b["worst"])


def why_not(tries: Sequence[Row], skipped: Sequence[Row]) -> str:
    """Why no candidate was worth an attempt on the held half."""
    usable = [t for t in tries if t.get("verdict") in ORDER]
    if not usable:
        return f"nothing could be tried: {'; '.join(s['why'] for s in skipped) or 'no remedy fits this lesson'}"
    blocked = [t for t in usable if t["verdict"] == "block"]
    idle = [t for t in usable if t["verdict"] == "hold"]
    said = []
    if blocked:
        least = min(blocked, key=lambda t: t["worst"])
        said.append(
            f"{len(blocked)} of {len(usable)} tries are blocked on the dev half; {least['name']} loses least, {points(least['worst'])} points of {least['worst_ability']}"
        )
    if idle:
        said.append(f"{len(idle)} of {len(usable)} are not blocked and gain nothing on the target tasks")
    return "; ".join(said)


def points(value: float | None) -> str:
    return "?" if value is None else f"{100 * value:.1f}"
