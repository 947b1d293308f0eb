"""What repair did, for the page: every try with what it gained and lost on the dev half, the Pareto picture, and the verdict on the held half."""

from typing import Any

from pipeline.report import charts
from pipeline.report.words import cut, lasting

Row = dict[str, Any]
FIRST = "as it was"


def of(record: Row | None, verdict_id: str) -> Row | None:
    """The record beside a verdict as the page draws it; None where nobody tried to repair anything."""
    if not record:
        return None
    judged, front = record.get("judged"), record.get("front") or []
    tries = [_try(t, front, record.get("chosen")) for t in record.get("tries") or []]
    return {
        "words": cut(record.get("words"), 600),
        "outcome": bool(judged and judged.get("id") == verdict_id),
        "blocked": record.get("verdict"),
        "judged": judged,
        "tries": sorted(tries, key=lambda t: (not t["chosen"], t["gain"] is None, -(t["gain"] or 0.0), t["worst"] or 0.0)),
        "skipped": [cut(s.get("why")) for s in record.get("skipped") or []],
        "spent": lasting(record.get("seconds") or 0.0),
        "minutes": record.get("minutes"),
        "chart": charts.scatter([t for t in tries if t["gain"] is not None], [n for n in front if n != FIRST]),
    }


def _try(tried: Row, front: list[str], chosen: str | None) -> Row:
    name = tried.get("name")
    return {
        "name": cut(name, 80),
        "does": cut(tried.get("does"), 300),
        "verdict": tried.get("verdict"),
        "gain": tried.get("gain"),
        "worst": tried.get("worst"),
        "ability": tried.get("worst_ability"),
        "failed": cut(tried.get("failed"), 300) if tried.get("failed") else None,
        "front": name in front,
        "chosen": name == chosen,
        "first": name == FIRST,
    }
