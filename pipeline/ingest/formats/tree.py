"""One conversation out of many calls: a tree of messages in which a common beginning is there once."""

import hashlib
import json
from collections import Counter
from collections.abc import Set
from typing import Any

from pipeline.ingest.derive import derived_id
from pipeline.ingest.formats.base import Facts, Record


class Tree:
    """Messages with the ids that ingest would derive for them, so that the same history gives the same ids in any batch."""

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.calls: dict[str, str | None] = {}
        """key of a call or trace: its last answer; kept with the conversation, for feedback that comes later"""
        self._messages: list[dict[str, Any]] = []
        self._below: dict[tuple[str | None, bytes], list[str]] = {}
        self._by_id: dict[str, dict[str, Any]] = {}
        self._twins: Counter[str] = Counter()
        self._feedback: list[dict[str, Any]] = []
        self._records: list[Record] = []
        self._dropped: Counter[str] = Counter()
        self._header: dict[str, str] = {}

    def add(
        self, heard: list[dict[str, Any]], said: list[dict[str, Any]], began: str | None, answered: str | None, model: str | None
    ) -> list[str]:
        """Lay one call over what is known; returns the ids of its answers.

        Only what was new to the model is dated by this call: the messages after the last answer in what it heard.
        """
        at: str | None = None
        fresh = max((n + 1 for n, m in enumerate(heard) if m["role"] == "assistant"), default=0)
        for n, message in enumerate(heard):
            at = self._place(at, message, 0, {"created_at": began} if n >= fresh else {})
        ids: list[str] = []
        alike: Counter[bytes] = Counter()
        for message in said:
            mark = fingerprint(message)
            ids.append(self._place(at, message, alike[mark], {"created_at": answered, "model": model}))
            alike[mark] += 1
        return ids

    def say(self, user: str | None, app: str | None, model: str | None, began: str | None, dropped: Counter[str], record: Record) -> None:
        """What a call says about the conversation as a whole; the first to say something is believed."""
        for name, value in (("user_id", user), ("app", app), ("model", model), ("started_at", began)):
            if value is not None:
                self._header.setdefault(name, value)
        self._dropped += dropped
        self._records.append(record)

    def hear(self, event: dict[str, Any], record: Record) -> None:
        self._feedback.append(event)
        self._records.append(record)

    def remember(self, facts: Facts) -> None:
        """Take over what earlier batches know: a history that comes again does not say its times, and must not unsay them."""
        self._header |= {k: v for k, v in facts.header.items() if k != "started_at" or v <= self._header.get(k, v)}
        for message in self._messages:
            known = facts.messages.get(message["message_id"], {})
            message |= {k: v for k, v in known.items() if k != "created_at" or v <= message.get(k, v)}  # the earliest time is believed
        calls = facts.metadata.get("calls")
        if isinstance(calls, dict):
            self.calls = calls | self.calls
        dropped = facts.metadata.get("dropped_parts")
        if isinstance(dropped, dict):
            self._dropped |= Counter({k: v for k, v in dropped.items() if isinstance(v, int)})

    def place(self, seen: Set[str]) -> Record:
        """The record that the conversation stands under: the first of a file that was not read before, for the others say nothing new."""
        return next((r for r in self._records if r.file.sha not in seen), self._records[0])

    def native(self) -> dict[str, Any]:
        """The conversation as a line of the native log."""
        metadata: dict[str, Any] = {"calls": self.calls} | ({"dropped_parts": dict(self._dropped)} if self._dropped else {})
        return {
            "conversation_id": self.conversation,
            **self._header,
            "metadata": metadata,
            "messages": self._messages,
            "feedback": sorted(self._feedback, key=lambda e: e.get("created_at") or ""),
        }

    def _place(self, parent: str | None, message: dict[str, Any], nth: int, facts: dict[str, str | None]) -> str:
        """The id of this message below its parent: the nth equal one that is there, or a new one."""
        alike = self._below.setdefault((parent, fingerprint(message)), [])
        if nth >= len(alike):
            alike.append(self._grow(parent, message))
        known = self._by_id[alike[nth]]
        for name, value in facts.items():
            if value is not None:
                known.setdefault(name, value)
        return alike[nth]

    def _grow(self, parent: str | None, message: dict[str, Any]) -> str:
        parts = (self.conversation, parent, message["role"], message["content"])
        twin = derived_id(*parts)
        id = derived_id(*parts, self._twins[twin])
        self._twins[twin] += 1
        self._messages.append({"message_id": id, "parent_id": parent, **message, "derived": ["message_id"]})
        self._by_id[id] = self._messages[-1]
        return id


def fingerprint(message: dict[str, Any]) -> bytes:
    """Equal for messages that are the same to a reader: ids of tool calls and the spelling of their arguments do not count."""
    calls = [(c["function"]["name"], _plain(c["function"]["arguments"])) for c in message.get("tool_calls", ())]
    said = json.dumps([message["role"], message["content"], calls], sort_keys=True)
    return hashlib.blake2b(said.encode(), digest_size=16).digest()


def _plain(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
