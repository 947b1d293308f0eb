"""The held-out split: some users and conversations are never trained on; what they corrected becomes the test."""

import hashlib
from collections import Counter
from collections.abc import Iterable

from pipeline.mine.candidates import Candidate
from pipeline.mine.marks import Drop, Mark
from pipeline.recipe import Mining


def drawn(unit: str, share: float) -> bool:
    """Whether a user (or a conversation without one) is in the cohort: the same on every day, and a larger share only adds."""
    return int(hashlib.sha256(f"held out:{unit}".encode()).hexdigest()[:16], 16) < share * 2**64


def divide(marks: list[Mark], share: float) -> tuple[list[Mark], list[Mark], list[Drop]]:
    """Marks to train on, marks of held-out conversations, and words of held-out users elsewhere.

    The unit is the conversation's user, whose question it is. A hotfix was written to be taught and is never held out.
    """
    taught, held, dropped = [], [], []
    for m in marks:
        if m.talk.hotfix:
            taught.append(m)
        elif drawn(m.talk.unit, share):
            held.append(m)
        elif drawn(m.signal.voice, share):
            dropped.append(Drop("held_out_user", m))
        else:
            taught.append(m)
    return taught, held, dropped


def tests(candidates: list[Candidate], written: frozenset[str], mining: Mining) -> tuple[list[Candidate], list[Drop]]:
    """Corrected answers of held-out conversations as test items: each prompt once, and not more a task than the recipe wants."""
    kept: list[Candidate] = []
    dropped: list[Drop] = []
    seen: set[tuple[str, str]] = set()
    full: Counter[str] = Counter()
    for c in sorted(candidates, key=lambda c: (hashlib.sha256(c.context.asked[-1].encode()).hexdigest(), c.order)):
        prompt = (c.task, c.context.asked[-1])
        if c.context.asked[-1] in written:
            dropped.append(Drop("held_out_prompt", c, c.kind))
        elif prompt in seen or full[c.task] >= mining.heldout_rows:
            dropped.append(Drop("held_out_surplus", c, c.kind))
        else:
            kept.append(c)
            seen.add(prompt)
            full[c.task] += 1
    return kept, dropped


def apart(candidates: list[Candidate], held_out: Iterable[str]) -> tuple[list[Candidate], list[Drop]]:
    """Rows that ask no held-out question, neither as their prompt nor on the way to it."""
    prompts = frozenset(held_out)
    kept = [c for c in candidates if prompts.isdisjoint(c.context.asked)]
    return kept, [Drop("held_out_prompt", c, c.kind) for c in candidates if not prompts.isdisjoint(c.context.asked)]
