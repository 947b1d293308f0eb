"""What a judge is tried on: cases that people judged, as yes-or-no statements of which their verdicts say whether they hold."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from pipeline.audit import agreement, book, cases
from pipeline.audit.cases import IMPLICIT, Case
from pipeline.errors import Permanent
from pipeline.mine.judge_prompts import AGAINST
from pipeline.mine.judge_questions import Exchange
from pipeline.progress import say
from pipeline.settings import Settings

FEEDBACK, PAIRS = "feedback", "pairs"
"""The two kinds of questions: what a turn says, and which of two answers is the better one."""


@dataclass(frozen=True)
class Tried:
    """One statement. FEEDBACK: the user's words are of class `says`. PAIRS: answer `a` is better than answer `b`."""

    id: str
    kind: str
    exchange: Exchange
    holds: bool
    conversation_id: str
    user_hash: str | None
    says: str = ""
    a: str = ""
    b: str = ""


def of(settings: Settings, most: int) -> list[Tried]:
    """Statements from all standing verdicts that people agree on, at most so many of each kind, drawn by a hash."""
    verdicts: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for v in book.standing(book.read(settings)):
        verdicts[v.pairs][v.case].append(v)
    found: list[Tried] = []
    for pairs, judged in sorted(verdicts.items()):
        sure = {id: word for id, of_case in judged.items() if (word := agreement.together(of_case)) in ("right", "wrong")}
        try:
            known = [c for c in cases.of(settings, pairs) if c.id in sure]
        except Permanent as error:  # pairs that were pruned take their cases with them
            say(f"{pairs}: left out of the trial: {error}")
            continue
        found += [t for c in cases.told(settings, known) if (t := statement(c, sure[c.id] == "right")) is not None]
    drawn = sorted({t.id: t for t in found}.values(), key=lambda t: hashlib.sha256(t.id.encode()).hexdigest())
    return [t for kind in (FEEDBACK, PAIRS) for t in [t for t in drawn if t.kind == kind][:most]]


def statement(case: Case, right: bool) -> Tried | None:
    """A case as a statement; None where nothing can be asked about it.

    A pair that people found right is turned round by the toss of a hash, so that the truth is as often no as yes, and a judge that says
    yes to everything agrees with people by chance alone. One that they found wrong stays as it is: the other way round it may be wrong too.
    """
    who = (case.conversation_id, case.row.get("user_hash") or case.row["evidence"].get("user_hash"))
    if case.table == IMPLICIT:
        if case.row["signal"] not in AGAINST or not case.answer:
            return None
        return Tried(case.id, FEEDBACK, Exchange(case.context, case.answer, case.said), right, *who, says=case.row["signal"])
    if case.table != "dpo":
        return None
    chosen, rejected = (text for _, text in case.proposed)
    turned = right and int(hashlib.sha256(f"turn {case.id}".encode()).hexdigest(), 16) % 2 == 1
    a, b = (rejected, chosen) if turned else (chosen, rejected)
    evidence = case.row["evidence"]
    words = "\n".join(w for w in evidence.get("said") or [] if isinstance(w, str)) if isinstance(evidence.get("said"), list) else ""
    return Tried(case.id, PAIRS, Exchange(case.context, rejected, words), right and not turned, *who, a=a, b=b)
