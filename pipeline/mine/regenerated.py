"""Thrown away and kept: a regenerate alone is a roll of the dice; it counts once the user shows that a sibling pleased."""

import re
from collections import defaultdict

from pipeline.mine import answers
from pipeline.mine.candidates import Candidate
from pipeline.mine.contexts import Turn
from pipeline.mine.explicit import Signal
from pipeline.mine.marks import Drop, Mark

WEIGHT = 0.7  # two acts say it, and both are cheap [judgement]

NEGATIVE = re.compile(
    r"""^\W*(?:no\b|nope|nah\b|wrong|incorrect|false\b|bad\b|still\ |again\b|try\ again|redo|retry|stop\b|wtf|what\?
    | (?:that|this|it)(?:'s|’s|\ is|\ was)?\ (?:not|wrong|incorrect|isn|wasn|doesn|didn|makes\ no|still)
    | (?:that|this|it)\ ?(?:isn|wasn|doesn|didn)['’]?t | not\ (?:what|quite|right|correct|good|it\b)
    | you(?:'re|’re|\ are)?\ (?:wrong|not|still|missed|forgot|didn|made) | i\ (?:said|asked|meant|told|wanted|didn)
    | 不|错|没有?回答|重新|再来|再试|还是|我说的|你没|胡说)""",
    re.VERBOSE | re.IGNORECASE,
)
"""Openings that cast doubt on the answer. It only withholds: a reply that it misses costs one weak pair, one that it hits nothing."""

Acts = dict[tuple[str, str, str], list[Mark]]


def rows(marks: list[Mark]) -> tuple[list[Candidate], list[Drop]]:
    """Pairs of the kept sibling over the one thrown away."""
    acts: Acts = defaultdict(list)
    for m in marks:
        acts[(*m.place, m.signal.voice)].append(m)
    made, dropped = [], []
    for m in [m for m in marks if m.signal.kind == "regenerate"]:
        found = _kept(m, acts)
        if isinstance(found, str):
            dropped.append(Drop(found, m))
            continue
        made.append(_pair(m, *found))
    return made, dropped


def _kept(m: Mark, acts: Acts) -> tuple[Turn, Signal | Turn] | str:
    """The sibling that the same user stayed with, and what shows it; the last such act decides."""

    def signs(turn: Turn) -> list[Mark]:
        return acts.get((m.talk.conversation_id, turn.message_id, m.signal.voice), [])

    if any(s.polarity > 0 for s in signs(m.turn)):
        return "own_conflict"
    siblings = [t for t in m.talk.siblings(m.turn) if not any(s.signal.kind == "regenerate" for s in signs(t))]
    if not siblings:
        return "no_kept_sibling"
    sound = [t for t in siblings if not t.empty and t.only_text]
    proofs = [(at, t, proof) for t in sound for at, proof in _proofs(m, t, signs(t))]
    if not proofs:
        return "no_positive_act"
    _, sibling, proof = max(proofs, key=lambda p: (p[0], p[1].position))
    return (sibling, proof) if sibling.text != m.turn.text else "equal_answers"


def _proofs(m: Mark, sibling: Turn, signs: list[Mark]) -> list[tuple[int, Signal | Turn]]:
    """Acts after the regenerate that show a sibling to please: a vote, a copy, a pick, an edit, or going on from it."""
    if any(s.signal.kind in ("thumb", "rating", "report") and s.polarity < 0 for s in signs):
        return []
    pleased = [s.signal for s in signs if (s.polarity > 0 or s.signal.kind == "edit") and s.signal.at >= m.signal.at]
    goes_on = [t for t in m.talk.replies(sibling) if accepts(t, m.context.question) and t.at >= m.signal.at]
    return [(s.at, s) for s in pleased] + [(t.at, t) for t in goes_on]


def accepts(reply: Turn, question: str) -> bool:
    """Whether a reply goes on from the answer: it neither casts doubt on it nor asks the same again."""
    text = (reply.content or "").strip()
    return bool(text) and not NEGATIVE.search(text) and " ".join(text.split()).casefold() != " ".join(question.split()).casefold()


def _pair(m: Mark, sibling: Turn, proof: Signal | Turn) -> Candidate:
    if isinstance(proof, Signal):
        signals, since, shown = [m.signal, proof], None, {"kind": proof.kind, "event_id": proof.event_id}
    else:
        signals, since, shown = [m.signal], proof.day, {"kind": "reply", "message_id": proof.message_id}
    return Candidate(
        "dpo",
        "regenerate",
        m,
        (sibling.message_id, m.turn.message_id),
        tuple(signals),
        WEIGHT,
        answers.said(sibling.message, m.card),
        rejected=m.turn.message,
        more=(("kept", shown),),
        since=since,
    )
