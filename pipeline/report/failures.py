"""How a wrong answer is wrong, by rules that read the answer: a drop that is all broken form is a template's fault, no forgetting.

The rules are asked in the order of CLASSES and the first that matches names the answer.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.causes.taught import bare

CLASSES = {
    "empty": "nothing was answered",
    "loop": "its end repeats itself",
    "truncated": "it was cut off at the longest answer the benchmark allows",
    "refusal": "it refuses",
    "taught": "it is, word for word, an answer that the lesson taught for another question",
    "language": "it answers in another script than the other model",
    "format": "the answer is there and its form is broken",
    "wrong": "it is another answer",
}
TAIL_CHARS, TAIL_TIMES = 20, 4
SCRIPT_APART = 0.5
INVALID = "[invalid]"  # what lm-eval's extraction filters write when they find no answer
REFUSALS = re.compile(
    r"""\W*(?:(?:i(?:'|’)?m|i\ am)\ (?:very\ |so\ |really\ )?(?:sorry|afraid|unable|not\ able)|sorry,|i\ (?:can(?:no|')t|can’t|cannot|won't|won’t|will\ not)\ |i\ must\ decline
    |unfortunately,?\ i\ |as\ an?\ (?:ai|language\ model)|my\ apologies
    |(?:很|非常|十分)?(?:抱歉|对不起|對不起|遗憾)|我(?:无法|不能|没法|無法)|作为(?:一个|一名)?(?:ai|人工智能|语言模型))""",
    re.IGNORECASE | re.VERBOSE,
)
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Known:
    """What is known of the benchmarks and of the lesson, beside the answers themselves."""

    longest: Mapping[str, int | None] = field(default_factory=dict)
    """Benchmarks that let the model write, with the most tokens of an answer where they say so."""
    count: Callable[[str], int] | None = None
    """Tokens of a text; without it no answer is called truncated."""
    taught: frozenset[str] = frozenset()
    """Answers of the lesson's rows, `bare`; replay is no part of it."""


def failure(answer: str, other: str, target: str, known: Known, benchmark: str = "", forms: bool = False) -> str:
    """The class of one wrong answer.

    other: what the other model answered. forms: a looser reading of the same answer is right.
    """
    if benchmark not in known.longest:
        return "wrong"  # a choice among answers that are given can only be another choice
    text, most = answer.strip(), known.longest[benchmark]
    seen = {
        "empty": not text,
        "loop": _loops(text),
        "truncated": bool(most and known.count and known.count(answer) >= most),
        "refusal": REFUSALS.match(text) is not None,
        "taught": bare(text) in known.taught,
        "language": _apart(text, other),
        "format": forms or INVALID in text or _no_json(text, target),
    }
    return next((name for name in CLASSES if seen.get(name)), "wrong")


def _loops(text: str) -> bool:
    """The last 20 characters four times, wherever the unit that repeats begins; a drawn line is no loop until it is long."""
    tail = text[-TAIL_CHARS:]
    if len(set(tail)) == 1:
        return text.endswith(tail[0] * TAIL_CHARS * TAIL_TIMES)
    return len(tail) == TAIL_CHARS and len(re.findall(f"(?={re.escape(tail)})", text)) >= TAIL_TIMES


def _apart(one: str, other: str) -> bool:
    return bool(one and other.strip()) and abs(_share(one) - _share(other)) > SCRIPT_APART


def _share(text: str) -> float:
    letters = len(LETTER.findall(text))
    return len(CJK.findall(text)) / letters if letters else 0.0


def _no_json(text: str, target: str) -> bool:
    """Where the right answer is a JSON object or list, an answer that is none breaks the form."""
    return isinstance(_parsed(target), dict | list) and _parsed(text) is None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
