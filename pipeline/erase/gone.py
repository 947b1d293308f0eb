"""Who and what is gone: asked row by row with ids as the lake and the sealed folders hold them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pipeline import people
from pipeline.erase.journal import Marks
from pipeline.erase.words import Words
from pipeline.settings import Settings

Row = dict[str, Any]


@dataclass
class Gone:
    """Everything that this erasure and earlier ones took out, known by marks alone, and the words it left in other places."""

    settings: Settings
    marks: Marks
    conversations: set[str] = field(default_factory=set)
    """Those that the lake still names."""
    buried: set[str] = field(default_factory=set)
    """Of these the tombstones that stay: their texts alone go."""
    users: set[str] = field(default_factory=set)
    events: set[tuple[str, str]] = field(default_factory=set)
    """(conversation id, event id) of everything that the gone said, or that was said to them."""
    refused: set[tuple[str, int]] = field(default_factory=set)
    """(sha256 of the file, line) of lines that were refused whole and go."""
    texts: set[str] = field(default_factory=set)
    examples: set[str] = field(default_factory=set)
    """Ids of training rows that go."""
    answers: set[tuple[str, str]] = field(default_factory=set)
    """(conversation id, right answer) of held-out rows that go."""
    items: set[tuple[str, str]] = field(default_factory=set)
    """(benchmark, doc_hash) of answered items that go."""
    raw: set[str] = field(default_factory=set)
    """User ids as the operator typed them; kept in no file."""
    tasks: set[str] = field(default_factory=set)
    """Tasks that lose held-out rows: what models answered to those is remembered by task."""
    _known: dict[tuple[str, str], bool] = field(default_factory=dict)

    def _marked(self, what: str, value: str) -> bool:
        found = self._known.get((what, value))
        if found is None:
            found = self._known[what, value] = (what, people.mark(self.settings, what, value)) in self.marks
        return found

    def user(self, user_hash: str | None) -> bool:
        return user_hash is not None and self._marked(people.USER, user_hash)

    def erased(self, conversation_id: str) -> bool:
        return self._marked(people.CONVERSATION, conversation_id)

    def conversation(self, conversation_id: str | None) -> bool:
        """Erased whole, or a tombstone."""
        return conversation_id is not None and (self.erased(conversation_id) or self._marked(people.WITHDRAWN, conversation_id))

    def row(self, row: Row) -> bool:
        """Whether a mined row, signal or dropped row goes: by its conversation, by who spoke, or because nobody is left who said it."""
        if self.conversation(row.get("conversation_id")) or self.user(row.get("user_hash")):
            return True
        evidence = parsed(row.get("evidence"))
        if self.user(evidence.get("user_hash")):
            return True
        events = evidence.get("events") or [e for e in [evidence.get("event_id")] if e]
        return bool(events) and all((row.get("conversation_id"), e) in self.events for e in events)

    def item(self, row: Row) -> bool:
        """Whether an answered item goes: held-out items carry their conversation as their cluster."""
        return self.conversation(row.get("cluster")) or (row.get("cluster"), row.get("target")) in self.answers

    @cached_property
    def event_ids(self) -> set[str]:
        return {event for _, event in self.events}

    @cached_property
    def words(self) -> Words:
        """To be asked for once everything was looked through."""
        names = self.raw | self.conversations | self.users | {e for _, e in self.events}
        return Words(self.texts, names)


def parsed(evidence: Any) -> Row:
    """Evidence is JSON text in a table and an object in a line."""
    try:
        found = json.loads(evidence) if isinstance(evidence, str) else evidence
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def texts_of(row: Row) -> Iterable[str]:
    """What people wrote and models answered in one row of any sealed table; the system text is the task's, not a person's."""
    for column in ("messages", "prompt", "chosen", "rejected", "completion"):
        for message in row.get(column) or [] if isinstance(row.get(column), list) else []:
            if message.get("role") != "system":
                yield from (t for t in (message.get("content"), message.get("tool_calls")) if t)
    yield from (row[c] for c in ("answer", "text", "target", "response") if isinstance(row.get(c), str) and row[c])
    if isinstance(row.get("prompt"), str):
        yield row["prompt"]
    said = parsed(row.get("evidence")).get("said")
    yield from [said] if isinstance(said, str) and said else [s for s in said or [] if isinstance(s, str)]
