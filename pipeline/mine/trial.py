"""The judge on trial: `equipoise judge` asks it what people have judged already, and says whether mine may believe it, and how far."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.audit.agreement import wilson
from pipeline.errors import Transient
from pipeline.mine import judge_control, trial_book, trial_stats
from pipeline.mine import judge_questions as ask
from pipeline.mine.judge import About, Judge, Spent, Unanswered
from pipeline.mine.trial_cases import FEEDBACK, PAIRS, Tried
from pipeline.mine.trial_stats import Errors
from pipeline.progress import track
from pipeline.spec import Judging

AGAIN = 40  # statements that are asked a second time: a judge that changes one in ten is then between .77 and .96


@dataclass(frozen=True)
class Heard:
    """What the judge said to one statement. `word`: a class, or which answer; None where it gave nothing readable."""

    of: Tried
    word: str | None
    orders: tuple[str, str] | None = None

    @property
    def yes(self) -> bool:
        return self.word == (self.of.says if self.of.kind == FEEDBACK else ask.FIRST)


def run(judge: Judge, tried: Sequence[Tried], salt: str) -> dict[str, Any]:
    """Try it and write the result into the book. salt: what makes this trial's asking a new one. Transient where the endpoint is down."""
    spent = Spent()
    first = _all(judge, tried, f"{salt} first", "judge on trial", spent)
    again = [h.of for h in first if h.word is not None][:: max(1, len(first) // AGAIN)][:AGAIN]
    second = _all(judge, again, f"{salt} second", "judge once more", spent)
    checked = judge_control.check(judge, salt)
    spent.add(checked.spent.calls, checked.spent.tokens, checked.spent.remembered)
    if judge.down or checked.unanswered:
        raise Transient(f"the trial is not finished: {judge.down or checked.unanswered}")
    found = figures(first, second) | {"control": dict(checked.said), "control_right": checked.right}
    passes, why = passed(found, judge.judging)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    trial = {"at": at, "judge": judge.identity, "passes": passes, "why": why, "calls": spent.calls, "tokens": spent.tokens} | found
    trial_book.add(judge.settings, trial)
    return trial


def _all(judge: Judge, tried: Sequence[Tried], salt: str, label: str, spent: Spent) -> list[Heard]:
    heard = []
    with ThreadPoolExecutor(judge.judging.parallel) as pool:
        for one, cost in track(pool.map(lambda t: _one(judge, t, salt), tried), label, len(tried)):
            heard.append(one)
            spent.add(cost.calls, cost.tokens, cost.remembered)
    return heard


def _one(judge: Judge, t: Tried, salt: str) -> tuple[Heard, Spent]:
    """Pairs with the user's words are put as in mine, by what the words want; the others as a plain comparison."""
    about = About(t.conversation_id, t.user_hash)
    try:
        if t.kind == FEEDBACK:
            return Heard(t, ask.feedback(judge, t.exchange, about, salt)["class"]), about.spent
        if t.exchange.words:
            orders = ask.resolved(judge, t.exchange, [t.exchange.words[:300]], t.a, t.b, about, salt)
        else:
            orders = ask.compare(judge, t.exchange, t.a, t.b, about, salt)
        return Heard(t, ask.agreed(orders), orders), about.spent
    except Unanswered:
        return Heard(t, None), about.spent


def figures(first: Sequence[Heard], second: Sequence[Heard]) -> dict[str, Any]:
    """Errors by kind of question, the share that stays the same, and what place and length do to it. An unreadable reply counts as no."""
    kinds = {
        kind: Errors.of([(h.of.holds, h.yes) for h in first if h.of.kind == kind]).figures()
        | {"unreadable": sum(h.word is None for h in first if h.of.kind == kind)}
        for kind in (FEEDBACK, PAIRS)
    }
    before = {h.of.id: h.word for h in first}
    same = sum(h.word == before[h.of.id] for h in second)
    orders = [h.orders for h in first if h.orders]
    return kinds | {
        "same": {"n": len(second), "same": same, "share": same / len(second) if second else None, "interval": wilson(same, len(second))},
        "position": trial_stats.position(orders),
        "length": trial_stats.length_bias(_longer(first)),
    }


def _longer(heard: Sequence[Heard]) -> list[tuple[bool, bool]]:
    """(people prefer the longer answer, the judge does) for pairs that both decide; a pair that people found wrong names no better one."""
    found = []
    for h in heard:
        decided = h.of.kind == PAIRS and h.word in (ask.FIRST, ask.SECOND) and len(h.of.a) != len(h.of.b)
        better = h.of.a if h.of.holds else h.of.b
        if decided:
            longer = max((h.of.a, h.of.b), key=len)
            found.append((better == longer, (h.of.a if h.word == ask.FIRST else h.of.b) == longer))
    return found


def passed(found: dict[str, Any], bar: Judging) -> tuple[dict[str, bool], list[str]]:
    """Whether it may be believed about turns, and about pairs of answers; and why not, each with figure, limit and next move."""
    why: list[str] = []
    good = {kind: _kind(kind, found[kind], bar, why) for kind in (FEEDBACK, PAIRS)}
    right, of = found["control_right"], len(judge_control.controls())
    if right < bar.least_control * of:
        why.append(f"{right} of {of} control questions right, judging.least_control is {bar.least_control:g}: choose another model")
        good = dict.fromkeys(good, False)
    share = found["same"]["share"]
    if share is not None and share < bar.least_same:
        why.append(f"asked again it says the same in {share:.0%}, judging.least_same is {bar.least_same:.0%}: choose another model")
        good = dict.fromkeys(good, False)
    if found["length"]["low"] > bar.most_length_bias:
        low, most = found["length"]["low"], bar.most_length_bias
        why.append(f"it prefers the longer answer at least {low:.0%} oftener than people, judging.most_length_bias is {most:.0%}")
        good[PAIRS] = False
    return good, why


def _kind(kind: str, figures: dict[str, Any], bar: Judging, why: list[str]) -> bool:
    if figures["n"] < bar.least_cases:
        why.append(f"{kind}: {figures['n']} cases judged by people, judging.least_cases is {bar.least_cases}: equipoise audit")
        return False
    agreed, between = figures["kappa"], figures["kappa_interval"]
    if agreed is None or between is None:
        why.append(f"{kind}: people said one word only, so agreement is not defined: audit more cases")
        return False
    if agreed < 0 and between[1] < 0:
        why.append(f"{kind}: kappa {agreed:.2f}, it says the opposite of people: a flipped judge")
        return False
    if agreed < bar.least_kappa or between[0] <= 0:
        why.append(
            f"{kind}: kappa {agreed:.2f} ({between[0]:.2f} to {between[1]:.2f}), judging.least_kappa is {bar.least_kappa:g} and the interval must lie above 0"
        )
        return False
    return True
