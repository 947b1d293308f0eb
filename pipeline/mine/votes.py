"""Votes: where words about one answer contradict each other, the side with enough more voices is believed, or none."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from pipeline.mine.explicit import STRENGTH
from pipeline.mine.marks import Drop, Mark

VOTES = ("thumb", "rating", "report")
"""Kinds that judge one answer by itself."""

PRAISE = ("thumb", "rating", "copy")
"""Kinds that may praise an answer by a click."""

T = TypeVar("T")


def against(marks: list[Mark], words: frozenset[tuple[str, str, str]]) -> tuple[list[Mark], list[Drop]]:
    """Praise by a click is not believed where the same voice complains of the answer in its next words: words cost more than a click.

    words: (conversation, message, voice) of answers that were complained of or corrected.
    """
    taken_back = {m: None for m in marks if m.signal.kind in PRAISE and m.polarity > 0 and (*m.place, m.signal.voice) in words}
    return [m for m in marks if m not in taken_back], [Drop("words_against", m) for m in taken_back]


def own(marks: list[Mark], edited: set[tuple[str, str, str]]) -> tuple[list[Mark], list[Drop]]:
    """One voice, one word on an answer: an edit says more than a report, that more than a thumb or a rating.

    edited: (conversation, message, voice) of edits that count.
    """
    kept, dropped = [], []
    for place, group in _groups(marks, lambda m: (*m.place, m.signal.voice)).items():
        votes = [m for m in group if m.signal.kind in VOTES]
        kept += [m for m in group if m.signal.kind not in VOTES]
        word = -1 if place in edited else _word(votes)
        agreeing = [m for m in votes if m.polarity == word]
        speaks = None if place in edited else max(agreeing, key=_loudness, default=None)
        kept += [m for m in agreeing if m is speaks]
        dropped += [Drop("stronger_act" if m.polarity == word else "own_conflict", m) for m in votes if m is not speaks]
    return kept, dropped


def _loudness(m: Mark) -> tuple:
    return (STRENGTH[m.signal.kind], m.signal.order)


def _word(votes: list[Mark]) -> int:
    """What one voice says of one answer by its strongest acts; 0 where these contradict each other."""
    most = max((STRENGTH[m.signal.kind] for m in votes), default=0.0)
    sides = {m.polarity for m in votes if STRENGTH[m.signal.kind] == most}
    return sides.pop() if len(sides) == 1 else 0


def across(marks: list[Mark], edits: list[Mark], least: float) -> tuple[list[Mark], list[Mark], list[Drop]]:
    """Several users on one answer: votes, and edits of tasks with one right answer (there an edit says `wrong`).

    Returns the votes and the edits that stand.
    """
    dropped: list[Drop] = []
    votes = [m for m in marks if m.signal.kind in VOTES]
    out: set[tuple[str, str]] = set()
    for group in _groups([*votes, *edits], lambda m: m.answer).values():
        lost = contested(group, lambda m: m.polarity, least)
        dropped += [Drop(reason, m) for m, reason in lost]
        out |= {m.signal.event for m, _ in lost}
    return [m for m in marks if m.signal.event not in out], [m for m in edits if m.signal.event not in out], dropped


def rivals(edits: list[Mark], least: float) -> tuple[list[Mark], list[Drop]]:
    """Edits of one prompt that has one right answer: different texts contradict one another."""
    kept: list[Mark] = []
    dropped: list[Drop] = []
    for group in _groups(edits, lambda m: m.context.key).values():
        lost = {m.signal.event: (m, reason) for m, reason in contested(group, lambda m: (m.signal.text or "").strip(), least)}
        kept += [m for m in group if m.signal.event not in lost]
        dropped += [Drop(reason, m) for m, reason in lost.values()]
    return kept, dropped


def contested(group: list[T], side: Callable[[T], Hashable], least: float, voice: Callable[[T], str] | None = None) -> list[tuple[T, str]]:
    """Whoever loses where a group takes different sides: (member, reason). A voice counts once a side; nobody loses alone."""
    speaks = voice or (lambda m: m.signal.voice)  # type: ignore[attr-defined]
    voices: dict[Hashable, set[str]] = defaultdict(set)
    for m in group:
        voices[side(m)].add(speaks(m))
    if len(voices) < 2:
        return []
    ranked = sorted(voices, key=lambda s: (-len(voices[s]), str(s)))
    net = len(voices[ranked[0]]) - sum(len(voices[s]) for s in ranked[1:])
    if net < least:
        return [(m, "conflict") for m in group]
    return [(m, "outvoted") for m in group if side(m) != ranked[0]]


def _groups(marks: Iterable[Mark], by: Callable[[Mark], tuple | str]) -> dict:
    found: dict = defaultdict(list)
    for m in marks:
        found[by(m)].append(m)
    return found
