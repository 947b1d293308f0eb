"""The files of one day on their way into the lake: every line gets exactly one outcome, and the outcomes are counted."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.ingest import forgotten, rows
from pipeline.ingest.bulk import Plain
from pipeline.ingest.chunk import Understood, understand
from pipeline.ingest.derive import Clock
from pipeline.ingest.drift import Profile
from pipeline.ingest.formats.base import Reading
from pipeline.ingest.merge import UNCHANGED, Changes, Known, Place
from pipeline.ingest.plain import columns
from pipeline.ingest.quarantine import Row
from pipeline.ingest.read import File, Line
from pipeline.ingest.scrub import Scrubber, suspects
from pipeline.ingest.tables import Tables, tables
from pipeline.people import Forgotten

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

COUNTS = ("lines", "stored", "updated", "unchanged", "quarantined", "quarantined_events")
ROOM = 10**9  # rows of block n have arrived from n x 10^9 on: more than any batch holds


@dataclass
class Batch:
    """What one batch reads, and what became of it so far."""

    day: date
    block: int
    """Where its rows stand in the order of arrival; 0 for a day that was stopped."""
    before: set[str]
    """sha256 of files that were read by the same rules: their lines say nothing new, and must not undo what came after them."""
    consent_default: bool
    hashed: Callable[[str | None], str | None]
    format: str = "native"
    forgotten: Forgotten = field(default_factory=lambda: Forgotten(frozenset(), b""))
    """Who may not come back."""
    reading: Reading = field(default_factory=Reading)
    """What the importers of other formats are told, and the records that they left out."""
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[dict[str, Any]] = field(default_factory=list)
    replaced: Counter[str] = field(default_factory=Counter)
    """Personal data that became placeholders, by kind."""
    profile: Profile = field(default_factory=Profile)
    said: Any = field(default_factory=hashlib.sha256)
    changed: bool = False
    _arrived: int = 0
    _first: dict[str, File] = field(default_factory=dict)

    def plain(self, con: "Connection", part: list[tuple[File, Line]]) -> Plain | None:
        """The lines that can be read many at a time."""
        if self.format not in ("auto", "native"):
            return None
        bodies = [
            (at, line.body)
            for at, (file, line) in enumerate(part)
            if type(line.body) is bytes and not line.problem and not self._seen(file)
        ]
        clock = Clock.of(self.day)
        found = columns(bodies, clock, self.consent_default)
        if not found:
            return None
        plain = Plain.of(found, clock)
        if self.forgotten:
            forgotten.leave(plain, self.forgotten, self.hashed)
        return plain

    def understand(self, part: list[tuple[File, Line]]) -> list[tuple[File, Understood | Row]]:
        clock = Clock.of(self.day)
        found = [(file, understand(file, line, clock, self.consent_default, self.format)) for file, line in part]
        return [(file, forgotten.screened(one, self.forgotten, self.hashed)) for file, one in found] if self.forgotten else found

    def take_plain(self, plain: Plain, part: list[tuple[File, Line]]) -> Tables | None:
        """Count and place the plain lines; returns their rows."""
        found = tables(plain, part, self.day, self.block * ROOM + self._arrived, self.hashed)
        if found is not None:
            self._arrived += found.room
            self.counts["lines"] += len(found.conversations)
            self.counts["stored"] += len(found.conversations)
            self._replaced(found.scrubbers)
            self._say(found.said)
        return found

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
        self._replaced(changes.scrubbers)
        return changes, refused

    def result(self) -> dict[str, Any]:
        """The counts, and every refusal by line."""
        counts = {name: self.counts[name] for name in COUNTS}
        whole = counts["stored"] + counts["updated"] + counts["unchanged"] + counts["quarantined"]
        assert counts["lines"] == whole, f"{counts['lines']} lines came in and {whole} were accounted for"
        reasons = Counter(r["reason"] for r in self.refused)
        skipped = self.reading.skipped  # records of other tools that hold nothing: they are no lines
        return {
            "day": self.day.isoformat(),
            **counts,
            "reasons": dict(sorted(reasons.items())),
            "quarantine": self.refused,
            "personal_data": dict(sorted(self.replaced.items())),
            "skipped": skipped.total(),
            "skipped_reasons": dict(sorted(skipped.items())),
        }

    def _replaced(self, scrubbers: list[Scrubber]) -> None:
        for scrubber in scrubbers:
            self.replaced.update(scrubber.counts)

    def _seen(self, file: File) -> bool:
        """Whether the file was read before, in an earlier batch or under another name in this one."""
        return file.sha in self.before or self._first.setdefault(file.sha, file) is not file

    def _next(self, room: int) -> int:
        """A place in the order of arrival, with room behind it."""
        at = self.block * ROOM + self._arrived
        self._arrived += room
        return at

    def _refuse(self, file: File, row: Row, into: list[list[Any]], seen: bool) -> None:
        self.counts["quarantined" if row.what == "line" else "quarantined_events"] += 1
        told = {"file": file.name, "line": row.line, "what": row.what, "reason": row.reason}
        self.refused.append(told if row.byte is None else told | {"byte": row.byte})
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
