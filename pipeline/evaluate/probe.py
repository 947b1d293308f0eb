"""Look into one bad case: what the model it started from says, where the answer goes wrong token by token, which word of the question does it,
which rows are behind it, and how it goes when asked otherwise. What is measured are figures and places, no words: records outlive people's texts.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.causes.neighbours import likeness
from pipeline.causes.taught import Taught, bare
from pipeline.evaluate.badcases import Case
from pipeline.evaluate.probe_classes import classify
from pipeline.evaluate.tokenwise import Path, Tokenwise, likely, total

Row = dict[str, Any]
WORD = re.compile(r"[\u3400-\u9fff]{1,2}|[^\W\u3400-\u9fff]+(?:['’.-][^\W\u3400-\u9fff]+)*")
MOST_WORDS = 24  # pieces that are left out one at a time; a longer question is cut into as many
NEAR = 0.35  # likeness of two questions from which a row is of the item's kind; items of a target task have its rows
NEAREST = 3  # rows that are named
READ = 12  # … and that are read for how well rows of the kind are known: of three, one may be learnt by luck
CONTINUES = 24  # tokens of a choice question's own continuation


@dataclass(frozen=True)
class Lesson:
    """What the candidate was taught, row by row, with each row as the model read it."""

    rows: Sequence[Taught]
    read: Mapping[str, tuple[str, str]]
    """Example id -> (prompt, answer) as text."""

    def answers(self) -> dict[str, int]:
        """How many rows give each answer, however it is written."""
        found: dict[str, int] = {}
        for row in self.rows:
            found[bare(row.answer)] = found.get(bare(row.answer), 0) + 1
        return {answer: n for answer, n in found.items() if answer}


@dataclass(frozen=True)
class Asking:
    """How a case may be asked otherwise."""

    spans: Sequence[tuple[int, int]]
    """Where the words of the question stand in the prompt."""
    variants: Sequence[str] = ()
    """The prompt with its question put in other words."""
    reverse: tuple[str, str] | None = None
    """(prompt, what the answer must hold) of the question the other way round, where the task's card gives one."""


def examine(case: Case, asking: Asking, candidate: Tokenwise, base: Tokenwise, lesson: Lesson, texts: bool) -> Row:
    """Everything measured of one case, and its class. texts: whether what the base says may be kept (not where users wrote the question)."""
    both = {"candidate": candidate, "base": base}
    pairs = {"gold": _pair(case, case.gold), "given": _pair(case, case.given)}
    paths = {side: {who: mind.along([pair])[0] for who, mind in both.items()} for side, pair in pairs.items()}
    opening = candidate.opening(*pairs["gold"])
    said = base.continues([case.prompt], case.most if case.writes else CONTINUES)[0] if texts else None
    now, before = (_rights(case, [case.prompt, *asking.variants], mind) for mind in (candidate, base))
    found: Row = {"name": case.name, "ability": case.ability, "kind": case.kind, "side": case.side}
    found |= {side: _side(by, pairs[side][1]) for side, by in paths.items()}
    wrong = _first_wrong(paths["gold"], pairs["gold"][1])
    found |= {
        "first_wrong": wrong and wrong | {"says": candidate.word(wrong["instead"]) if texts else None},
        "base_right": before[0],
    }
    found |= {"base_says": said, "fed": {"chars": len(opening), "right": _fed(case, pairs, opening, candidate)}}
    found |= {"phrasings": {"asked": len(asking.variants), "right": sum(now[1:]), "base_right": sum(before[1:])}}
    found |= {"reverse": _reverse(asking.reverse, candidate, base)}
    rows = behind(case, asking, lesson)
    found |= _taught(case, asking, rows, lesson, candidate, base)
    found |= {"ablation": _ablation(case, asking, lesson, candidate)}
    name, why = classify(found)
    return found | {"class": name, "why": why}


def _pair(case: Case, answer: str) -> tuple[str, str]:
    """The prompt and continuation of an answer; an empty answer is the end that the model chose."""
    if case.writes:
        return case.prompt, answer or "\n"
    return next((pair for pair in case.choices if pair[1].strip() == answer.strip()), (case.prompt, answer))


def _side(by: Mapping[str, Path], text: str) -> Row:
    """Places are those in the answer as it is sealed: without the blank that may stand before it."""
    blank = len(text) - len(text.lstrip())
    both = zip(by["candidate"], by["base"], strict=True)
    steps = [[max(0, a.start - blank), max(0, a.end - blank), round(a.logp, 4), round(b.logp, 4)] for a, b in both]
    return {who: round(likely(path), 6) for who, path in by.items()} | {"steps": steps}


def _first_wrong(gold: Mapping[str, Path], text: str) -> Row | None:
    """The first token of the right answer where the candidate would say another."""
    blank = len(text) - len(text.lstrip())
    for n, (now, was) in enumerate(zip(gold["candidate"], gold["base"], strict=True)):
        if not now.own:
            return {
                "token": n,
                "span": [max(0, now.start - blank), max(0, now.end - blank)],
                "p": round(math.exp(now.logp), 6),
                "instead": now.best,
                "p_instead": round(math.exp(now.best_logp), 6),
                "base_had_it": was.own,
            }
    return None


def _rights(case: Case, prompts: Sequence[str], mind: Tokenwise) -> list[bool]:
    """Whether a model answers the case rightly when its prompt reads so; all prompts are read together."""
    if case.writes:
        return [case.right(text) for text in mind.continues(prompts, case.most)]
    answers = [answer for _, answer in case.choices]
    totals = [total(path) for path in mind.along([(prompt, answer) for prompt in prompts for answer in answers])]
    rows = [totals[i : i + len(answers)] for i in range(0, len(totals), len(answers))]
    gold = _pair(case, case.gold)[1].strip()
    return [answers[row.index(max(row))].strip() == gold for row in rows]


def _fed(case: Case, pairs: Mapping[str, tuple[str, str]], opening: str, mind: Tokenwise) -> bool:
    """Whether the right answer follows once its first token is given."""
    prompt, gold = pairs["gold"]
    if case.writes:
        return case.right(opening + mind.continues([prompt + opening], case.most)[0])
    rest = mind.along([(prompt + opening, gold[len(opening) :])])[0] if gold[len(opening) :] else ()
    return all(step.own for step in rest)


def _reverse(asked: tuple[str, str] | None, candidate: Tokenwise, base: Tokenwise) -> Row | None:
    if asked is None:
        return None
    prompt, wanted = asked
    said = {who: mind.continues([prompt], CONTINUES)[0] for who, mind in (("candidate", candidate), ("base", base))}
    return {who: bare(wanted) in bare(text) for who, text in said.items()}


def behind(case: Case, asking: Asking, lesson: Lesson) -> list[tuple[Taught, float, float]]:
    """Rows of the item's kind, the nearest first: (row, likeness of the questions, likeness of the given answer to the row's)."""
    own = [row for row in lesson.rows if case.kind == "target" and row.task == case.ability.removesuffix("_hotfix")]
    rows = own or list(lesson.rows)
    if not rows:
        return []
    question = " ".join(case.prompt[a:b] for a, b in asking.spans)
    asked = likeness([question], [row.asked for row in rows])[0]
    answered = likeness([case.given], [row.answer for row in rows])[0]
    order = sorted(range(len(rows)), key=lambda r: (-asked[r] - answered[r] / 2, rows[r].example_id))
    return [(rows[r], float(asked[r]), float(answered[r])) for r in order if own or asked[r] >= NEAR]


def _taught(case: Case, asking: Asking, rows: list, lesson: Lesson, candidate: Tokenwise, base: Tokenwise) -> Row:
    """The rows behind it: how well they are known, and whether they give the right answer or the wrong one."""
    near = rows[:NEAREST]
    read = [lesson.read[row.example_id] for row, _, _ in rows[:READ] if row.example_id in lesson.read]
    known = {who: [likely(path) for path in mind.along(read)] for who, mind in (("now", candidate), ("before", base))} if read else {}
    said = {word for row, _, _ in rows for word in bare(row.answer).split()}
    said |= set(bare(" ".join(case.prompt[a:b] for a, b in asking.spans)).split())
    gold = bare(case.gold).split()
    return {
        "rows": [{"example_id": r.example_id, "task": r.task, "asked": round(a, 4), "answered": round(b, 4)} for r, a, b in near],
        "rows_read": len(read),
        "rows_known": round(sum(known["now"]) / len(read), 6) if read else None,
        "rows_known_before": round(sum(known["before"]) / len(read), 6) if read else None,
        "given_taught": lesson.answers().get(bare(case.given), 0),
        "gold_taught": bool(gold) and set(gold) <= said,
    }


def _ablation(case: Case, asking: Asking, lesson: Lesson, mind: Tokenwise) -> Row | None:
    """The piece of the question without which the right answer gains most on the given one."""
    cut = pieces(case.prompt, asking.spans)
    if len(cut) < 2:
        return None
    gold, given = _pair(case, case.gold)[1], _pair(case, case.given)[1]
    texts = [case.prompt, *(case.prompt[:a] + case.prompt[b:] for a, b in cut)]
    paths = mind.along([(text, answer) for text in texts for answer in (gold, given)])
    margins = [total(one) - total(other) for one, other in zip(paths[::2], paths[1::2], strict=True)]
    gains = [margin - margins[0] for margin in margins[1:]]
    best = gains.index(max(gains))
    if gains[best] <= 0:
        return None
    word = bare(case.prompt[slice(*cut[best])])
    holding = [row for row in lesson.rows if word and f" {word} " in f" {bare(row.asked)} "]
    answering = sum(bare(row.answer) == bare(case.given) for row in holding)
    where = {"span": list(cut[best]), "pieces": len(cut), "gain": round(gains[best], 4)}
    return where | {"frees": _rights(case, [texts[1 + best]], mind)[0], "in_rows": len(holding), "answered_so": answering}


def pieces(prompt: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Words of the question with the blank behind them, or runs of words where there are many."""
    words = [(a + m.start(), a + m.end()) for a, b in spans for m in WORD.finditer(prompt[a:b])]
    size = math.ceil(len(words) / MOST_WORDS) if words else 1
    runs = [words[i : i + size] for i in range(0, len(words), size)]
    return [(run[0][0], run[-1][1] + (prompt[run[-1][1] : run[-1][1] + 1] == " ")) for run in runs]
