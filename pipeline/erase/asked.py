"""What an erasure is asked for, as marks: of users by name, of conversations whose consent was withdrawn, of those that are too old."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline import lake, people
from pipeline.erase import survey
from pipeline.erase.gone import Gone
from pipeline.erase.journal import Marks
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

ROOM = 10**9  # sql/schema/001_ingest.sql: rows of batch n have arrived from n x 10^9 on


@dataclass
class Asked:
    """One request: whose, why, and what the lake holds of it now."""

    what: str
    """user, withdrawn or age"""
    marks: Marks = field(default_factory=set)
    before: date = survey.NEVER
    """Refused lines and waiting feedback older than this day go."""
    new: bool = False
    """Whether anything of it was not erased before."""
    found: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    """The files that brought it: sha256 -> name."""


def of_users(con: "Connection", settings: Settings, users: list[str]) -> Asked:
    """Everything of these users: their conversations, and what they said about those of others."""
    hashes = {people.user_hash(settings, user) for user in users}
    rows = lake.query(con, "erase/conversations")
    owner = {row["conversation_id"]: row["user_hash"] for row in rows}
    own = {id for id, user in owner.items() if user in hashes}
    lines = {row["conversation_id"] for row in lake.query(con, "erase/lines") if row["user_hash"] in hashes}
    own |= {id for id in lines if owner.get(id) is None}
    marks = {(people.USER, people.mark(settings, people.USER, h)) for h in hashes}
    return _with(con, settings, Asked("user", marks), people.CONVERSATION, own)


def of_withdrawn(con: "Connection", settings: Settings) -> Asked:
    """Tombstones that no erasure has gone after yet: older versions and sealed folders may still hold their texts."""
    ids = {row["conversation_id"] for row in lake.query(con, "erase/withdrawn")}
    return _with(con, settings, Asked("withdrawn"), people.WITHDRAWN, ids)


def of_age(con: "Connection", settings: Settings, days: int) -> Asked:
    """What nothing has reached for more than `days` days."""
    before = datetime.now(UTC).date() - timedelta(days=days)
    ids = {row["conversation_id"] for row in lake.query(con, "erase/old", before=before, room=ROOM)}
    asked = _with(con, settings, Asked("age", before=before), people.CONVERSATION, ids)
    asked.new = asked.new or lake.query(con, "erase/stale", before=before)[0]["n"] > 0
    return asked


def _with(con: "Connection", settings: Settings, asked: Asked, what: str, ids: set[str]) -> Asked:
    known = {(row["what"], row["mark"]) for row in lake.query(con, "erase/marks")}
    asked.marks |= {(what, people.mark(settings, what, id)) for id in ids}
    if what == people.WITHDRAWN:
        asked.marks -= known
    asked.new = bool(asked.marks - known)
    gone = Gone(settings, asked.marks)
    survey.in_lake(con, gone, asked.before)
    asked.found = lake.query(con, "erase/count", before=asked.before)[0]
    brought = {row["file_sha"] for row in lake.query(con, "erase/sources")}
    names = {f["sha256"]: f["name"] for b in lake.query(con, "promote/files") for f in json.loads(b["files"] or "[]")}
    asked.sources = {sha: _nameless(names.get(sha, ""), gone) for sha in sorted(brought)}
    asked.new = asked.new or any(asked.found.values())
    return asked


def _nameless(file: str, gone: Gone) -> str:
    """A file's name, unless it names somebody who is gone."""
    stem, *_ = file.split(".")
    parts = {file, stem, *re.split(r"[\s_]+", stem), *re.split(r"[\W_]+", stem)}
    named = any(gone.conversation(part) or gone.user(people.user_hash(gone.settings, part)) for part in parts)
    return "(a name that holds an id)" if named else file


def about(asked: Asked, reason: str, by: str) -> dict[str, Any]:
    """What the journal says of it: counts and no name."""
    counted = {what: sum(w == what for w, _ in asked.marks) for what in (people.USER, people.CONVERSATION, people.WITHDRAWN)}
    facts = {"what": asked.what, "reason": reason, "by": by, "before": asked.before.isoformat(), "found": asked.found}
    return facts | {"asked": counted, "sources": asked.sources}
