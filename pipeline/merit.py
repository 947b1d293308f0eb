"""How good and how complex a row is, by counting: no model reads it.

After DEITA (arXiv 2312.15685), which asks an LLM for both. Counts see an answer that repeats itself, breaks off, copies its question or refuses,
and a question that asks for many things; they do not see a false one. What people found (`equipoise audit`) is put in the rules' place by
pipeline/audit/quality.py once there are enough verdicts.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.meaning import Table
from pipeline.people import PLACEHOLDER

VERSION = 1  # raise it when the same row should get other figures

Row = dict[str, Any]
Figures = dict[str, float]

SIGN = r"[぀-ヿ㐀-鿿]"
WORD = re.compile(rf"{SIGN}|(?:(?!{SIGN})\w)+")
LONG = 12  # words from which an answer is a sentence that should end, and may repeat itself
ENDS = re.compile(r"[.!?。！？:;…)\]}>\"'”’`|*]\s*$|\d\s*$")
WANTS = re.compile(
    r"\b(?:must|should|at least|at most|no more than|exactly|only|without|except|each|every|first|then|finally|compare|explain|because|if)\b"
    r"|^\s*(?:[-*•]|\d+[.)])\s|必须|至少|至多|只|不要|每|首先|然后|最后|比较|解释|如果",
    re.IGNORECASE | re.MULTILINE,
)
REFUSES = re.compile(
    r"^\W*(?:i(?:'|’| a)m sorry|sorry|i can(?:no|'|’)t|i am unable|as an ai\b|i do(?:n't| not) have (?:access|the ability))|^\W*(?:抱歉|对不起|我无法|作为一个?AI)",
    re.IGNORECASE,
)
BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))
NAMES = (
    "answer_words",
    "prompt_words",
    "wants",
    "turns",
    "variety",
    "repetition",
    "copied",
    "cut_off",
    "unbalanced",
    "refuses",
    "shouts",
    "placeholders",
    "relevance",
)
"""The figures in the order of a scorer's weights."""


def parts(row: Row) -> tuple[list[Row], str]:
    """(the messages that lead to the answer, the answer to learn) of an SFT row, a pair or a vote."""
    if "messages" in row:
        return row["messages"][:-1], _text(row["messages"][-1])
    answer = row["chosen"] if "chosen" in row else row["completion"]
    return row["prompt"], "\n".join(map(_text, answer))


def figures(rows: Sequence[Row], table: Table | None = None) -> list[Figures]:
    """The figures of each row; `relevance` is the cosine of question and answer, 0 for all without a table of embeddings."""
    texts = [(prompt, answer, _question(prompt)) for prompt, answer in map(parts, rows)]
    near = [0.0] * len(texts)
    if table is not None and texts:
        asked, said = table.embed([q for _, _, q in texts]), table.embed([a for _, a, _ in texts])
        near = [float(n) for n in (asked * said).sum(axis=1)]
    return [
        _figures(prompt, answer, question) | {"relevance": round(n, 4)} for (prompt, answer, question), n in zip(texts, near, strict=True)
    ]


def _figures(prompt: list[Row], answer: str, question: str) -> Figures:
    said, asked = WORD.findall(answer.casefold()), WORD.findall(question.casefold())
    threes = list(zip(said, said[1:], said[2:], strict=False))
    theirs = set(zip(asked, asked[1:], asked[2:], strict=False))
    letters = [c for c in answer if c.isalpha()]
    whole = answer.rstrip()
    return {
        "answer_words": math.log1p(len(said)),
        "prompt_words": math.log1p(len(asked)),
        "wants": math.log1p(len(WANTS.findall(question))),
        "turns": math.log1p(sum(m["role"] == "user" for m in prompt)),
        "variety": len(set(asked)) / len(asked) if asked else 0.0,
        "repetition": 1 - len(set(threes)) / len(threes) if len(said) >= LONG else 0.0,
        "copied": sum(t in theirs for t in threes) / len(threes) if len(said) >= LONG else 0.0,
        "cut_off": float(len(said) >= LONG and not ENDS.search(whole)),
        "unbalanced": float(whole.count("```") % 2 == 1 or any(whole.count(a) != whole.count(b) for a, b in BRACKETS)),
        "refuses": float(bool(REFUSES.search(whole))),
        "shouts": float(len(letters) >= LONG and sum(c.isupper() for c in letters) > 0.6 * len(letters)),
        "placeholders": float(bool(PLACEHOLDER.search(answer))),
    }


def quality(found: Mapping[str, float]) -> float:
    """0 to 1 by rules: each fault takes its share. The shares are judgement; the verdicts of people are what replaces them."""
    return math.prod(
        (
            1 - found["repetition"],
            1 - 0.6 * found["copied"],
            1 - 0.4 * found["cut_off"],
            1 - 0.2 * found["unbalanced"],
            1 - 0.4 * found["refuses"],
            1 - 0.3 * found["shouts"],
            1 - 0.3 * found["placeholders"],
        )
    )


def complexity(found: Mapping[str, float]) -> float:
    """0 to 1 by rules: how long the question is, how many things it wants, how many turns led to it."""
    return 1 - math.exp(-(0.15 * found["prompt_words"] + 0.5 * found["wants"] + 0.3 * (found["turns"] - math.log(2))))


def _question(prompt: list[Row]) -> str:
    return next((_text(m) for m in reversed(prompt) if m["role"] == "user"), "")


def _text(message: Row) -> str:
    return str(message.get("content") or "")
