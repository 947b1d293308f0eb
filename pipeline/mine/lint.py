"""Lint: what is wrong with a batch as a whole, in sentences; a stop keeps the offending rows out, with the reason."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.mine import lint_checks
from pipeline.mine.candidates import Candidate
from pipeline.mine.marks import Drop
from pipeline.recipe import Mining

FEWEST = 20  # rows of a kind in a task; of fewer a share says little, and a mean length nothing
NAMES = {"sft": "examples", "dpo": "pairs", "kto": "votes"}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a task's rows of one kind."""

    level: str
    """stop or warning"""
    reason: str
    task: str
    kind: str
    rows: int
    words: str
    offending: tuple[Candidate, ...] = ()
    """Rows that a stop leaves out."""

    @property
    def sentence(self) -> str:
        return f"{self.task}, {self.rows} {NAMES[self.kind]}: {self.words}"

    def record(self) -> dict[str, Any]:
        return {"level": self.level, "reason": self.reason, "task": self.task, "kind": self.kind, "rows": self.rows, "words": self.sentence}


def checked(candidates: list[Candidate], mining: Mining) -> tuple[list[Candidate], list[Drop], list[Finding]]:
    """The rows that pass, the others with their reason, and what to say. A hotfix is taught as it was written."""
    groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for c in candidates:
        if not c.talk.hotfix:
            groups[c.task, c.kind].append(c)
    out: dict[int, str] = {}
    said = []
    for (task, kind), rows in sorted(groups.items()):
        for finding in _findings(task, kind, rows, mining):
            said.append(finding)
            if finding.level == "stop":
                out |= {id(c): finding.reason for c in finding.offending if id(c) not in out}
    return [c for c in candidates if id(c) not in out], [Drop(out[id(c)], c, c.kind) for c in candidates if id(c) in out], said


def _findings(task: str, kind: str, rows: list[Candidate], mining: Mining) -> Iterator[Finding]:
    """Single rows first: what they hide must not colour the batch's figures."""
    stop = "stop" if mining.lint == "stop" else "warning"
    for reason, words, fault in lint_checks.ROWS:
        bad = tuple(c for c in rows if fault(c))
        if bad:
            yield Finding(stop, reason, task, kind, len(rows), f"{len(bad)} {words}{_end(stop, 'these are', bad)}", bad)
            rows = [c for c in rows if c not in bad] if stop == "stop" else rows
    if len(rows) < FEWEST:
        return
    for check in lint_checks.BATCH:
        for level, reason, words in check(kind, rows):
            level_here = stop if level == "stop" else level
            yield Finding(level_here, reason, task, kind, len(rows), words + _end(level_here, "none of them is", tuple(rows)), tuple(rows))


def _end(level: str, which: str, bad: tuple[Candidate, ...]) -> str:
    if level != "stop":
        return ""
    return (
        f"; {which if len(bad) != 1 else 'it is'} taught"
        if which.startswith("none")
        else f"; {which if len(bad) != 1 else 'this is'} not taught"
    )
