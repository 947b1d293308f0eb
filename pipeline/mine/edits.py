"""Edits: the strongest word a user gives us. The old answer was bad, theirs is better."""

import re
from difflib import SequenceMatcher

from pipeline.mine import answers
from pipeline.mine.candidates import Candidate, plain
from pipeline.mine.explicit import STRENGTH
from pipeline.mine.marks import Drop, Mark
from pipeline.recipe import Mining

LONG_CHARS = 500  # above this, texts are compared by words: by characters the comparison takes seconds
TOKEN = re.compile(r"\w+|\W")


def telling(marks: list[Mark], mining: Mining) -> tuple[list[Mark], list[Drop]]:
    """Edits that say something: of the right form, and not what the answer said already."""
    kept, dropped = [], []
    for m in marks:
        reason = _empty_words(m, mining)
        if reason:
            dropped.append(Drop(reason, m))
        else:
            kept.append(m)
    return kept, dropped


def _empty_words(m: Mark, mining: Mining) -> str | None:
    text = (m.signal.text or "").strip()
    if m.turn.tool_calls:
        return "edit_of_tool_call"
    if len(text) < mining.min_edit_chars:
        return "edit_too_short"
    if text == m.turn.text:
        return "edit_equals_answer"
    return answers.fault(text, m.card)


def rows(marks: list[Mark], mining: Mining) -> tuple[list[Candidate], list[Drop]]:
    """Each edit as an SFT row, and as a pair where more than its looks has changed."""
    made, dropped = [], []
    for m in marks:
        source = "hotfix" if m.talk.hotfix else "edit"
        answer = plain("assistant", answers.tidy(m.signal.text or "", m.card))
        likeness = ratio(m.turn.text, (m.signal.text or "").strip(), mining.cosmetic_ratio)
        more = (("ratio", round(likeness, 3)),) if likeness is not None else ()
        common = (source, m, (m.turn.message_id,), (m.signal,), STRENGTH["edit"], answer)
        made.append(Candidate("sft", *common, more=more))
        dpo = Candidate("dpo", *common, rejected=m.turn.message, more=more)
        if likeness is not None and not m.talk.hotfix:
            dropped.append(Drop("cosmetic_edit", dpo, "dpo"))
        else:
            made.append(dpo)
    return made, dropped


def ratio(a: str, b: str, above: float) -> float | None:
    """Likeness of two texts as difflib measures it, where it is above a limit, else None.

    Its upper bounds are asked first: most edits are far enough from the answer for the costly figure not to matter.
    """
    long = max(len(a), len(b)) > LONG_CHARS
    match = SequenceMatcher(None, TOKEN.findall(a) if long else a, TOKEN.findall(b) if long else b, autojunk=False)
    if match.real_quick_ratio() <= above or match.quick_ratio() <= above:
        return None
    found = match.ratio()
    return found if found > above else None
