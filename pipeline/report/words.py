"""Words for people: numbers as points, text from logs made harmless to read, long text cut with a note."""

import math
import re
from typing import Any

MOST_CHARS = 1500  # about a phone screen; the whole text stays in the sealed parents that the report names

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but not newline and tab
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"  # bidi marks, invisible spaces
    "\ud800-\udfff"  # lone surrogates: no file can hold them
    "\U000e0000-\U000e007f]"  # tags, invisible and read by models
)
STACKED = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def visible(text: str) -> str:
    """What cannot be seen is named: a right-to-left override becomes ⟨U+202E⟩, and towers of accents end at four."""
    named = HIDDEN.sub(lambda m: f"⟨U+{ord(m.group()):04X}⟩", text.replace("\r\n", "\n"))
    return STACKED.sub(r"\1⟨…⟩", named)


def cut(text: object, most: int = MOST_CHARS) -> str:
    """The start of a text, and how much of it is left out."""
    whole = str(text if text is not None else "")
    return whole if len(whole) <= most else f"{whole[:most]} … [{len(whole) - most:,} more characters]"


def shown(value: Any) -> Any:
    """Facts as the page and report.json both hold them: every text visible and no longer than a screen, no number that JSON lacks."""
    if isinstance(value, str):
        return visible(cut(value, 4 * MOST_CHARS))
    if isinstance(value, dict):
        return {visible(cut(k, 200)): shown(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [shown(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float) else visible(str(value))


def points(share: float | None, sign: bool = False) -> str:
    """A share of items in points: .043 is 4.3. A typographic minus keeps columns readable."""
    if share is None or not math.isfinite(share):
        return "–"
    text = f"{100 * share:+.1f}" if sign else f"{100 * share:.1f}"
    return text.replace("-", "−").replace("−0.0", "0.0").replace("+0.0", "0.0")


def tick(share: float) -> str:
    """A place on an axis in points, with no more digits than it has."""
    return f"{100 * share:g}".replace("-", "−")


def chance(p: float | None) -> str:
    """A p-value or probability with the digits that matter."""
    if p is None or not math.isfinite(p):
        return "–"
    if p < 0.0001:
        return "< .0001"
    return f"{p:.4f}".lstrip("0") if p < 0.1 else f"{p:.2f}".lstrip("0") if p < 0.995 else "1"


def lasting(seconds: float | None) -> str:
    """A duration as one would say it."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def number(value: object) -> str:
    """A count with thin spaces, any other number with four digits that matter, anything else as it is; nothing is a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u2009")
    return f"{value:.4g}"


def listed(names: list[str], most: int = 4) -> str:
    """a, b and c; the rest as a count."""
    some = [*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])]
    return " and ".join(filter(None, [", ".join(some[:-1]), some[-1]])) if some else "none"
