"""From files to a batch that is ready to commit: everything is read, checked and written to a draft, and the lake holds nothing of it yet."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipeline import lake, people
from pipeline.ingest import changes, chunk, rows, threshold, whole
from pipeline.ingest.batch import ROOM, Batch
from pipeline.ingest.beside import Asked
from pipeline.ingest.draft import Draft
from pipeline.ingest.formats.base import UNKNOWN_CALL, Reading
from pipeline.ingest.read import File, Line
from pipeline.recipe import Recipe, digest
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

VERSION = 3  # raise it when the same files should be read to other rows


@dataclass
class Made:
    """A batch, what it was made on, and what it will do."""

    batch: Batch
    files: list[File]
    past: list[dict[str, Any]]
    """The batches that were there when it was begun, newest first."""
    reading: str
    """Digest of the rules it was read by."""
    snapshot: int
    """The newest version of the lake when it was begun."""
    asked: Asked
    result: dict[str, Any] = field(default_factory=dict)
    draft: Draft | None = None
    """None where just these files were read before by the same rules."""
    parts: list[dict[str, Any]] = field(default_factory=list)
    """The batches that read them then."""

    @property
    def shas(self) -> set[str]:
        return {f.sha for f in self.files}


def make(con: "Connection", files: list[File], recipe: Recipe, settings: Settings, format: str, block: int) -> Made:
    """Read the files of one day. On failure nothing is left but what was there."""
    made = begun(con, files, recipe, settings, format, block)
    if made.parts:
        made.result = whole.said(con, made.parts, made.past)
        return made
    draft = Draft(con, settings, made.batch.day)
    try:
        for sha in sorted(made.shas - made.batch.before):
            draft.step("ingest/forget_quarantine", file_sha=sha)
        for part in chunk.chunks(files, made.batch.format, made.batch.reading):
            made.batch.profile.lines(line.body for _, line in part)
            with chunk.without_collector():
                _take(con, made.batch, part, draft)
        draft.close()
        made.result = made.batch.result()
        made.result["drift"] = changes.since(lake.query(con, "ingest/profiles", day=made.batch.day), made.batch.profile.as_json())
        if made.batch.changed or not made.past:
            threshold.check(made.result, recipe.ingest)
    except BaseException:
        draft.drop()
        raise
    made.draft = draft
    return made


def begun(con: "Connection", files: list[File], recipe: Recipe, settings: Settings, format: str, block: int) -> Made:
    """The batch that these files of one day make, before any of them is read."""
    snapshot = lake.snapshot(con)  # before all else: what comes later is looked at again
    past = lake.query(con, "ingest/batches")
    reading = rules(recipe, format)
    before = read_before(con, past, reading)
    asked = Asked(con)
    batch = Batch(
        day=files[0].day,
        block=block,
        before=before,
        consent_default=recipe.ingest.consent_default,
        hashed=lru_cache(maxsize=100_000)(lambda user: None if user is None else people.user_hash(settings, user)),
        format=format,
        forgotten=people.Forgotten.of(settings, lake.query(con, "erase/marks")),
        reading=Reading(recipe.ingest.importing, before, asked),
    )
    made = Made(batch, files, past, reading, snapshot, asked)
    made.parts = whole.parts(made, past)
    return made


def rules(recipe: Recipe, format: str) -> str:
    """Digest of everything that decides what a file is read to."""
    said = recipe.ingest.model_dump(mode="json", exclude=threshold.LIMITS)
    return digest(VERSION, said, *([] if format == "auto" else [format]))


def read_before(con: "Connection", past: list[dict[str, Any]], reading: str) -> set[str]:
    """sha256 of the files that need not be read again. Those with feedback on a call that had not come wait for the batches after them."""
    before = {sha for b in past if b["reading"] == reading for sha in whole.shas(b)}
    if past:
        before -= {w["file_sha"] for w in lake.query(con, "ingest/waiting", reason=UNKNOWN_CALL, newest=past[0]["block"], room=ROOM)}
    return before


def _take(con: "Connection", batch: Batch, part: list[tuple[File, Line]], draft: Draft) -> None:
    """One chunk of lines: what is plainly good and new goes in many rows at a time, the rest line by line."""
    plain = batch.plain(con, part)
    taken: set[int] = set()
    if plain:
        plain.leave(draft.heard(plain.ids))
        taken = set(plain.taken())
    understood = dict(zip(rest := [i for i in range(len(part)) if i not in taken], batch.understand([part[i] for i in rest]), strict=True))
    ids = {u.conversation_id for _, u in understood.values() if u.conversation_id}
    if plain:
        plain.leave(ids)
        left = sorted(taken - set(plain.taken()))  # good lines of conversations that other lines of the chunk speak of too
        understood |= zip(left, batch.understand([part[i] for i in left]), strict=True)
        if (found := batch.take_plain(plain, part)) is not None:
            draft.add("messages", found.messages)
            if found.feedback:
                draft.add("feedback", rows.table("feedback", found.feedback))
            draft.add("conversations", found.conversations)
    draft.write(*batch.take([understood[i] for i in sorted(understood)], draft.known(ids)))
    draft.touch(ids.union(plain.ids) if plain else ids)
