"""What a log left out, made from what it says: ids, parents and times. The same line always gives the same ones."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipeline.ingest.quarantine import Refused

LONGEST_ID = 512
FIRST_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # older clocks were never set
DATED = re.compile(r"\d{4}-\d\d-\d\d")  # meant as a time, though no calendar or clock has it


def derived_id(*parts: Any) -> str:
    """`d` and the first 15 hex digits of the sha256 over the JSON of the parts."""
    return "d" + hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:15]


def read_id(value: Any, what: str) -> str | None:
    """An id as text, None where there is none; raises Refused."""
    kind = type(value)
    if kind is not str:
        if value is None:
            return None
        if kind is not int:
            raise Refused(f"wrong type: {what}")
        value = str(value)
    if len(value) > LONGEST_ID:
        raise Refused(f"longer than {LONGEST_ID} characters: {what}")
    if not value or value.isspace():
        raise Refused(f"empty: {what}")
    return value


@dataclass(frozen=True)
class Clock:
    """The batch's day, against which times are believed or replaced."""

    day: date
    start: datetime
    last: datetime

    @classmethod
    def of(cls, day: date) -> "Clock":
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return cls(day, start, start + timedelta(days=2))  # a day after the end of the day

    def read(self, value: Any, what: str, flags: list[str], fallback: datetime | None = None) -> datetime:
        """A time of the log; the batch's day where it cannot be, `fallback` or the day where there is none. Both are flagged."""
        if value is None:
            flags.append(f"{what} derived")
            return fallback or self.start
        if type(value) is not str:
            raise Refused(f"wrong type: {what}")
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            raise Refused(f"impossible time: {what}" if DATED.match(value) else f"wrong type: {what}") from None
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        if not FIRST_TIME <= time <= self.last:
            flags.append(f"{what} replaced")
            return self.start
        return time


def parents(messages: list[dict[str, Any]], conversation_id: str) -> tuple[list[str], list[str | None], list[list[str]]]:
    """Ids, parents and flags of a conversation's messages; raises Refused where they form no tree.

    Where no message names a parent the order is the chain. Where some do, null is a root and an absent parent_id the message before.
    """
    ids: list[str] = []
    above: list[str | None] = []
    flags: list[list[str]] = []
    occurrences: dict[str, int] = {}
    tree = any(m.get("parent_id") is not None for m in messages)
    for at, message in enumerate(messages):
        notes: list[str] = []
        parent = read_id(message.get("parent_id"), "parent_id")
        if parent is None and at and not (tree and "parent_id" in message):
            parent = ids[-1]
            notes.append("parent_id derived")
        own = read_id(message.get("message_id"), "message_id")
        if own is None:
            alike = (conversation_id, parent, message["role"], message.get("content"))
            twin = derived_id(*alike)
            own = derived_id(*alike, occurrences.get(twin, 0))
            occurrences[twin] = occurrences.get(twin, 0) + 1
            notes.append("message_id derived")
        ids.append(own)
        above.append(parent)
        flags.append(notes)
    if len(set(ids)) != len(ids):
        raise Refused("duplicate message id")
    if tree and not in_order(ids, above):
        _check_tree(dict(zip(ids, above, strict=True)))
    return ids, above, flags


def in_order(ids: Sequence[str], above: Sequence[str | None]) -> bool:
    """Whether every parent stands before its children, as nearly always: then there is nothing to search."""
    before: set[str | None] = {None}
    for own, parent in zip(ids, above, strict=True):
        if parent not in before:
            return False
        before.add(own)
    return True


def _check_tree(parent_of: dict[str, str | None]) -> None:
    rooted: set[str | None] = {None}
    for start in parent_of:
        path: list[str] = []
        here: str | None = start
        seen: set[str] = set()
        while here not in rooted:
            assert here is not None
            if here in seen:
                raise Refused("parent cycle")
            if here not in parent_of:
                raise Refused("missing parent")
            seen.add(here)
            path.append(here)
            here = parent_of[here]
        rooted.update(path)
