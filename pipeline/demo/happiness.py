"""Are tomorrow's users happier? The same questions put to two models, compared in pairs."""

from typing import Any

from pipeline.gate.intervals import tango


def compared(before: list[bool], after: list[bool]) -> dict[str, Any]:
    """Share of wishes granted before and after, the gain, and its 90% paired score interval (gate.md's Tango, sign turned)."""
    lost = sum(b and not a for b, a in zip(before, after, strict=True))
    gained = sum(a and not b for b, a in zip(before, after, strict=True))
    n = len(before)
    low, high = tango(lost, gained, n)
    return {
        "before_share": sum(before) / n,
        "after_share": sum(after) / n,
        "gain": (gained - lost) / n,
        "interval": [-high, -low],
        "lost": lost,
        "gained": gained,
    }
