"""What a line changes: compared with what the lake holds and with the lines before it, one after the other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipeline.ingest.events import Event
from pipeline.ingest.formats.native import Conversation, Late, Message
from pipeline.ingest.rows import CURRENT
from pipeline.ingest.scrub import Scrubber

STORED, UPDATED, UNCHANGED = "stored", "updated", "unchanged"


@dataclass(slots=True)
class Known:
    """What there is already of one conversation, in digests."""

    header: str | None = None
    """None: the conversation has not come, though events may wait for it."""
    consent: bool = True
    messages: dict[str, tuple[str, int]] = field(default_factory=dict)
    """message id: digest, position"""
    events: dict[str, set[str | None]] = field(default_factory=dict)
    """event id: digests of all its states; a state that was superseded does not come back by reading an old file again"""


@dataclass(slots=True)
class Place:
    """Where a line stands and what it will be stored under."""

    file_sha: str
    line: int
    arrived: int
    """of the line; its events arrive one by one after it"""
    day: date
    flags: list[str]


@dataclass
class Changes:
    """The rows of one chunk of lines. `new_` is inserted, `changed_` replaces what is there."""

    hashed: Callable[[str | None], str | None]
    suspects: set[str]
    """The texts of this chunk that could hold personal data."""
    new_conversations: dict[str, list[Any]] = field(default_factory=dict)
    changed_conversations: dict[str, list[Any]] = field(default_factory=dict)
    new_messages: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    changed_messages: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    feedback: list[list[Any]] = field(default_factory=list)
    superseded: set[tuple[str, str]] = field(default_factory=set)
    buried: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    """Digests of what was stored or updated, in order: they name the batch."""
    scrubbers: list[Scrubber] = field(default_factory=list)
    _last_state: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    def line(self, found: Conversation | Late, known: Known, place: Place) -> str:
        """Take in one line and say what it was: stored, updated or unchanged. `known` is kept up to date."""
        before = len(self.said)
        if isinstance(found, Late):
            is_new = found.event.event_id not in known.events
            self._events(found.conversation_id, [found.event], known, place, self._scrubber())
            outcome = STORED if is_new else UPDATED
        else:
            is_new = known.header is None
            if known.header is not None and not known.consent:
                self._events(found.conversation_id, found.events, known, place, self._scrubber())
            elif not found.consent:
                self._bury(found, known, place)
            else:
                self._conversation(found, known, place)
            outcome = STORED if is_new else UPDATED
        return outcome if len(self.said) > before else UNCHANGED

    def _scrubber(self, locale: str | None = None) -> Scrubber:
        """A scrubber whose counts are remembered."""
        self.scrubbers.append(Scrubber(self.suspects, locale))
        return self.scrubbers[-1]

    def _conversation(self, found: Conversation, known: Known, place: Place) -> None:
        fresh = [m for m in found.messages if known.messages.get(m.message_id, ("",))[0] != m.digest]
        unheard = any(e.digest not in known.events.get(e.event_id, ()) for e in found.events)
        if not fresh and not unheard and known.header == found.digest:
            return
        scrubber = self._scrubber(found.locale)
        grown = any(m.message_id not in known.messages for m in fresh)
        for message in found.messages:
            before = known.messages.get(message.message_id)
            row = _message_row(message, found.conversation_id, place, scrubber)  # all of them, so that numbers do not depend on what is new
            if before is None or before[0] != message.digest or (grown and before[1] != message.position):
                self._message(row, message, found.conversation_id, known)
        self._events(found.conversation_id, found.events, known, place, scrubber)
        self._header(_conversation_row(found, self.hashed(found.user_id), place, scrubber), known)

    def _header(self, row: list[Any], known: Known) -> None:
        conversation_id, digest = row[1], row[9]
        is_new = known.header is None or conversation_id in self.new_conversations
        (self.new_conversations if is_new else self.changed_conversations)[conversation_id] = row
        if known.header != digest:
            self.said.append(f"c {conversation_id} {digest}")
        known.header = digest

    def _message(self, row: list[Any], message: Message, conversation_id: str, known: Known) -> None:
        key = (conversation_id, message.message_id)
        is_new = message.message_id not in known.messages or key in self.new_messages
        (self.new_messages if is_new else self.changed_messages)[key] = row
        known.messages[message.message_id] = (message.digest, message.position)
        self.said.append(f"m {conversation_id} {message.message_id} {message.digest}")

    def _events(self, conversation_id: str, events: list[Event], known: Known, place: Place, scrubber: Scrubber) -> None:
        alive = known.consent
        for at, event in enumerate(events, 1):
            row = event_row(event, conversation_id, self.hashed(event.user_id), place, scrubber, at)
            states = known.events.setdefault(event.event_id, set())
            if event.digest in states or (states and not alive):
                continue
            key = (conversation_id, event.event_id)
            if key in self._last_state:
                self._last_state[key][CURRENT] = False
            elif states:
                self.superseded.add(key)
            row = row if alive else bare(row)
            states.add(event.digest if alive else None)
            self._last_state[key] = row
            self.feedback.append(row)
            self.said.append(f"f {conversation_id} {event.event_id} {event.digest if alive else ''}")

    def _bury(self, found: Conversation, known: Known, place: Place) -> None:
        """Keep ids only: no text of this conversation is written, and what was or would have been is taken back."""
        conversation_id = found.conversation_id
        known.consent = False
        known.messages.clear()
        self.buried.add(conversation_id)
        for rows in (self.new_messages, self.changed_messages):
            for key in [k for k in rows if k[0] == conversation_id]:
                del rows[key]
        for row in self.feedback:
            if row[1] == conversation_id:
                row[:] = bare(row)
        self._events(conversation_id, found.events, known, place, self._scrubber())
        self._header(_conversation_row(found, self.hashed(found.user_id), place, Scrubber()), known)


def _conversation_row(found: Conversation, user_hash: str | None, place: Place, scrubber: Scrubber) -> list[Any]:
    return [
        place.day,
        found.conversation_id,
        user_hash,
        found.app,
        found.model,
        found.locale,
        found.started_at,
        found.consent,
        scrubber.document(found.metadata),
        found.digest,
        place.file_sha,
        place.line,
        found.flags + place.flags,
        place.arrived,
    ]


def _message_row(message: Message, conversation_id: str, place: Place, scrubber: Scrubber) -> list[Any]:
    return [
        place.day,
        conversation_id,
        message.message_id,
        message.parent_id,
        message.position,
        message.role,
        scrubber.said(message.content),
        scrubber.document(message.parts),
        scrubber.calls(message.tool_calls),
        message.tool_call_id,
        scrubber.said(message.name),
        message.model,
        message.created_at,
        message.flags,
        message.digest,
    ]


def event_row(event: Event, conversation_id: str, user_hash: str | None, place: Place, scrubber: Scrubber, at: int) -> list[Any]:
    return [
        place.day,
        conversation_id,
        event.event_id,
        event.message_id,
        user_hash,
        event.kind,
        event.value if event.value is None or event.kind == "rating" else scrubber.text(event.value),
        event.max,
        scrubber.said(event.text),
        event.reasons and [scrubber.text(r) for r in event.reasons],
        event.over,
        event.span,
        event.source,
        event.derived,
        event.created_at,
        place.arrived + at,
        True,
        event.digest,
        event.flags,
    ]


def bare(row: list[Any]) -> list[Any]:
    """An event of a tombstone: its ids, its kind and its time, and nothing that anybody said."""
    value, limit, text, reasons, span, digest = 6, 7, 8, 9, 11, 17
    return [None if i in (value, limit, text, reasons, span, digest) else cell for i, cell in enumerate(row)]
