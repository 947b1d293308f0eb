"""The files of one day on their way into the lake: every line gets exactly one outcome, and the outcomes are counted."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipeline.ingest import rows
from pipeline.ingest.chunk import Understood, understand
from pipeline.ingest.derive import Clock
from pipeline.ingest.merge import UNCHANGED, Changes, Known, Place
from pipeline.ingest.quarantine import Row
from pipeline.ingest.read import File, Line
from pipeline.ingest.scrub import suspects

COUNTS = ("lines", "stored", "updated", "unchanged", "quarantined", "quarantined_events")
ROOM = 10**9  # rows of batch n have arrived from n x 10^9 on: more than any batch holds


@dataclass
class Batch:
    """What one batch reads, and what became of it so far."""

    day: date
    number: int
    before: set[str]
    """sha256 of files that were read by the same rules: their lines say nothing new, and must not undo what came after them."""
    consent_default: bool
    hashed: Callable[[str | None], str | None]
    format: str = "native"
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[dict[str, Any]] = field(default_factory=list)
    said: Any = field(default_factory=hashlib.sha256)
    changed: bool = False
    _arrived: int = 0
    _file: File | None = None

    def understand(self, part: list[tuple[File, Line]]) -> list[tuple[File, Understood | Row]]:
        clock = Clock.of(self.day)
        return [(file, understand(file, line, clock, self.consent_default, self.format)) for file, line in part]

    def take(self, part: list[tuple[File, Understood | Row]], known: dict[str, Known]) -> tuple[Changes, list[list[Any]]]:
        """Give every line its outcome; returns the rows that change the lake, and the rows of the quarantine."""
        changes = Changes(self.hashed, suspects(text for _, one in part if isinstance(one, Understood) for text in one.texts()))
        refused: list[list[Any]] = []
        for file, one in part:
            self.counts["lines"] += 1
            seen = self._seen(file)
            if isinstance(one, Row):
                self._refuse(file, one, refused, seen)
                continue
            outcome = UNCHANGED
            if not seen:
                at = known.setdefault(one.found.conversation_id, Known())
                flags = [] if file.dated else ["day from the clock"]
                outcome = changes.line(one.found, at, Place(file.sha, one.number, self._next(1 + one.events), self.day, flags))
            self.counts[outcome] += 1
            for row in one.refused:
                self._refuse(file, row, refused, seen)
        self._say(changes.said)
        return changes, refused

    def result(self) -> dict[str, Any]:
        """The counts, and every refusal by line."""
        counts = {name: self.counts[name] for name in COUNTS}
        whole = counts["stored"] + counts["updated"] + counts["unchanged"] + counts["quarantined"]
        assert counts["lines"] == whole, f"{counts['lines']} lines came in and {whole} were accounted for"
        reasons = Counter(r["reason"] for r in self.refused)
        return {"day": self.day.isoformat(), **counts, "reasons": dict(sorted(reasons.items())), "quarantine": self.refused}

    def _seen(self, file: File) -> bool:
        """Whether the file was read before, in an earlier batch or under another name in this one."""
        if self._file is not file:
            if self._file is not None:
                self.before.add(self._file.sha)
            self._file = file
        return file.sha in self.before

    def _next(self, room: int) -> int:
        """A place in the order of arrival, with room behind it."""
        at = self.number * ROOM + self._arrived
        self._arrived += room
        return at

    def _refuse(self, file: File, row: Row, into: list[list[Any]], seen: bool) -> None:
        self.counts["quarantined" if row.what == "line" else "quarantined_events"] += 1
        self.refused.append({"file": file.name, "line": row.line, "what": row.what, "reason": row.reason})
        if seen:
            return
        self._say([f"q {file.sha} {row.line} {row.what} {row.event_id} {row.reason}"])
        cells = {name: getattr(row, name, None) for name in rows.COLUMNS["quarantine"]}
        cells |= {"day": self.day, "file_sha": file.sha, "file_name": file.name, "arrived": self._next(1)}
        into.append(list((cells | {"user_hash": self.hashed(row.user_id)}).values()))

    def _say(self, words: list[str]) -> None:
        for word in words:
            self.said.update(word.encode() + b"\n")
            self.changed = True
