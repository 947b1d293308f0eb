"""One feedback event: which fields each kind must have, and what they may hold."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from pipeline.ingest.derive import Clock, derived_id, read_id
from pipeline.ingest.quarantine import Refused

KINDS = ("thumb", "rating", "edit", "regenerate", "choose", "copy", "report", "comment")
VALUES: dict[str, tuple[str | None, ...]] = {
    "thumb": ("up", "down", "none"),
    "choose": ("tie", "both_bad", None),
    "copy": ("all", "part", None),
}
NEEDS_TEXT = ("edit", "comment")
FIELDS = ("message_id", "user_id", "kind", "value", "max", "text", "reasons", "over", "span", "source", "derived", "created_at")


@dataclass(slots=True)
class Event:
    """A valid event with its original texts."""

    event_id: str
    message_id: str | None
    user_id: str | None
    kind: str
    value: str | None
    max: float | None
    text: str | None
    reasons: list[str] | None
    over: list[str] | None
    span: list[int] | None
    source: str
    derived: bool
    created_at: datetime
    digest: str
    flags: list[str] = field(default_factory=list)


def event(raw: Any, clock: Clock, taken: dict[str, str]) -> Event:
    """Read one event; raises Refused. taken: ids of the same line's earlier events and their digests."""
    if type(raw) is not dict:
        raise Refused("not an object")
    kind = raw.get("kind")
    if kind is None:
        raise Refused("missing key: kind")
    if kind not in KINDS:
        raise Refused("unknown feedback kind" if type(kind) is str else "wrong type: kind")
    flags: list[str] = []
    message_id = read_id(raw.get("message_id"), "message_id")
    user_id = read_id(raw.get("user_id"), "user_id")
    text = _text(raw.get("text"), "text")
    if text is None and kind in NEEDS_TEXT:
        raise Refused("missing key: text")
    found = Event(
        event_id="",
        message_id=message_id,
        user_id=user_id,
        kind=kind,
        value=_value(kind, raw.get("value")),
        max=_number(raw.get("max"), "max"),
        text=text,
        reasons=_texts(raw.get("reasons"), "reasons"),
        over=_over(kind, raw.get("over"), message_id),
        span=_span(raw.get("span")),
        source=_source(raw.get("source")),
        derived=_derived(raw.get("derived")),
        created_at=clock.read(raw.get("created_at"), "created_at", flags),
        digest=digest([raw.get(name) for name in FIELDS]),
        flags=flags,
    )
    found.event_id = read_id(raw.get("event_id"), "event_id") or _derive(raw, found, taken)
    taken[found.event_id] = found.digest
    return found


def _derive(raw: dict[str, Any], found: Event, taken: dict[str, str]) -> str:
    """An id for an event without one. Two that differ only in what the id does not cover must not pass for one event."""
    found.flags.append("event_id derived")
    parts = (found.message_id, found.kind, found.user_id, raw.get("created_at"), raw.get("value"), found.text)
    own, twin = derived_id(*parts), 0
    while taken.get(own, found.digest) != found.digest:
        twin += 1
        own = derived_id(*parts, twin)
    return own


def digest(parts: Any) -> str:
    """Equal digests mean: nothing new was said."""
    dumps, option, hashed = _tools()
    return hashed(dumps(parts, option=option))


@cache
def _tools() -> tuple[Any, int, Any]:
    """An import statement inside a function that is called a million times costs as much as what it does."""
    import orjson
    import xxhash

    return orjson.dumps, orjson.OPT_SORT_KEYS, xxhash.xxh3_128_hexdigest


def digests(rows: Iterable[list[Any]]) -> list[str]:
    """The digests of many rows that hold no objects: nothing in them has keys to be sorted."""
    dumps, _, hashed = _tools()
    return [hashed(dumps(row)) for row in rows]


def _value(kind: str, value: Any) -> str | None:
    if kind in VALUES:
        if value not in VALUES[kind]:
            raise Refused("missing key: value" if value is None else "value not allowed")
        return value
    if kind == "rating":
        if value is None:
            raise Refused("missing key: value")
        return f"{_number(value, 'value'):.15g}"
    return _text(value, "value")


def _over(kind: str, value: Any, message_id: str | None) -> list[str] | None:
    if value is not None and type(value) is not list:
        raise Refused("wrong type: over")
    over = [read_id(v, "over") for v in value or []]
    if None in over:
        raise Refused("wrong type: over")
    if kind == "choose" and (message_id is None or not over):
        raise Refused("missing key: over" if message_id else "missing key: message_id")
    return [v for v in over if v] or None


def _text(value: Any, what: str) -> str | None:
    if value is not None and type(value) is not str:
        raise Refused(f"wrong type: {what}")
    return value


def _texts(value: Any, what: str) -> list[str] | None:
    if value is not None and (type(value) is not list or any(type(v) is not str for v in value)):
        raise Refused(f"wrong type: {what}")
    return value


def _number(value: Any, what: str) -> float | None:
    if value is not None and type(value) not in (int, float):
        raise Refused(f"wrong type: {what}")
    return value


def _span(value: Any) -> list[int] | None:
    if value is None:
        return None
    if type(value) is not list or len(value) != 2 or any(type(v) is not int for v in value):
        raise Refused("wrong type: span")
    if not 0 <= value[0] <= value[1] < 2**31:
        raise Refused("value not allowed")
    return value


def _source(value: Any) -> str:
    if value not in (None, "human", "automatic"):
        raise Refused("value not allowed" if type(value) is str else "wrong type: source")
    return value or "human"


def _derived(value: Any) -> bool:
    if value is not None and type(value) is not bool:
        raise Refused("wrong type: derived")
    return bool(value)
