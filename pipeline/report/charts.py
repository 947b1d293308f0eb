"""Geometry of the pictures: places in percent, so that one drawing fits a phone and a printed page. The template draws them."""

import itertools
import math
from typing import Any

STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


class Scale:
    """Values -> percent of the width, with round ticks; zero is always on it."""

    def __init__(self, values: list[float]):
        low, high = min([0.0, *values]), max([0.0, *values])
        room = 0.06 * (high - low or 0.02)
        self.low, self.high = low - room, high + room

    def at(self, value: float) -> float:
        return round(100 * (value - self.low) / (self.high - self.low), 3)

    def ticks(self, most: int = 7) -> list[dict[str, Any]]:
        step = next((s for s in STEPS if (self.high - self.low) / s <= most), STEPS[-1])
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [{"at": self.at(i * step), "value": round(i * step, 6)} for i in range(first, last + 1)]


def numbers(row: dict[str, Any]) -> list[float]:
    """Every place that a row of a verdict table needs on its scale."""
    values = [row.get("drop"), row.get("margin"), *(row.get("interval") or [])]
    return [v for v in values if isinstance(v, int | float) and math.isfinite(v)]


def forest(rows: list[dict[str, Any]], scale: Scale) -> list[dict[str, Any]]:
    """Rows with `plot`: where the interval, the estimate and the margin lie; None where evidence is missing."""
    return [row | {"plot": _places(row, scale)} for row in rows]


def _places(row: dict[str, Any], scale: Scale) -> dict[str, float | None] | None:
    interval = row.get("interval")
    if not interval or any(v is None or not math.isfinite(v) for v in [*interval, row.get("drop")]):
        return None
    low, high = scale.at(interval[0]), scale.at(interval[1])
    margin = scale.at(row["margin"]) if row.get("margin") is not None else None
    return {"low": low, "width": round(high - low, 3), "high": high, "at": scale.at(row["drop"]), "zero": scale.at(0.0), "margin": margin}


def line(steps: list[int], losses: list[float | None], guide: float) -> dict[str, Any]:
    """A loss curve in a box of 100 x 40 from zero to its highest loss: raw and smoothed path, and where a guide value lies."""
    high = max([x for x in losses if x is not None], default=1.0)
    first, span = steps[0] if steps else 0, max(1, (steps[-1] - steps[0]) if steps else 1)
    places = [(100 * (s - first) / span, 38 - 36 * min(x, high) / (high or 1)) for s, x in zip(steps, losses, strict=True) if x is not None]
    within = round(38 - 36 * guide / high, 2) if 0 < guide <= high else None
    drawn = {"path": _path(places), "smooth": _path(_smoothed(places)), "points": len(places)}
    return drawn | {"top": high, "guide": within, "guide_value": guide}


def _smoothed(places: list[tuple[float, float]], reach: int = 3) -> list[tuple[float, float]]:
    if len(places) < 2 * reach + 1:
        return places
    return [
        (x, sum(p[1] for p in places[max(0, i - reach) : i + reach + 1]) / len(places[max(0, i - reach) : i + reach + 1]))
        for i, (x, _) in enumerate(places)
    ]


def _path(places: list[tuple[float, float]], most: int = 400) -> str:
    """An SVG path; long runs are thinned to what a screen can show."""
    step = max(1, math.ceil(len(places) / most))
    kept = places[::step] + ([places[-1]] if places and (len(places) - 1) % step else [])
    return "".join(f"{'L' if i else 'M'}{x:.2f} {y:.2f}" for i, (x, y) in enumerate(kept))


def scatter(rows: list[dict[str, Any]], front: list[str]) -> dict[str, Any]:
    """Places of tries in percent of a box: what the worst ability lost across, what the target tasks gained up; the front as line segments."""
    across, up = Scale([row["worst"] for row in rows]), Scale([row["gain"] for row in rows])
    points = [row | {"x": _within(across.at(row["worst"])), "y": _upward(up.at(row["gain"]))} for row in rows]
    line = [point for name in front for point in points if point["name"] == name]
    return {
        "points": points,
        "segments": [(a["x"], a["y"], b["x"], b["y"]) for a, b in itertools.pairwise(line)],
        "across": [{"at": _within(t["at"]), "value": t["value"]} for t in across.ticks()],
        "up": [{"at": _upward(t["at"]), "value": t["value"]} for t in up.ticks()],
    }


def _within(percent: float) -> float:
    """Across the box, right of the room for its ticks."""
    return round(6 + 0.94 * percent, 3)


def _upward(percent: float) -> float:
    """Up the box, above the room for its ticks: SVG counts from the top."""
    return round(90 - 0.86 * percent, 3)
