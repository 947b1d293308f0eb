"""Small hand-made logs, and the lake they end up in."""

import contextlib
import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

from pipeline import lake
from pipeline.ingest import quarantine
from pipeline.ingest.chunk import Understood, understand
from pipeline.ingest.derive import Clock
from pipeline.ingest.read import File, Line
from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings

DAY = date(2026, 11, 20)
_open = contextlib.ExitStack()
_readers: dict[Path, Any] = {}


def conversation(id: Any = "c1", **changes: Any) -> dict[str, Any]:
    """A good line; a change to None takes the key away."""
    whole = {
        "conversation_id": id,
        "user_id": "u-9",
        "app": "helpdesk",
        "model": "model-20261119-1a2b3c4d",
        "started_at": "2026-11-20T08:00:00Z",
        "locale": "en",
        "consent": True,
        "metadata": {"channel": "web"},
        "messages": [message("m1", None, "user", "Where is my parcel?"), message("m2", "m1", "assistant", "On its way.")],
        "feedback": [],
    } | changes
    return {k: v for k, v in whole.items() if v is not None}


def message(id: Any, parent: Any, role: str, content: Any, **changes: Any) -> dict[str, Any]:
    whole = {"message_id": id, "parent_id": parent, "role": role, "content": content, "created_at": "2026-11-20T08:00:00Z"}
    return whole | changes


def event(id: Any = "f1", kind: Any = "thumb", **changes: Any) -> dict[str, Any]:
    value = {"value": "up"} if kind == "thumb" else {}
    whole = {"event_id": id, "message_id": "m2", "user_id": "u-9", "kind": kind, "created_at": "2026-11-20T08:01:00Z"} | value | changes
    return {k: v for k, v in whole.items() if v is not None}


def read(raw: bytes | dict[str, Any], consent_default: bool = True, day: date = DAY) -> Understood | quarantine.Row:
    """One line, understood without any lake."""
    body = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return understand(File(Path("x.jsonl"), "0" * 64, day, True), Line(1, body), Clock.of(day), consent_default)


def reason(raw: bytes | dict[str, Any]) -> str | None:
    """Why a line is refused, None where it is not."""
    found = read(raw)
    return found.reason if isinstance(found, quarantine.Row) else None


def event_reason(raw: Any) -> str | None:
    """Why an event of a good conversation is refused, None where it is not."""
    found = read(conversation(feedback=[raw]))
    assert isinstance(found, Understood), "the conversation itself is good"
    return found.refused[0].reason if found.refused else None


def write(path: Path, *lines: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = [line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines]
    path.write_bytes(b"".join(line + b"\n" for line in whole))
    return path


def ingest(settings: Settings, *lines: Any, name: str = "log_2026-11-20.jsonl", **options: Any) -> dict[str, Any]:
    """Write the lines to a file of their own folder and take it in."""
    content = hashlib.sha256(repr(lines).encode()).hexdigest()[:8]
    path = write(settings.home.parent / "logs" / content / name, *lines)
    return run([path], options.pop("recipe", Recipe()), settings, **options)


def rows(settings: Settings, table: str, *columns: str, **where: Any) -> list[tuple[Any, ...]]:
    """Rows of a table of the lake, sorted."""
    if settings.home not in _readers:
        _readers[settings.home] = _open.enter_context(lake.connect(settings))
    tests = " and ".join(f"{k} = ${k}" for k in where) or "true"
    found = _readers[settings.home].execute(f"select {', '.join(columns) or '*'} from ingest.{table} where {tests}", where).fetchall()
    return sorted(found, key=repr)


def close() -> None:
    """Close what `rows` opened; a reader that stays open is the better test, because it must never be in a writer's way."""
    _open.close()
    _readers.clear()


def counts(result: dict[str, Any]) -> tuple[int, ...]:
    """(lines, stored, updated, unchanged, quarantined, quarantined events)"""
    return tuple(result[k] for k in ("lines", "stored", "updated", "unchanged", "quarantined", "quarantined_events"))
