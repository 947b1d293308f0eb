"""Caps: a tenth of the raters gives half of the thumbs; no user fills a day."""

import hashlib
from collections import Counter

from pipeline.mine.candidates import Candidate
from pipeline.mine.marks import Drop


def by_user(candidates: list[Candidate], most: int) -> tuple[list[Candidate], list[Drop]]:
    """At most so many rows of one user in a batch, drawn by a hash of what was said, so that no time of day is favoured.

    Rows of one signal are drawn together. A hotfix is not under the cap: its author is the operator.
    """
    kept, dropped = [], []
    rows: Counter[str] = Counter()
    for c in sorted(candidates, key=_lot):
        if c.talk.hotfix or rows[c.speaker.voice] < most:
            kept.append(c)
            rows[c.speaker.voice] += not c.talk.hotfix
        else:
            dropped.append(Drop("user_cap", c, c.kind))
    return kept, dropped


def _lot(c: Candidate) -> tuple:
    lot = hashlib.sha256(f"{c.talk.conversation_id}\n{c.speaker.event_id}".encode()).hexdigest()
    return (lot, c.kind != "sft", c.example_id)


def largest_share(candidates: list[Candidate]) -> float:
    """The largest part of all rows that one user gave."""
    rows = Counter(c.speaker.voice for c in candidates)
    return round(max(rows.values()) / len(candidates), 4) if rows else 0.0
