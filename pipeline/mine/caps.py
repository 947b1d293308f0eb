"""Caps: a tenth of the raters gives half of the thumbs; no user fills a day."""

import hashlib
from collections import Counter

from pipeline.mine.candidates import Candidate
from pipeline.mine.explicit import Signal
from pipeline.mine.marks import Drop, Mark


def words(marks: list[Mark], most: int) -> tuple[list[Mark], list[Drop]]:
    """At most so many votes, picks and edits of one user a day are heard at all: a flood outvotes nobody either."""
    kept, dropped = [], []
    heard: Counter[tuple] = Counter()
    for m in sorted(marks, key=lambda m: lot(m.signal)):
        counted = m.signal.kind not in ("copy", "regenerate") and not m.talk.hotfix
        if counted and heard[m.signal.voice, m.signal.day] >= most:
            dropped.append(Drop("user_cap", m))
        else:
            kept.append(m)
            heard[m.signal.voice, m.signal.day] += counted
    return sorted(kept, key=lambda m: m.signal.order), dropped


def by_user(candidates: list[Candidate], most: int) -> tuple[list[Candidate], list[Drop]]:
    """At most so many rows of one user in a batch, drawn by a hash of what was said, so that no time of day is favoured.

    Rows of one signal are drawn together. A hotfix is not under the cap: its author is the operator.
    """
    kept, dropped = [], []
    rows: Counter[str] = Counter()
    for c in sorted(candidates, key=lambda c: (lot(c.speaker), c.kind != "sft", c.example_id)):
        if c.talk.hotfix or rows[c.speaker.voice] < most:
            kept.append(c)
            rows[c.speaker.voice] += not c.talk.hotfix
        else:
            dropped.append(Drop("user_cap", c, c.kind))
    return kept, dropped


def lot(s: Signal) -> str:
    return hashlib.sha256("\n".join(s.event).encode()).hexdigest()


def largest_share(candidates: list[Candidate]) -> float:
    """The largest part of all rows that one user gave."""
    rows = Counter(c.speaker.voice for c in candidates)
    return round(max(rows.values()) / len(candidates), 4) if rows else 0.0
