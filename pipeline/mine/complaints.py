"""Complaints that a judge may look at: what users said against an answer in their next words, set on that answer."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.mine.candidates import Candidate, plain
from pipeline.mine.cards import Desk
from pipeline.mine.contexts import Talk
from pipeline.mine.edits import ratio
from pipeline.mine.explicit import Signal
from pipeline.mine.implicit import Heard
from pipeline.mine.judge_fence import shown
from pipeline.mine.judge_guard import steering
from pipeline.mine.judge_prompts import AGAINST
from pipeline.mine.judge_questions import Exchange
from pipeline.mine.marks import Drop, Mark, placed
from pipeline.mine.splits import drawn
from pipeline.recipe import Judging, Mining

SOURCE = "complaint"
FAULTED = ("correction", "complaint")
"""Classes that say by themselves that the answer was bad; the others only want more."""
FOR_PEOPLE = ("fact_conflict", "unverified_fact", "speaks_to_the_judge")
"""What is never trained on and waits for the audit, as a rule of its own."""
PAIR_WEIGHT = 0.6  # a verified rewrite is right less often than an edit by the user's own hand [judgement, until audited]
SFT_WEIGHT = 0.4
KTO_WEIGHT = 0.3  # a complaint without a better answer: users are wrong, or in a bad mood


@dataclass(frozen=True, eq=False)
class Complaint:
    """One user's words against one answer."""

    mark: Mark
    heard: Heard
    words: str
    """The whole turn."""

    @property
    def exchange(self) -> Exchange:
        return Exchange(self.mark.context.messages, self.mark.turn.content or "", self.words)

    @property
    def id(self) -> tuple[str, str, str]:
        return (self.heard.conversation_id, self.heard.message_id, self.heard.signal)


@dataclass(frozen=True, eq=False)
class Ruling:
    """What the judge made of a complaint. `outcome` is pair, sft, kto, or the reason why there is no row."""

    complaint: Complaint
    outcome: str
    facts: Mapping[str, Any]
    rewritten: str | None = None


@dataclass(frozen=True)
class Ruled:
    """All of a batch, and what was set aside before anybody was asked."""

    rulings: tuple[Ruling, ...] = ()
    dropped: tuple[Drop, ...] = ()
    account: Mapping[str, Any] = field(default_factory=dict)
    """Figures for the manifest; empty where no judge is configured."""

    @property
    def facts(self) -> dict[tuple[str, str, str], Mapping[str, Any]]:
        """By complaint, for signals.jsonl."""
        aside = {_id(d.of.signal): {"outcome": d.reason} for d in self.dropped if d.reason in FOR_PEOPLE and isinstance(d.of, Mark)}
        return aside | {r.complaint.id: {**r.facts, "outcome": r.outcome} for r in self.rulings}


NOBODY = Ruled()


def filed(
    heard: Sequence[Heard], talks: Mapping[str, Talk], desk: Desk, mining: Mining, judging: Judging
) -> tuple[list[Complaint], list[Drop]]:
    """Complaints in the order in which they are judged, and what is never put to a judge. heard: those of the day alone."""
    against = [h for h in heard if h.signal in AGAINST and h.conversation_id in talks]
    signals = {id(s): (s, h) for h in against if (s := _signal(h, talks[h.conversation_id])) is not None}
    marks, dropped = placed([s for s, _ in signals.values()], talks, desk)
    kept: list[Complaint] = []
    taken: Counter[str] = Counter()
    for m in sorted(marks, key=lambda m: (AGAINST.index(str(m.signal.value)), _lot(m.signal))):
        h = signals[id(m.signal)][1]
        words = m.talk.turns[h.message_id].content or ""
        reason = _unfit(m, words, mining, judging) or ("user_cap" if taken[m.signal.voice] >= judging.per_user else None)
        if reason:
            dropped.append(Drop(reason, m))
        else:
            taken[m.signal.voice] += 1
            kept.append(Complaint(m, h, words))
    return kept, dropped


def _signal(h: Heard, talk: Talk) -> Signal | None:
    """What was heard, as a signal about the answer."""
    turn = talk.turns.get(h.message_id)
    if turn is None:
        return None
    return Signal(
        conversation_id=h.conversation_id,
        event_id=f"heard:{h.message_id}:{h.signal}",
        message_id=h.answer_id,
        user_hash=h.user_hash,
        kind=SOURCE,
        value=h.signal,
        max=None,
        text=h.quote,
        reasons=(),
        over=(),
        span=(),
        source="human",
        derived=False,
        day=h.day,
        at=turn.at,
        arrived=turn.position,
        stands=True,
    )


def _id(s: Signal) -> tuple[str, str, str]:
    """The complaint that a signal was made of."""
    return (s.conversation_id, s.event_id.removeprefix("heard:").removesuffix(f":{s.value}"), str(s.value))


def record(heard: Heard, judged: Mapping[tuple[str, str, str], Mapping[str, Any]]) -> dict[str, Any]:
    """The line of signals.jsonl, with what the judge made of it. What people must look at is drawn by the audit as a rule of its own."""
    found, facts = heard.record, judged.get((heard.conversation_id, heard.message_id, heard.signal))
    if facts:
        found["evidence"]["judge"] = dict(facts)
        if facts["outcome"] in FOR_PEOPLE:
            found["evidence"]["rule"] = f"implicit/judge/{facts['outcome']}"
    return found


def _unfit(m: Mark, words: str, mining: Mining, judging: Judging) -> str | None:
    if m.talk.hotfix or m.turn.tool_calls:
        return "not_for_the_judge"
    if drawn(m.talk.unit, mining.heldout_share) or drawn(m.signal.voice, mining.heldout_share):
        return "held_out_user"
    around = [m.turn.content or "", *(t.content or "" for t in m.context.turns)]
    if steering(words, around):
        return "speaks_to_the_judge"
    answer = m.turn.content or ""  # one that the judge is not shown whole and as it is cannot be mended by it
    return None if shown(answer, judging.max_chars) == answer else "not_for_the_judge"


def _lot(s: Signal) -> str:
    """No time of day is favoured where the budget ends."""
    return hashlib.sha256("\n".join(s.event).encode()).hexdigest()


def rows(ruled: Ruled, telling: Sequence[Mark], standing: Sequence[Mark]) -> tuple[list[Candidate], list[Drop]]:
    """Rulings as rows, where no stronger word stands: the user's own edit says it better, other users' praise contradicts it."""
    edited = {(*m.place, m.signal.voice) for m in telling}
    praised = {m.answer for m in standing if m.polarity > 0 and m.signal.kind != "copy"}
    made: dict[tuple[str, str], Candidate] = {}
    dropped = list(ruled.dropped)
    for r in ruled.rulings:
        m = r.complaint.mark
        kind = {"pair": "dpo", "sft": "sft", "kto": "kto"}.get(r.outcome)
        if kind is None:
            dropped.append(Drop(r.outcome, m))
        elif m.answer in made:  # fifty who complain of one answer make one row
            dropped.append(Drop("duplicate", m))
        elif (*m.place, m.signal.voice) in edited:
            dropped.append(Drop("stronger_act", m))
        elif m.answer in praised:
            dropped.append(Drop("conflict", m))
        else:
            made[m.answer] = _row(r, kind)
    return list(made.values()), dropped


def _row(r: Ruling, kind: str) -> Candidate:
    """The training prompt is what stood before the answer: the complaint is no part of it."""
    m = r.complaint.mark
    more = (("judge", dict(r.facts)), ("turn", r.complaint.heard.message_id), ("heard", r.complaint.heard.signal))
    about = (SOURCE, m, (m.turn.message_id, r.complaint.heard.message_id), (m.signal,))
    if kind == "kto":
        return Candidate("kto", *about, KTO_WEIGHT, m.turn.message, label=False, more=more)
    answer = plain("assistant", r.rewritten or "")
    if kind == "sft":
        return Candidate("sft", *about, SFT_WEIGHT, answer, more=more)
    return Candidate("dpo", *about, PAIR_WEIGHT, answer, rejected=m.turn.message, more=more)


def cosmetic(old: str, new: str, mining: Mining) -> bool:
    """Whether a rewrite is so close to the answer that DPO would lower both."""
    return ratio(old.strip(), new.strip(), mining.cosmetic_ratio) is not None
