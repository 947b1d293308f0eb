"""One batch before the judge: may it be believed tonight, what is put to it, what that may cost, and what it said."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pipeline import lineage
from pipeline.mine import judge_control, trial_book
from pipeline.mine import judge_questions as ask
from pipeline.mine.complaints import Complaint, Ruled, Ruling
from pipeline.mine.judge import Judge, Spent
from pipeline.mine.judge_control import Checked
from pipeline.mine.judge_ruling import MOST_CALLS, rule
from pipeline.mine.marks import Drop
from pipeline.mine.trial_cases import FEEDBACK, PAIRS
from pipeline.mine.trial_stats import Errors, corrected
from pipeline.progress import say, track
from pipeline.recipe import Mining
from pipeline.recipe import digest as sha


@dataclass(frozen=True)
class Standing:
    """How far the judge is believed in this batch: about turns, about pairs of answers; else why not."""

    feedback: bool
    pairs: bool
    why: str
    trial: dict[str, Any] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        at = {"at": self.trial["at"], "sha": sha(self.trial)[:16]} if self.trial else None
        return {"feedback": self.feedback, "pairs": self.pairs, "why": self.why, "trial": at}


def sit(judge: Judge, logs: str, complaints: Sequence[Complaint], dropped: Sequence[Drop], mining: Mining) -> Ruled:
    """Rule on a batch's complaints. Twice is once: what was answered is remembered, and what it cost counts again."""
    if not complaints:
        standing = Standing(False, False, "there is no complaint to ask about")
        return Ruled((), tuple(dropped), _account(judge, standing, [], Spent(), None))
    with lineage.lock(judge.settings, f"judge-{logs}"):
        trial = trial_book.last(judge.settings, judge.identity)
        refused = _untried(judge, trial)
        checked = Checked({}, Spent()) if refused else judge_control.check(judge, logs)
        standing = refused or _standing(judge, trial, checked)
        if not standing.feedback:
            say(f"judge {judge.name} is not used: {standing.why}")
        elif not standing.pairs:
            say(f"judge {judge.name} builds no pairs: {standing.why}")
        rulings, spent = _heard(judge, complaints, standing, checked, mining)
    return Ruled(tuple(rulings), tuple(dropped), _account(judge, standing, rulings, spent, checked))


def _untried(judge: Judge, trial: dict[str, Any] | None) -> Standing | None:
    """A judge that nobody tried, or that failed, is not even asked: missing evidence is never a pass."""
    if trial is None and not judge.judging.on_trust:
        why = "it was not tried on people's verdicts in these words: run `equipoise audit`, then `equipoise judge`"
        return Standing(False, False, f"{why} (or set judging.on_trust)")
    if trial is not None and not trial["passes"][FEEDBACK]:
        return Standing(False, False, f"it failed its trial of {trial['at'][:10]}: {'; '.join(trial['why'])}", trial)
    return None


def _standing(judge: Judge, trial: dict[str, Any] | None, checked: Checked) -> Standing:
    if checked.unanswered:
        return Standing(False, False, checked.unanswered, trial)
    least, of = judge.judging.least_control, len(judge_control.controls())
    if checked.right < least * of:
        return Standing(
            False, False, f"{checked.right} of {of} control questions right, judging.least_control is {least:g}: try it again", trial
        )
    if trial is None:
        return Standing(True, True, "on trust: it was never tried on people's verdicts")
    moved = judge_control.drifted(checked.said, trial["control"], trial["same"]["share"] or 0.0)
    if moved:
        return Standing(False, False, f"{moved}: run `equipoise judge` again", trial)
    return Standing(True, trial["passes"][PAIRS], "; ".join(trial["why"]), trial)


def _heard(
    judge: Judge, complaints: Sequence[Complaint], standing: Standing, checked: Checked, mining: Mining
) -> tuple[list[Ruling], Spent]:
    """Rule on them in their order, some at a time, until the budget is spent; the rest is not asked, and says so."""
    bar, spent, start = judge.judging, Spent(**vars(checked.spent)), time.monotonic()
    if not standing.feedback:
        silent = "judge_unanswered" if checked.unanswered else "judge_not_trusted"
        return [Ruling(c, silent, {"model": judge.name}) for c in complaints], spent
    rulings: list[Ruling] = []
    with ThreadPoolExecutor(bar.parallel) as pool:
        for some in track(
            _chunks(complaints, bar.parallel), f"judge: {bar.parallel} complaints at a time", -(-len(complaints) // bar.parallel)
        ):
            late = time.monotonic() - start > bar.minutes * 60
            if late or spent.calls + len(some) * MOST_CALLS > bar.calls or spent.tokens >= bar.tokens:
                rulings += [Ruling(c, "judge_budget", {"model": judge.name}) for c in some]
                continue
            for ruling, cost in pool.map(lambda c: rule(judge, c, mining, standing.pairs), some):
                rulings.append(ruling)
                spent.add(cost.calls, cost.tokens, cost.remembered)
    return rulings, spent


def _chunks(complaints: Sequence[Complaint], size: int) -> Iterator[Sequence[Complaint]]:
    for n in range(0, len(complaints), size):
        yield complaints[n : n + size]


def _account(judge: Judge, standing: Standing, rulings: Sequence[Ruling], spent: Spent, checked: Checked | None) -> dict[str, Any]:
    """What the manifest keeps: who judged, on what standing, at what cost, and the share of rewrites that win, corrected for its errors."""
    tried = [r for r in rulings if "resolved" in r.facts]
    won = sum(ask.agreed(tuple(r.facts["resolved"])) == ask.FIRST for r in tried)
    known = (standing.trial or {}).get(PAIRS)
    errors = Errors(*(known[k] for k in ("hits", "misses", "false_alarms", "rejections"))) if known else Errors(0, 0, 0, 0)
    return {
        "judge": judge.identity,
        "standing": standing.facts,
        "control": {"right": checked.right, "of": len(judge_control.controls())} if checked and checked.said else None,
        "complaints": len(rulings),
        "outcomes": dict(sorted(Counter(r.outcome for r in rulings).items())),
        "rewrites_better": corrected(won, len(tried), errors),
        "calls": spent.calls,
        "tokens": spent.tokens,
    }


def named(ruled: Ruled) -> dict[str, Any]:
    """What the pairs id covers: the judge, its prompts, its standing, whether it answered, and what it left open."""
    account = ruled.account
    open_ = [r.complaint.id for r in ruled.rulings if r.outcome in ("judge_unanswered", "judge_refused", "judge_budget")]
    standing = {k: account["standing"][k] for k in (FEEDBACK, PAIRS, "trial")}
    answered = any(r.outcome not in ("judge_unanswered", "judge_refused", "judge_budget", "judge_not_trusted") for r in ruled.rulings)
    return {**account["judge"], "standing": standing, "answered": answered, "open": sha(sorted(open_)) if open_ else None}
