"""What the reasons of the quarantine mean and what to do about them, as data: reasons.yaml beside this file."""

import re
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from pipeline.spec import Spec

FILE = Path(__file__).with_name("reasons.yaml")
HOLE = re.compile(r"\{\w*\}")


class Reason(Spec):
    """One entry of the table."""

    reason: str
    """As it stands in the quarantine; {…} for what differs from row to row."""
    means: str
    bad: str | None = None
    """A line that is refused for it; none where it would be too long to show."""
    good: str | None = None
    """The same line as it should be."""
    rule: str
    """What the log's format asks."""
    todo: str
    format: str = "native"
    """The format whose lines these are."""

    @property
    def shape(self) -> re.Pattern[str]:
        return re.compile("(.+)".join(map(re.escape, HOLE.split(self.reason))))


@lru_cache(maxsize=1)
def table() -> list[Reason]:
    """All reasons, in the order in which a line meets them."""
    return TypeAdapter(list[Reason]).validate_python(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def explain(reason: str) -> Reason | None:
    """The entry of a reason: the plain ones first, then those with a hole, the longest name first."""
    fitting = [entry for entry in table() if entry.shape.fullmatch(reason) or entry.reason == reason]
    return max(fitting, key=lambda e: (HOLE.search(e.reason) is None, len(HOLE.sub("", e.reason))), default=None)


def like(words: str) -> list[str]:
    """Reasons that somebody who typed these words may have meant."""
    import difflib

    names = [entry.reason for entry in table()]
    return [n for n in names if words.lower() in n.lower()] or difflib.get_close_matches(words, names, n=3, cutoff=0.4)


def line(text: str) -> bytes:
    """An example as the bytes of a line: `\\xNN` is one raw byte."""
    parts = re.split(r"\\x([0-9a-f]{2})", text)
    return b"".join(bytes([int(p, 16)]) if i % 2 else p.encode() for i, p in enumerate(parts))
