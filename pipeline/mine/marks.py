"""Marks: signals set on the answers that they are about. What cannot be set on an answer of a sound context is left out here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from pipeline.mine import explicit
from pipeline.mine.cards import Desk
from pipeline.mine.contexts import Context, Talk, Turn
from pipeline.mine.explicit import Signal
from pipeline.recipe import Task


@dataclass(frozen=True, eq=False)
class Mark:
    """A user's word on one answer, with the task it belongs to."""

    signal: Signal
    talk: Talk
    turn: Turn
    context: Context
    task: str
    card: Task | None
    """Null for the task `other`."""

    @property
    def one_answer(self) -> bool:
        """Whether a prompt of the task has one right answer, so that two different edits contradict each other."""
        return self.card is not None and self.card.answer.format != "free"

    @cached_property
    def polarity(self) -> int:
        return explicit.reading(self.signal)[0]

    @property
    def place(self) -> tuple[str, str]:
        """The answer in its conversation."""
        return (self.talk.conversation_id, self.turn.message_id)

    @cached_property
    def answer(self) -> tuple[str, str]:
        """The answer wherever it was given: equal text to an equal context."""
        return (self.context.key, self.turn.text)


@dataclass(frozen=True, eq=False)
class Drop:
    """Something that is not kept, and why."""

    reason: str
    of: Any
    """A Signal, a Mark or a Candidate."""
    kind: str = "signal"
    """signal, or the kind of row that it would have been."""
    like: str = ""
    """The row or item that it repeats, where that is the reason."""

    @property
    def day(self) -> date:
        return self.of.signal.day if isinstance(self.of, Mark) else self.of.day


def placed(signals: Iterable[Signal], talks: Mapping[str, Talk], desk: Desk) -> tuple[list[Mark], list[Drop]]:
    """Set every signal on its answer, or say why it cannot be."""
    marks, dropped = [], []
    for s in signals:
        found = _placed(s, talks[s.conversation_id], desk)
        if isinstance(found, Mark):
            marks.append(found)
        else:
            dropped.append(Drop(found, s))
    return marks, dropped


def _placed(s: Signal, talk: Talk, desk: Desk) -> Mark | str:
    reason = _unheard(s, talk) or explicit.reading(s)[1] or _unnamed(s, talk)
    if reason:
        return reason
    turn = talk.turns[s.message_id or ""]
    context = talk.context(turn)
    reason = _unsound(turn, context)
    if reason:
        return reason
    task, reason = desk.task(talk, context)
    return reason or Mark(s, talk, turn, context, task, desk.cards.get(task))


def _unheard(s: Signal, talk: Talk) -> str | None:
    if not talk.consent:
        return "no_consent"
    if s.source != "human":
        return "automatic"
    return None if s.stands else "superseded"


def _unnamed(s: Signal, talk: Talk) -> str | None:
    """A part of an answer is not the answer: praise for one sentence says nothing of the rest."""
    if s.message_id is None:
        return "about_conversation"
    if s.message_id not in talk.turns:
        return "unknown_message"
    if talk.turns[s.message_id].role != "assistant":
        return "not_an_answer"
    return "about_a_part" if s.span else None


def _unsound(turn: Turn, context: Context) -> str | None:
    if context.fault:
        return context.fault
    if turn.empty:
        return "empty_answer"
    return None if turn.only_text else "other_parts_than_text"
