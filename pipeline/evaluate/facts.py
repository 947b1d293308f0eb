"""Does a model know what a row states? Asked in several ways, it must find the row's answer likelier than answers to other questions.

Fine-tuning on facts that the base lacks teaches it to invent (arXiv 2405.05904), so such rows are found before they are taught. A row states a
fact when a question is asked, the answer is short and does not stand in the question. What is compared is how much likelier the question makes
an answer than no question does (domain-conditional PMI, arXiv 2104.08315): a word that is always likely gains nothing by it.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pipeline.evaluate.reading import Encoded, Reader
from pipeline.recipe import Task

Row = dict[str, Any]

LONGEST = 12  # words (signs in Chinese) of an answer that is one fact; longer ones state several, or none
REPEATED = 0.34  # share of the answer's telling words in the prompt from which it is read there, not known
OTHERS = 7  # answers that it is told from: by luck the right one comes first once in eight
ASKS = re.compile(
    r"[?？]|^\W*(?:who|whom|whose|what|when|where|which|how (?:many|much|old|far|long|tall|high|big)|in (?:what|which)|name the|give the)\b"
    r"|什么|谁|哪|多少|几|何时|何地",
    re.IGNORECASE,
)
SIGN = r"[぀-ヿ㐀-鿿]"
WORD = re.compile(rf"{SIGN}|(?:(?!{SIGN})\w)+")
DUMB = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by for from in is it its no not of on or that the there this to true false was were with yes 是 的 了 在 有 不 没 对 否",
    )
)
"""Words that state nothing by themselves; an answer of nothing else is an opinion or a check."""
SPARE = ("Paris", "1969", "Albert Einstein", "blue", "42", "the Amazon", "oxygen", "Shakespeare", "Japan", "seven", "Monday", "iron")
SPARE_ZH = ("北京", "一九六九年", "爱因斯坦", "蓝色", "四十二", "长江", "氧气", "鲁迅", "日本", "七", "星期一", "铁")
"""Answers to other questions, where the batch has too few."""
WAYS = {
    False: ("{q}", "Answer in a few words.\n{q}", "Here is a question that somebody asked me: {q}\nWhat is the right answer?"),
    True: ("{q}", "请简短回答。\n{q}", "有人问我这个问题：{q}\n正确答案是什么？"),
}
PLAIN = {False: ("Question: {q}\nAnswer:", "Answer:"), True: ("问题：{q}\n答案：", "答案：")}
"""Without the chat's form, as text that goes on; and the same without the question."""
SILENT = [{"role": "user", "content": ""}]
"""What stands in the place of a question that was left out: the turns stay, their text does not."""


@dataclass(frozen=True)
class Fact:
    """A question and its answer."""

    row: str
    task: str
    prompt: tuple[Row, ...]
    answer: str

    @property
    def question(self) -> str:
        return str(self.prompt[-1]["content"] or "")

    @property
    def chinese(self) -> bool:
        return bool(re.search(SIGN, self.question))


def stated(row: Row, card: Task | None) -> Fact | None:
    """The fact that a row states; None for whatever is no fact, or may be none."""
    if card is not None and card.answer.format in ("label", "json"):
        return None
    prompt, answer = (row["messages"][:-1], row["messages"][-1]) if row["kind"] == "sft" else (row["prompt"], row["chosen"][-1])
    if not prompt or prompt[-1]["role"] != "user" or answer.get("tool_calls"):
        return None
    fact = Fact(row["example_id"], row["task"], tuple(prompt), str(answer["content"] or "").strip())
    words = WORD.findall(fact.answer.casefold())
    telling = {w for w in words if w not in DUMB}
    asked = set(WORD.findall("\n".join(str(m["content"] or "") for m in prompt).casefold()))
    closed = telling and len(words) <= LONGEST and len(telling & asked) < REPEATED * len(telling)
    return fact if closed and ASKS.search(fact.question) else None


def known(reader: Reader, facts: Sequence[Fact]) -> dict[str, float]:
    """By row, the share of the ways of asking in which the model tells the row's answer from the others."""
    compared = {f.row: [f.answer, *others(f, facts)] for f in facts}
    asked = {f.row: list(_ways(reader, f, compared[f.row])) for f in facts}
    wanted = [e for ways in asked.values() for way in ways for pair in way for e in pair]
    losses = reader.losses(wanted, "answers to probes") if wanted else {}
    return {row: sum(_first(way, losses) for way in ways) / len(ways) for row, ways in asked.items() if ways}


def others(fact: Fact, facts: Sequence[Fact]) -> list[str]:
    """Answers to other questions: of the same task where there are such, like ones first, and never one that says the same."""
    own = _said(fact.answer)
    near = [f.answer for f in facts if f.task == fact.task and f.chinese == fact.chinese]
    spare = SPARE_ZH if fact.chinese else SPARE
    pool = {_said(a): a for a in (*spare[::-1], *near) if not _same(_said(a), own)}
    ranked = sorted(pool.values(), key=lambda a: (a in spare, _unlike(a, fact.answer), _lot(fact.row, a)))
    return ranked[:OTHERS]


@lru_cache(maxsize=1 << 16)
def _said(answer: str) -> str:
    return " ".join(w for w in WORD.findall(answer.casefold()) if w not in DUMB)


def _same(a: str, b: str) -> bool:
    """Whether one answer holds the other: Paris, and Paris in France."""
    return f" {a} " in f" {b} " or f" {b} " in f" {a} "


def _unlike(a: str, b: str) -> tuple[bool, int]:
    """A number is told from numbers, a name from names of its length."""
    return (any(c.isdigit() for c in a) != any(c.isdigit() for c in b), abs(len(a) - len(b)) // 4)


def _lot(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


Way = list[tuple[Encoded, Encoded]]
"""Each answer after the question, and after none; the row's own answer first."""


def _ways(reader: Reader, fact: Fact, answers: list[str]) -> list[Way]:
    found: list[Way] = []
    for words in WAYS[fact.chinese]:
        prompt = [*fact.prompt[:-1], fact.prompt[-1] | {"content": words.replace("{q}", fact.question)}]
        turns = [[{"role": "assistant", "content": a}] for a in answers]
        way = [(reader.encoded(prompt, turn), reader.encoded(SILENT, turn)) for turn in turns]
        if all(asked and silent for asked, silent in way):
            found.append([(asked, silent) for asked, silent in way if asked and silent])
    if all(m["role"] in ("user", "system") for m in fact.prompt) and sum(m["role"] == "user" for m in fact.prompt) == 1:
        asked, silent = (reader.ids(text.replace("{q}", fact.question)) for text in PLAIN[fact.chinese])
        tails = [reader.ids(a if fact.chinese else f" {a}") for a in answers]
        found.append([((asked, tail), (silent, tail)) for tail in tails])
    return found


def _first(way: Way, losses: Mapping[Encoded, float | None]) -> bool:
    """Whether the question makes the row's answer likelier than it makes any other."""
    gains = []
    for asked, silent in way:
        with_question, without = losses[asked], losses[silent]
        if with_question is None or without is None:
            return False
        gains.append((without - with_question) * len(asked[1]))
    return gains[0] > max(gains[1:], default=float("inf"))
