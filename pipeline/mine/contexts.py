"""What an answer answers: the messages on the way from the root to it. Two answers are compared only where these are the same."""

import json
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Any

from pipeline import chat

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the log."""

    message_id: str
    parent_id: str | None
    position: int
    role: str
    content: str | None
    name: str | None
    tool_call_id: str | None
    tool_calls: str | None
    only_text: bool
    day: date
    at: int

    @property
    def message(self) -> Message:
        return {k: getattr(self, k) for k in ("role", "content", "name", "tool_call_id", "tool_calls")}

    @property
    def empty(self) -> bool:
        return not (self.content or "").strip() and not self.tool_calls

    @property
    def text(self) -> str:
        """What identifies the answer."""
        return (self.content or "").strip() if not self.tool_calls else f"{self.content or ''}\n{self.tool_calls}"


@dataclass(eq=False)
class Context:
    """The messages that lead to an answer, and what is wrong with them, if anything."""

    turns: list[Turn]
    fault: str | None

    @cached_property
    def messages(self) -> list[Message]:
        return [t.message for t in self.turns]

    @cached_property
    def key(self) -> str:
        return chat.key(self.messages)

    @cached_property
    def question(self) -> str:
        """The last user turn: what task cards look at."""
        return next((m["content"] or "" for m in reversed(self.messages) if m["role"] == "user"), "")

    @cached_property
    def asked(self) -> list[str]:
        """Every question on the way, each with what led to it, normalised; the last one is the row's prompt."""
        return [asked(self.messages[: i + 1]) for i, m in enumerate(self.messages) if m["role"] == "user"]


@dataclass(eq=False)
class Talk:
    """One conversation as a tree of turns."""

    conversation_id: str
    day: date
    owner: str | None
    app: str | None
    locale: str | None
    metadata: dict[str, Any]
    consent: bool
    turns: dict[str, Turn] = field(default_factory=dict)
    _contexts: dict[str | None, Context] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """What the held-out split draws: the user, or the conversation where the log names no user."""
        return self.owner or f"conversation:{self.conversation_id}"

    @property
    def hotfix(self) -> bool:
        """Whether a hotfix file brought it: somebody wrote the answer on purpose."""
        return self.app == "hotfix"

    def context(self, turn: Turn) -> Context:
        if turn.parent_id not in self._contexts:
            self._contexts[turn.parent_id] = self._walk(turn.parent_id)
        return self._contexts[turn.parent_id]

    def replies(self, turn: Turn) -> list[Turn]:
        return [t for t in self.turns.values() if t.parent_id == turn.message_id and t.role == "user"]

    def siblings(self, turn: Turn) -> list[Turn]:
        return [t for t in self.turns.values() if t.parent_id == turn.parent_id and t.role == "assistant" and t != turn]

    def _walk(self, last: str | None) -> Context:
        path: list[Turn] = []
        while last is not None:
            turn = self.turns.get(last)
            if turn is None or len(path) > len(self.turns):
                return Context(path, "broken_context")
            path.append(turn)
            last = turn.parent_id
        path.reverse()
        return Context(path, fault(path))


def fault(path: list[Turn]) -> str | None:
    """Why a context cannot be learnt from. Tool results may follow one another: one answer may call several tools."""
    if any(t.role == "assistant" and t.empty for t in path):
        return "empty_answer"
    if not all(t.only_text for t in path):
        return "other_parts_than_text"
    roles = [t.role for t in path] + ["assistant"]
    if any(a == b != "tool" for a, b in pairwise(roles)):
        return "two_turns_of_one_role"
    asks = path and path[-1].role in ("user", "tool") and any(t.role == "user" and not t.empty for t in path)
    return None if asks and not path[-1].empty else "no_question"


def talks(conversations: list[dict], messages: list[dict]) -> dict[str, Talk]:
    """The touched conversations by id."""
    found = {}
    for c in conversations:
        metadata = json.loads(c["metadata"] or "{}")
        head = (c["conversation_id"], c["day"], c["user_hash"], c["app"], c["locale"])
        found[c["conversation_id"]] = Talk(*head, metadata if isinstance(metadata, dict) else {}, bool(c["consent"]))
    for m in messages:
        said = {k: m[k] for k in ("message_id", "parent_id", "position", "role", "content", "name", "tool_call_id", "tool_calls", "day")}
        turn = Turn(**said, only_text=_only_text(m["parts"]), at=m["micros"] or 0)
        found[m["conversation_id"]].turns[turn.message_id] = turn
    return found


def _only_text(parts: str | None) -> bool:
    return not parts or all(isinstance(p, dict) and "text" in p for p in json.loads(parts))


def asked(messages: list[Message]) -> str:
    """A prompt as a reader sees it: case, spaces and the system text make no new question."""
    return "\n".join(f"{m['role']}:{' '.join(str(m['content'] or '').casefold().split())}" for m in messages if m["role"] != "system")
