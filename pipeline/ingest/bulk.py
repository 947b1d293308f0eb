"""Plainly good lines of one chunk, understood: their metadata and events are read strictly, and who is doubtful is left out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.ingest import strict
from pipeline.ingest.derive import Clock
from pipeline.ingest.events import Event, event
from pipeline.ingest.plain import Columns
from pipeline.ingest.quarantine import Refused

DEEPEST = 32  # brackets in a metadata or feedback text; more is for the slow reader to judge
NULL = (None, "null")


@dataclass
class Plain:
    """Conversations of one chunk that need no second look. All lists run along `columns.at`."""

    columns: Columns
    ids: list[str]
    metadata: list[dict[str, Any] | None]
    events: dict[int, list[Event]]

    @classmethod
    def of(cls, columns: Columns, clock: Clock) -> "Plain":
        """Read metadata and events, which are as various as people; what is refused there goes to the slow reader."""
        made = cls(columns, columns.header["conversation_id"].to_pylist(), _texts(columns, "metadata"), {})
        cache: dict[str, dict[str, Any]] = {}
        for i, text in enumerate(made.metadata):
            if text is not None:
                made.metadata[i] = made._read(i, _metadata, text, cache)
        for i, text in enumerate(_texts(columns, "feedback")):
            if text not in (None, "[]") and not columns.bad[i]:
                found = made._read(i, _events, text, clock)
                if found:
                    made.events[i] = found
        return made

    def _read(self, i: int, read: Callable[..., Any], *what: Any) -> Any:
        try:
            return read(*what)
        except Refused:
            self.columns.bad[i] = True
            return None

    def leave(self, ids: set[str]) -> None:
        """Leave these conversations, and every one that stands twice in the chunk, to the slow reader."""
        seen: dict[str, int] = {}
        for i, id in enumerate(self.ids):
            if id in ids or id in seen:
                self.columns.bad[i] = True
                self.columns.bad[seen.get(id, i)] = True
            seen.setdefault(id, i)

    def taken(self) -> list[int]:
        """Places in the chunk of the lines that are read here."""
        return self.columns.at[~self.columns.bad].tolist()


def _texts(columns: Columns, name: str) -> list[Any]:
    """A JSON column as texts, None where it says nothing."""
    if name not in columns.header:
        return [None] * len(columns.at)
    return [None if text in NULL else text for text in columns.header[name].to_pylist()]


def _metadata(text: str, cache: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if text not in cache:
        if text.count("{") + text.count("[") > DEEPEST:
            raise Refused("deep")
        cache[text] = strict.parse(text.encode())
    return cache[text]


def _events(text: str, clock: Clock) -> list[Event]:
    if text.count("{") + text.count("[") > DEEPEST:
        raise Refused("deep")
    taken: dict[str, str] = {}
    listed = strict.parse(b'{"feedback":%b}' % text.encode())["feedback"]
    if type(listed) is not list:
        raise Refused("wrong type: feedback")
    return [event(one, clock, taken) for one in listed]
