"""The native log: one conversation, or one late event, an object."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.ingest.derive import Clock, parents, read_id
from pipeline.ingest.events import Event, digest, event
from pipeline.ingest.quarantine import Refused

ROLES = ("system", "user", "assistant", "tool")
HEADER = ("user_id", "app", "model", "started_at", "locale", "consent", "metadata")
MESSAGE = ("role", "content", "tool_calls", "tool_call_id", "name", "model", "created_at")
PAYLOAD_CHARS = 1024  # a longer word in a part that is no text is a file, not a name: kept by reference


@dataclass(slots=True)
class Message:
    message_id: str
    parent_id: str | None
    position: int
    role: str
    content: str | None
    parts: list[Any] | None
    tool_calls: list[Any] | None
    tool_call_id: str | None
    name: str | None
    model: str | None
    created_at: datetime
    flags: list[str]
    digest: str


@dataclass(slots=True)
class Conversation:
    """A valid line, its texts as they were written. consent False: everything but the ids is left unread."""

    conversation_id: str
    user_id: str | None
    consent: bool
    app: str | None = None
    model: str | None = None
    locale: str | None = None
    started_at: datetime | None = None
    metadata: dict[str, Any] | None = None
    messages: list[Message] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    refused: list[tuple[Any, str | None, Refused]] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    digest: str = ""


@dataclass(slots=True)
class Late:
    """An event that came without its conversation."""

    conversation_id: str
    event: Event


def read(raw: dict[str, Any], clock: Clock, consent_default: bool) -> Conversation | Late:
    """One object of a native log; raises Refused."""
    conversation_id = read_id(raw.get("conversation_id"), "conversation_id")
    if conversation_id is None:
        raise Refused("missing key: conversation_id")
    late = "kind" in raw and "messages" not in raw
    consent = raw.get("consent", True if late else consent_default)
    if type(consent) is not bool:
        raise Refused("consent is not a boolean")
    if not consent:
        return _tombstone(raw, conversation_id, clock)
    if late:
        return Late(conversation_id, event(raw, clock, {}))
    return _conversation(raw, conversation_id, clock)


def _tombstone(raw: dict[str, Any], conversation_id: str, clock: Clock) -> Conversation:
    """Only ids are read, so that no fault elsewhere in the line keeps a refusal of consent from being heard."""
    found = Conversation(conversation_id, _quiet_id(raw.get("user_id")), consent=False, digest="tombstone")
    listed = raw.get("feedback")
    taken: dict[str, str] = {}
    for one in listed if type(listed) is list else []:
        try:
            found.events.append(event(one, clock, taken))
        except Refused as refused:
            found.refused.append((None, None, refused))
    return found


def _quiet_id(value: Any) -> str | None:
    try:
        return read_id(value, "user_id")
    except Refused:
        return None


def _conversation(raw: dict[str, Any], conversation_id: str, clock: Clock) -> Conversation:
    metadata = raw.get("metadata")
    if metadata is not None and type(metadata) is not dict:
        raise Refused("wrong type: metadata")
    flags: list[str] = [] if "consent" in raw else ["consent default"]
    found = Conversation(
        conversation_id,
        read_id(raw.get("user_id"), "user_id"),
        True,
        _words(raw, "app"),
        _words(raw, "model"),
        _words(raw, "locale"),
        clock.read(raw.get("started_at"), "started_at", flags),
        metadata,
        flags=flags,
        digest=digest([raw.get(name) for name in HEADER]),
    )
    found.messages = _messages(raw, conversation_id, clock, None if "started_at derived" in flags else found.started_at)
    if "started_at derived" in flags and "created_at derived" not in found.messages[0].flags:
        found.started_at = found.messages[0].created_at
    listed = raw.get("feedback")
    if listed is not None and type(listed) is not list:
        raise Refused("wrong type: feedback")
    taken: dict[str, str] = {}
    for one in listed or []:
        try:
            found.events.append(event(one, clock, taken))
        except Refused as refused:
            own = one.get("event_id") if type(one) is dict else None
            found.refused.append((one, own if type(own) is str else None, refused))
    return found


def _messages(raw: dict[str, Any], conversation_id: str, clock: Clock, started: datetime | None) -> list[Message]:
    listed = raw.get("messages")
    if listed is None:
        raise Refused("missing key: messages" if "messages" not in raw else "wrong type: messages")
    if type(listed) is not list:
        raise Refused("wrong type: messages")
    if not listed:
        raise Refused("no messages")
    for one in listed:
        if type(one) is not dict:
            raise Refused("wrong type: messages")
        if one.get("role") not in ROLES:
            raise Refused(
                "missing key: role" if one.get("role") is None else "unknown role" if type(one["role"]) is str else "wrong type: role"
            )
    ids, above, flags = parents(listed, conversation_id)
    for one, notes in zip(listed, flags, strict=True):  # an importer of a tree must give ids, and says that it made them
        if one.get("derived") == ["message_id"]:
            notes.append("message_id derived")
    found = []
    for at, one in enumerate(listed):
        content, parts = _content(one)
        found.append(
            Message(
                ids[at],
                above[at],
                at,
                one["role"],
                content,
                parts,
                one.get("tool_calls") or None,
                read_id(one.get("tool_call_id"), "tool_call_id"),
                _words(one, "name"),
                _words(one, "model"),
                clock.read(one.get("created_at"), "created_at", flags[at], started),
                flags[at],
                # a parent that follows from the order is not said by the log: a shorter export must not seem to change it
                digest([None if "parent_id derived" in flags[at] else above[at], *(one.get(name) for name in MESSAGE)]),
            )
        )
    return found


def _content(message: dict[str, Any]) -> tuple[str | None, list[Any] | None]:
    """The text of a message and, where it is made of typed parts, the parts with other things than text by reference."""
    calls, content = message.get("tool_calls"), message.get("content")
    if calls is not None:
        _check_calls(calls)
    if type(content) is str:
        return content, None
    if content is None:
        if not calls:
            raise Refused("missing key: content")
        return None, None
    if type(content) is not list or not all(type(p) is dict and type(p.get("type")) is str for p in content):
        raise Refused("wrong type: content")
    texts = [p["text"] for p in content if "text" in p]
    if not all(type(t) is str for t in texts):
        raise Refused("wrong type: content")
    return "\n".join(texts), [p if "text" in p else _reference(p) for p in content]


def _check_calls(calls: Any) -> None:
    if type(calls) is not list:
        raise Refused("wrong type: tool_calls")
    for call in calls:
        function = call.get("function") if type(call) is dict else None
        if type(function) is not dict or type(function.get("name")) is not str:
            raise Refused("wrong type: tool_calls")


def _reference(value: Any) -> Any:
    """A picture or a sound is named by its sum and stays where it is."""
    if type(value) is dict:
        return {k: _reference(v) for k, v in value.items()}
    if type(value) is list:
        return [_reference(v) for v in value]
    if type(value) is str and (value.startswith("data:") or (len(value) > PAYLOAD_CHARS and " " not in value)):
        return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"
    return value


def _words(raw: dict[str, Any], name: str) -> str | None:
    value = raw.get(name)
    if value is not None and type(value) is not str:
        raise Refused(f"wrong type: {name}")
    return value
