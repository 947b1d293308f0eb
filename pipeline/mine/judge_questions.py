"""The questions put to the judge about one exchange, and what code itself holds its replies to."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.mine.judge import About, Judge
from pipeline.mine.judge_fence import Part, own, said, shown
from pipeline.mine.judge_prompts import AGAINST, Reply
from pipeline.spec import Task

KEEPS = "It still answers everything else that the conversation above asked for."
"""The point that code adds to every checklist: a mended fault must not cost the rest."""
MENTIONS = re.compile(
    r"^\W*(?:i(?:'m|’m| am)? (?:so |very |really )?sorry|i apologi[sz]e|(?:my |please accept my |sincere )*apolog|sorry\b|you(?:'re|’re| are) (?:absolutely |quite |completely )?right"
    r"|good (?:catch|point)|thank(?:s| you) for (?:pointing|the (?:correction|feedback)|your (?:correction|feedback|patience)|clarifying|letting)"
    r"|as you (?:pointed|said|noted|mentioned)|here(?:'s| is) (?:the|a|my) (?:corrected|revised|updated|improved|rewritten)"
    r"|抱歉|对不起|很遗憾|非常抱歉|您说得对|你说得对|感谢(?:您|你)的?(?:指正|反馈|提醒|纠正)|谢谢(?:您|你)的?(?:指正|反馈|提醒|纠正)|更正)",
    re.IGNORECASE,
)
"""Openings that speak to somebody who complained. The training prompt holds no complaint, so such an answer would come from nowhere."""
FIRST, SECOND, NEITHER = "first", "second", "neither"


@dataclass(frozen=True)
class Exchange:
    """What was asked, answered and said next."""

    context: Sequence[dict[str, Any]]
    answer: str
    words: str
    """The user's next words; empty where a pair is judged that nobody commented on."""

    def parts(self, most: int) -> list[Part]:
        """The conversation, its latest messages first to be kept; each text cut in its middle."""
        kept: list[Part] = []
        left = most
        for n in range(len(self.context), 0, -1):
            if left <= 0:
                break
            m = self.context[n - 1]
            text = "\n".join(t for t in (m.get("content"), m.get("tool_calls")) if t)
            cut = shown(text, min(most // 2, left))
            kept.append((f"message {n} by {m['role']}", cut))
            left -= len(cut)
        return kept[::-1]

    def whole(self, most: int) -> list[Part]:
        return [*self.parts(most), ("answer", shown(self.answer, most)), ("next words", shown(self.words, most))]


def feedback(judge: Judge, e: Exchange, about: About, salt: str = "") -> Reply:
    """{class, quote, points}. The quote of a class other than no_feedback stands in the user's own words."""
    most = judge.judging.max_chars
    words = shown(own(e.words), most)

    def check(reply: Reply) -> str | None:
        if reply["class"] == "no_feedback":
            return None
        if not said(reply["quote"], words):
            return "quote"
        return "points must not be empty for this class" if reply["class"] in AGAINST and not reply["points"] else None

    return judge.ask("feedback", e.whole(most), about, check, salt)


def general(judge: Judge, e: Exchange, about: About) -> Reply:
    """{applies_to, adds, claim}"""

    def check(reply: Reply) -> str | None:
        return None if (reply["adds"] == "fact") == (reply["claim"] != "none") else "claim is none exactly where adds is not fact"

    return judge.ask("general", e.whole(judge.judging.max_chars), about, check)


def rewrite(judge: Judge, e: Exchange, points: Sequence[str], card: Task | None, about: About) -> str:
    """The answer as it should have been."""
    parts = [*e.whole(judge.judging.max_chars), ("points", _numbered(points, judge))]
    return str(judge.ask("rewrite", parts, about, task=_task(card))["answer"]).strip()


def resolved(judge: Judge, e: Exchange, points: Sequence[str], a: str, b: str, about: About, salt: str = "") -> tuple[str, str]:
    """What the checklist says of answers a and b, in both orders: first (a resolves the complaint and b does not), second, neither."""
    asked = [*points, KEEPS]

    def check(reply: Reply) -> str | None:
        return None if len(reply["first"]) == len(reply["second"]) == len(asked) else f"each list must have {len(asked)} words, one a point"

    def once(first: str, second: str) -> str:
        most = judge.judging.max_chars
        answers = [("first answer", shown(first, most)), ("second answer", shown(second, most))]
        parts = [*e.parts(most), ("the complaint", shown(e.words, most)), ("points", _numbered(asked, judge)), *answers]
        reply = judge.ask("resolved", parts, about, check, salt)
        mends = {name: set(reply[name][:-1]) <= {"yes"} for name in (FIRST, SECOND)}
        if mends[FIRST] == mends[SECOND]:
            return NEITHER
        better = FIRST if mends[FIRST] else SECOND
        return better if reply[better][-1] == "yes" else NEITHER

    return _both(once, a, b)


def compare(judge: Judge, e: Exchange, a: str, b: str, about: About, salt: str = "") -> tuple[str, str]:
    """Which of a and b serves the request better, in both orders: first (a), second (b), neither."""

    def once(first: str, second: str) -> str:
        most = judge.judging.max_chars
        parts = [*e.parts(most), ("first answer", shown(first, most)), ("second answer", shown(second, most))]
        return str(judge.ask("compare", parts, about, None, salt)["better"])

    return _both(once, a, b)


def agreed(orders: tuple[str, str]) -> str:
    """One word of two orders: where they disagree it is a tie."""
    return orders[0] if orders[0] == orders[1] else NEITHER


def _both(once: Callable[[str, str], str], a: str, b: str) -> tuple[str, str]:
    turned = {FIRST: SECOND, SECOND: FIRST, NEITHER: NEITHER}
    return once(a, b), turned[once(b, a)]


def _numbered(points: Sequence[str], judge: Judge) -> str:
    return "\n".join(f"{n}. {' '.join(shown(p, judge.judging.max_chars).split())}" for n, p in enumerate(points, 1))


def _task(card: Task | None) -> str:
    """What the task card wants of an answer: the operator's words, so they stand outside the fence."""
    if card is None:
        return ""
    words = [f"- The task: {card.about}." if card.about else ""]
    if card.answer.format == "label":
        words.append(f"- The answer is exactly one of these labels: {', '.join(card.labels or {})}.")
    elif card.answer.format == "json":
        words.append("- The answer is JSON" + (f" by this schema: {json.dumps(card.answer.schema_)}" if card.answer.schema_ else "") + ".")
    elif card.answer.format == "regex":
        words.append(f"- The answer matches this pattern as a whole: {card.answer.pattern}")
    return "\n".join(w for w in words if w)
