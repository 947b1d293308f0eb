"""A chunk of lines, read and understood: small enough that memory stays flat, large enough that the lake is asked seldom."""

import contextlib
import gc
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest import formats, limits, quarantine, strict
from pipeline.ingest.derive import Clock
from pipeline.ingest.formats import hotfix, native
from pipeline.ingest.formats.base import Reading
from pipeline.ingest.quarantine import Refused
from pipeline.ingest.read import File, Line

MOST_LINES = 20_000
MOST_BYTES = 24 * 1024 * 1024  # the objects of a chunk take about ten times that


@dataclass(slots=True)
class Understood:
    """A good line: what it says, and the bad events in it."""

    file: File
    number: int
    found: native.Conversation | native.Late
    refused: list[quarantine.Row] = field(default_factory=list)

    @property
    def conversation_id(self) -> str:
        return self.found.conversation_id

    @property
    def events(self) -> int:
        return 1 if isinstance(self.found, native.Late) else len(self.found.events)

    def texts(self) -> Iterator[str]:
        """Everything that people wrote in it."""
        if isinstance(self.found, native.Conversation):
            for message in self.found.messages:
                yield from (t for t in (message.content, message.name) if t)
        for event in [self.found.event] if isinstance(self.found, native.Late) else self.found.events:
            yield from (t for t in (event.text,) if t)


def chunks(files: Iterable[File], format: str = "native", reading: Reading | None = None) -> Iterator[list[tuple[File, Line]]]:
    """The lines of all files in order, some at a time; files of other formats as lines of the native one."""
    lines = formats.lines(files, format, reading or Reading())
    while part := _next(lines):
        yield part


def _next(lines: Iterator[tuple[File, Line]]) -> list[tuple[File, Line]]:
    part: list[tuple[File, Line]] = []
    size = 0
    with without_collector():
        for found in lines:
            part.append(found)
            body = found[1].body
            size += len(body) if isinstance(body, bytes) else 1000 * (1 + len(body.get("messages") or ()))
            if len(part) >= MOST_LINES or size >= MOST_BYTES:
                break
    return part


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """A chunk's objects form no cycles: looking for some in millions of them took a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def understand(file: File, line: Line, clock: Clock, consent_default: bool, format: str = "native") -> Understood | quarantine.Row:
    """One line as conversation or event, or as a row of the quarantine."""
    try:
        if line.problem:
            raise Refused(line.problem, cut=line.cut)
        raw = _checked(line.body) if isinstance(line.body, dict) else strict.parse(line.body)
        # Rows of a hotfix are under no cap and never held out: only an operator's file may say it is one.
        if format != "hotfix" and raw.get("app") == hotfix.APP:
            raise Refused("reserved app: hotfix")
        limits.check(raw, len(line.body) if isinstance(line.body, bytes) else None)
        found = native.read(hotfix.native(raw) if format == "hotfix" else raw, clock, consent_default)
    except Refused as refused:
        return quarantine.of_line(line.number, _text(line.body), refused, consent_default)
    bad = []
    if isinstance(found, native.Conversation):
        for event, own, why in found.refused:
            user = event.get("user_id") if isinstance(event, dict) else None
            user = str(user) if isinstance(user, str | int) else found.user_id
            bad.append(quarantine.of_event(line.number, _text(event), why, own, found.conversation_id, user))
    return Understood(file, line.number, found, bad)


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    strict.check(body)
    return body


def _text(body: Any) -> str:
    """What was refused, as text."""
    if isinstance(body, bytes):
        return body.decode("utf-8", "replace")
    try:
        return "" if body is None else json.dumps(body, ensure_ascii=False, default=str)
    except RecursionError:
        return ""
