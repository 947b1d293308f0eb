"""Control questions with known answers, put to the judge before each batch: a flipped or drifting judge is found out before it makes a row."""

import json
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from pipeline.mine import judge_questions as ask
from pipeline.mine.judge import About, Judge, Spent, Unanswered
from pipeline.mine.judge_prompts import AGAINST, FOLDER
from pipeline.mine.judge_questions import Exchange

DRIFT_P = 0.01  # a night's false alarm: one in a hundred, and a new trial is all that it costs
LEAST_NOISE = 0.04  # a judge that answered alike in a small trial may still change a word in 25


@dataclass(frozen=True)
class Control:
    """One question whose answer is beyond doubt."""

    id: str
    exchange: Exchange
    truth: str
    """Of a turn: against, praise or no_feedback. Of two answers: first."""
    good: str = ""
    bad: str = ""


@cache
def controls() -> tuple[Control, ...]:
    lines = (FOLDER / "control.jsonl").read_text(encoding="utf-8").splitlines()
    found = []
    for row in map(json.loads, lines):
        exchange = Exchange(({"role": "user", "content": row["asked"]},), row["answer"], row["next"])
        found.append(Control(row["id"], exchange, row["truth"], row.get("better", ""), row["answer"]))
    return tuple(found)


@dataclass(frozen=True)
class Checked:
    """What the judge said to the control questions."""

    said: Mapping[str, str]
    spent: Spent
    unanswered: str | None = None
    """Why there is nothing to go by: the endpoint is down."""

    @property
    def right(self) -> int:
        return sum(self.said.get(c.id) == c.truth for c in controls())


def check(judge: Judge, salt: str) -> Checked:
    """Ask them all. salt: what makes this asking another one than the last; the batch, so that a second run of it asks nobody."""
    said: dict[str, str] = {}
    spent = Spent()
    with ThreadPoolExecutor(judge.judging.parallel) as pool:
        for control, word, cost in pool.map(lambda c: _said(judge, c, salt), controls()):
            said[control.id] = word
            spent.add(cost.calls, cost.tokens, cost.remembered)
    silent = [id for id, word in said.items() if word in ("judge_unanswered", "judge_refused")]
    if judge.down or len(silent) > len(said) / 2:
        return Checked({}, spent, judge.down or f"{len(silent)} of {len(said)} control questions got no answer")
    return Checked(said, spent)


def _said(judge: Judge, c: Control, salt: str) -> tuple[Control, str, Spent]:
    about = About()
    try:
        if c.good:
            points = [c.exchange.words]
            word = ask.agreed(ask.resolved(judge, c.exchange, points, c.good, c.bad, about, salt))
        else:
            found = ask.feedback(judge, c.exchange, about, salt)["class"]
            word = "against" if found in AGAINST else found
    except Unanswered as error:
        word = error.reason
    return c, word, about.spent


def drifted(now: Mapping[str, str], then: Mapping[str, str], same: float) -> str | None:
    """Whether more answers changed since the trial than the judge's own noise explains. same: its self-consistency then."""
    both = sorted(now.keys() & then.keys())
    flips = sum(now[id] != then[id] for id in both)
    chance = tail(flips, len(both), max(LEAST_NOISE, 1 - same))
    if not both or chance >= DRIFT_P:
        return None
    return f"{flips} of {len(both)} control questions are answered otherwise than at its last trial (by chance: p = {chance:.2g})"


def tail(k: int, n: int, p: float) -> float:
    """P(X >= k) of a binomial."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))
