"""A candidate: what one or more signals would teach, before splits, duplicates and caps have had their say."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from pipeline import chat
from pipeline.mine import answers
from pipeline.mine.contexts import Context, Message, Talk
from pipeline.mine.explicit import LONGEST_QUOTE, Signal
from pipeline.mine.marks import Mark

RULES = {
    "edit": "edited over shown",
    "choose": "picked over passed by",
    "regenerate": "kept over thrown away",
    "thumb": "liked over disliked",
    "complaint": "rewritten over complained of",
}


@dataclass(frozen=True, eq=False)
class Candidate:
    """One row to be. kind sft has an answer; dpo an answer and a rejected one; kto an answer and a label."""

    kind: str
    source: str
    mark: Mark
    """The mark that it starts from: its task, its conversation, its context."""
    message_ids: tuple[str, ...]
    signals: tuple[Signal, ...]
    weight: float
    answer: Message
    rejected: Message | None = None
    label: bool | None = None
    more: tuple[tuple[str, Any], ...] = ()
    """Further facts for the evidence."""
    since: date | None = None
    """Day of a message that proves the row, where no signal does."""

    @property
    def task(self) -> str:
        return self.mark.task

    @property
    def talk(self) -> Talk:
        return self.mark.talk

    @property
    def context(self) -> Context:
        return self.mark.context

    @property
    def speaker(self) -> Signal:
        """Whose row it is."""
        return self.signals[0]

    @property
    def day(self) -> date:
        return max([s.day for s in self.signals] + ([self.since] if self.since else []))

    @property
    def order(self) -> tuple:
        """First said, first kept."""
        return (self.speaker.order, self.kind, self.example_id)

    @cached_property
    def example_id(self) -> str:
        """Names the row by what was said about what: the same in every run."""
        parts = [self.kind, self.source, self.talk.conversation_id, self.message_ids, sorted(s.event_id for s in self.signals), self.label]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]

    @cached_property
    def content(self) -> tuple:
        """What makes two rows the same."""
        said = [chat.key([m]) for m in (self.answer, self.rejected) if m is not None]
        return (self.kind, self.label, chat.key(list(self.prompt)), *said)

    @cached_property
    def prompt(self) -> list[Message]:
        """The context, with the card's system text where the log has none."""
        system = self.mark.card.system if self.mark.card else None
        if not system or any(m["role"] == "system" for m in self.context.messages):
            return self.context.messages
        return [plain("system", system), *self.context.messages]

    @cached_property
    def evidence(self) -> str:
        """The proof of the row as JSON: what was said, by which rule it became a row, and what to look at twice."""
        facts: dict[str, Any] = {
            "rule": RULES.get(self.source, self.source) if self.kind == "dpo" else self.source,
            "events": [s.event_id for s in self.signals],
            "flags": answers.flags(self.answer.get("content") or "") + (["derived"] if any(s.derived for s in self.signals) else []),
        }
        said = [s.text[:LONGEST_QUOTE] for s in self.signals if s.text and s.kind not in ("edit",)]
        reasons = sorted({r for s in self.signals for r in s.reasons})
        values = sorted({s.value for s in self.signals if s.value and s.kind == "report"})
        found = {"said": said, "reasons": reasons + values} | dict(self.more)
        return json.dumps(facts | {k: v for k, v in found.items() if v}, ensure_ascii=False, sort_keys=True)

    def row(self) -> dict[str, Any]:
        """The columns that every row has."""
        return {
            "example_id": self.example_id,
            "task": self.task,
            "source": self.source,
            "conversation_id": self.talk.conversation_id,
            "message_ids": list(self.message_ids),
            "user_hash": self.speaker.user_hash,
            "day": self.day,
            "weight": round(self.weight, 4),
            "evidence": self.evidence,
        }


def plain(role: str, content: str) -> Message:
    """A message that no log holds."""
    return {"role": role, "content": content, "name": None, "tool_call_id": None, "tool_calls": None}
