"""Picks: a user saw answers side by side and chose; a ranking is several picks."""

from collections import defaultdict
from dataclasses import dataclass

from pipeline.mine import answers
from pipeline.mine.candidates import Candidate
from pipeline.mine.contexts import Turn
from pipeline.mine.explicit import STRENGTH
from pipeline.mine.marks import Drop, Mark
from pipeline.mine.votes import contested


@dataclass(frozen=True)
class Ballot:
    """One winner over one loser, by one user."""

    mark: Mark
    loser: Turn

    @property
    def question(self) -> tuple[str, frozenset[str]]:
        """What was voted on: two texts, side by side, in one context."""
        return (self.mark.context.key, frozenset((self.mark.turn.text, self.loser.text)))


def rows(marks: list[Mark], reported: set[tuple[str, str]], least: float) -> tuple[list[Candidate], list[Drop]]:
    """One pair for each question that its voters agree on enough. reported: answers that a user reported."""
    ballots, dropped = cast(marks)
    questions: dict[tuple, list[Ballot]] = defaultdict(list)
    for b in ballots:
        questions[b.question].append(b)
    made = []
    for group in questions.values():
        lost = contested(group, lambda b: b.mark.turn.text, least, voice=lambda b: b.mark.signal.voice)
        dropped += [Drop(reason, b.mark, "dpo") for b, reason in lost]
        out = {id(b) for b, _ in lost}
        standing = [b for b in group if id(b) not in out]
        if standing and standing[0].mark.answer in reported:
            dropped += [Drop("reported_answer", b.mark, "dpo") for b in standing]
        elif standing:
            made.append(_pair(standing, len(out)))
    return made, dropped


def cast(marks: list[Mark]) -> tuple[list[Ballot], list[Drop]]:
    """A pick as one ballot for each answer passed by."""
    ballots, dropped = [], []
    for m in marks:
        for other in dict.fromkeys(m.signal.over):
            loser = m.talk.turns.get(other)
            reason = _unfit(m, loser)
            if reason or loser is None:
                dropped.append(Drop(reason or "unknown_message", m, "dpo"))
            else:
                ballots.append(Ballot(m, loser))
        if not m.signal.over:
            dropped.append(Drop("unknown_message", m, "dpo"))
    return ballots, dropped


def _unfit(m: Mark, loser: Turn | None) -> str | None:
    if loser is None:
        return "unknown_message"
    if loser.role != "assistant":
        return "not_an_answer"
    if loser.empty:
        return "empty_answer"
    if not loser.only_text:
        return "other_parts_than_text"
    if m.talk.context(loser).key != m.context.key:
        return "not_the_same_context"
    return "equal_answers" if loser.text == m.turn.text else None


def _pair(standing: list[Ballot], against: int) -> Candidate:
    """The newest day's first voter speaks for all who agree."""
    newest = max(b.mark.signal.day for b in standing)
    first = min(standing, key=lambda b: (b.mark.signal.day != newest, b.mark.signal.order))
    m = first.mark
    others = sorted({b.mark.signal for b in standing} - {m.signal}, key=lambda s: s.order)
    return Candidate(
        "dpo",
        "choose",
        m,
        (m.turn.message_id, first.loser.message_id),
        (m.signal, *others),
        STRENGTH["choose"],
        answers.said(m.turn.message, m.card),
        rejected=first.loser.message,
        more=(("votes", {"for": len(standing), "against": against}),),
    )
