"""One complaint before the judge: is it one, is it everybody's, is it a fact, can the answer be mended, and was it?"""

from typing import Any

from pipeline.mine import judge_questions as ask
from pipeline.mine.complaints import FAULTED, Complaint, Ruling, cosmetic
from pipeline.mine.judge import About, Judge, Spent, Unanswered
from pipeline.mine.judge_prompts import AGAINST
from pipeline.recipe import Mining

MOST_CALLS = 10
"""Of one complaint: five questions (the checklist is asked in both orders), each with one repair."""


def rule(judge: Judge, c: Complaint, mining: Mining, pairs: bool) -> tuple[Ruling, Spent]:
    """The ruling and its cost. pairs: whether the judge has shown that it can tell a mended answer from the old one."""
    about = About(c.heard.conversation_id, c.heard.user_hash)
    facts: dict[str, Any] = {"model": judge.name}
    rewritten = None
    try:
        outcome = _faulted(judge, c, about, facts)
        if outcome is None:
            outcome, rewritten = _mended(judge, c, mining, about, facts) if pairs else (_alone(facts, "pairs_not_trusted"), None)
    except Unanswered as error:
        outcome = error.reason
    facts.pop("points", None)
    return Ruling(c, outcome, facts, rewritten), about.spent


def _faulted(judge: Judge, c: Complaint, about: About, facts: dict[str, Any]) -> str | None:
    """None where the complaint stands: the judge reads one too, anybody would make it, and it needs no belief in what the user claims."""
    heard = ask.feedback(judge, c.exchange, about)
    facts |= {"class": heard["class"], "quote": heard["quote"], "points": heard["points"]}
    if heard["class"] not in AGAINST:
        return "judge_disagrees"
    found = ask.general(judge, c.exchange, about)
    facts |= found
    if found["applies_to"] == "this_user":
        return "personal_taste"
    if found["adds"] == "wish":
        return "needs_more_than_asked"
    return {"contradicted": "fact_conflict", "unknown": "unverified_fact"}.get(found["claim"])


def _mended(judge: Judge, c: Complaint, mining: Mining, about: About, facts: dict[str, Any]) -> tuple[str, str | None]:
    """The rewritten answer where the checklist finds in both orders that it resolves the complaint and the old one does not."""
    old, points = c.mark.turn.content or "", facts["points"]
    try:
        new = ask.rewrite(judge, c.exchange, points, c.mark.card, about)
        fault = _unusable(old, new)
        if fault:
            return _alone(facts, fault), None
        orders = ask.resolved(judge, c.exchange, points, new, old, about)
    except Unanswered as error:
        if error.reason != "judge_unreadable":
            raise  # the endpoint may be back tomorrow: no half ruling is sealed for it
        return _alone(facts, error.reason), None
    facts["resolved"] = list(orders)
    if ask.agreed(orders) != ask.FIRST:
        return _alone(facts, "not_resolved"), None
    return ("sft" if cosmetic(old, new, mining) else "pair"), new


def _unusable(old: str, new: str) -> str | None:
    if " ".join(new.split()) == " ".join(old.split()):
        return "equal_answers"
    return "rewrite_mentions_complaint" if ask.MENTIONS.match(new) and not ask.MENTIONS.match(old) else None


def _alone(facts: dict[str, Any], why: str) -> str:
    """Without a better answer: the old one was bad, where the words say so by themselves."""
    facts["no_pair"] = why
    return "kto" if facts["class"] in FAULTED else "too_weak_alone"
