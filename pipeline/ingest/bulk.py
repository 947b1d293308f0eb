"""Plainly good lines of one chunk, understood: their events are read one by one, and who is doubtful is left out."""

from dataclasses import dataclass
from typing import Any

from pipeline.ingest.derive import Clock
from pipeline.ingest.events import Event, event
from pipeline.ingest.plain import Columns
from pipeline.ingest.quarantine import Refused


@dataclass
class Plain:
    """Conversations of one chunk that need no second look. All lists run along `columns.at`."""

    columns: Columns
    ids: list[str]
    metadata: list[dict[str, Any] | None]
    events: dict[int, list[Event]]

    @classmethod
    def of(cls, columns: Columns, clock: Clock) -> "Plain":
        """Read events, which are as various as people; what is refused there goes to the slow reader."""
        made = cls(columns, columns.header["conversation_id"], columns.header["metadata"], {})
        for i, listed in enumerate(columns.header["feedback"]):
            if listed and not columns.bad[i]:
                taken: dict[str, str] = {}
                try:
                    made.events[i] = [event(one, clock, taken) for one in listed]
                except Refused:
                    columns.bad[i] = True
        return made

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
