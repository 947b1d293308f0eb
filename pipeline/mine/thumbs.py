"""Votes on single answers: a liked one over a disliked one where both answer the same context, else rows for KTO."""

from collections import defaultdict

from pipeline.mine import answers
from pipeline.mine.candidates import Candidate
from pipeline.mine.explicit import STRENGTH, Signal
from pipeline.mine.marks import Drop, Mark
from pipeline.mine.votes import VOTES
from pipeline.recipe import Mining

PAIR_WEIGHT = 0.8  # two votes that point the same way [judgement]
PRAISE_SFT_WEIGHT = 0.3  # praise rewards what flatters: prompts that drew it are more toxic than others (arXiv 2507.23158)
COPY_BOOST = 0.1
MOST_DOWNS = 2  # of one liked answer: all ups by all downs would let one context fill the batch

Votes = dict[str, list[Mark]]


def rows(marks: list[Mark], mining: Mining) -> list[Candidate]:
    """Pairs and single rows of the votes that stand; copies add weight to what they agree with."""
    votes = [m for m in marks if m.signal.kind in VOTES]
    copies: dict[tuple[str, str], list[Signal]] = defaultdict(list)
    for m in marks:
        if m.signal.kind == "copy" and m.signal.value != "part":
            copies[m.place].append(m.signal)
    made, paired = _pairs([m for m in votes if not m.talk.hotfix])
    for m in votes:
        if m.signal.event not in paired:
            made += _single(m, [c for c in copies[m.place] if m.polarity > 0 and c.day <= m.signal.day], mining)
    return made


def _pairs(votes: list[Mark]) -> tuple[list[Candidate], set[tuple[str, str]]]:
    """Each disliked answer under the best liked one of its context."""
    contexts: dict[tuple, list[Mark]] = defaultdict(list)
    for m in votes:
        contexts[(m.talk.conversation_id, m.context.key)].append(m)
    made, paired = [], set()
    for group in contexts.values():
        ups, downs = _answers(group, 1), _answers(group, -1)
        free = dict.fromkeys(sorted(ups, key=lambda t: (-len(ups[t]), ups[t][0].signal.order)), MOST_DOWNS)
        for down in downs:
            up = next((u for u, room in free.items() if room and u != down), None)
            if up is not None:
                free[up] -= 1
                made.append(_pair(ups[up], downs[down]))
                paired |= {m.signal.event for m in ups[up] + downs[down]}
    return made, paired


def _answers(group: list[Mark], polarity: int) -> Votes:
    """Votes of one direction by answer text, the first said first."""
    found: Votes = defaultdict(list)
    for m in sorted(group, key=lambda m: m.signal.order):
        if m.polarity == polarity:
            found[m.turn.text].append(m)
    return found


def _pair(ups: list[Mark], downs: list[Mark]) -> Candidate:
    up, down = ups[0], downs[0]
    return Candidate(
        "dpo",
        "thumb",
        up,
        (up.turn.message_id, down.turn.message_id),
        tuple(m.signal for m in ups + downs),
        PAIR_WEIGHT,
        answers.said(up.turn.message, up.card),
        rejected=down.turn.message,
        more=(("votes", {"up": len(ups), "down": len(downs)}),),
    )


def _single(m: Mark, copies: list[Signal], mining: Mining) -> list[Candidate]:
    answer = answers.said(m.turn.message, m.card) if m.polarity > 0 else m.turn.message
    source = "hotfix" if m.talk.hotfix else m.signal.kind
    common = (source, m, (m.turn.message_id,), (m.signal, *copies))
    more = (("copied", len(copies)),) if copies else ()
    if m.talk.hotfix:
        return [Candidate("sft", *common, 1.0, answer, more=more)] if m.polarity > 0 else []
    weight = min(1.0, STRENGTH[m.signal.kind] + COPY_BOOST * bool(copies))
    made = [Candidate("kto", *common, weight, answer, label=m.polarity > 0, more=more)]
    if mining.praise_sft and m.polarity > 0:
        made.append(Candidate("sft", *common, PRAISE_SFT_WEIGHT, answer, more=more))
    return made


def unused(marks: list[Mark], used: set[tuple[str, str]]) -> list[Drop]:
    """Copies that added weight to nothing."""
    return [Drop("copy_alone", m) for m in marks if m.signal.kind == "copy" and m.signal.event not in used]
