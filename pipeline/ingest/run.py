"""Take logs in: `equipoise ingest PATH…` reads files, folders and globs, and seals a logs-… id for each day they belong to."""

import contextlib
import gc
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import lake, lineage, people
from pipeline.ingest import changes, chunk, formats, read, rows, sources, threshold
from pipeline.ingest.batch import COUNTS, ROOM, Batch
from pipeline.ingest.formats.base import UNKNOWN_CALL, Reading
from pipeline.ingest.merge import Changes, Known
from pipeline.ingest.past import Earlier
from pipeline.ingest.read import File, Line
from pipeline.ingest.store import Store
from pipeline.progress import say
from pipeline.recipe import Recipe, digest
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

TOLD = ("file", "line", "what", "reason", "byte")
MOST_DRIFT = 12  # changes that are told at once; all of them stand in counts.json
VERSION = 2  # raise it when the same files should be read to other rows


def run(
    paths: Iterable[str | Path], recipe: Recipe, settings: Settings, day: date | str | None = None, format: str = "auto"
) -> dict[str, Any]:
    """Store what the files say that the lake does not know yet. Running it twice changes nothing and gives the same id."""
    format = formats.named(format)
    day = read.day(day) if isinstance(day, str) else day
    results = []
    with sources.files(paths, day, settings) as files, lineage.lock(settings, "ingest"), lake.connect(settings) as con:
        seal_what_is_not(con, settings)  # of a run that was killed between the lake's commit and its seal
        for _, of_day in groupby(sorted(files, key=lambda f: (f.day, f.path)), key=lambda f: f.day):
            batch = list(of_day)
            try:
                results.append(lake.retried(lambda batch=batch: _land(con, batch, recipe, settings, format)))
            except threshold.Stopped:
                lake.retried(lambda batch=batch: threshold.keep(con, batch, _batch(con, batch, recipe, settings, format, stopped=True)[0]))
                raise
            seal_what_is_not(con, settings)
            say(f"{results[-1]['id']}: {', '.join(f'{results[-1][name]} {name}' for name in COUNTS)}")
            for change in results[-1]["drift"][:MOST_DRIFT]:
                say(f"   drift: {change['says']}")
    return _together(results)


def _land(con: "Connection", files: list[File], recipe: Recipe, settings: Settings, format: str) -> dict[str, Any]:
    """One batch in one transaction: all of its rows and the batch's own row, or nothing."""
    with _stored(con, settings, files[0].day) as store:
        batch, past, reading = _batch(con, files, recipe, settings, format)
        if (again := _again(con, batch, past, reading, files)) is not None:
            return again
        for sha in {f.sha for f in files} - batch.before:
            lake.run(con, "ingest/forget_quarantine", file_sha=sha)
        for part in chunk.chunks(files, batch.format, batch.reading):
            batch.profile.lines(line.body for _, line in part)
            with _without_collector():
                _take(con, batch, part, store)
        store.hand_over()
        result = batch.result() | {"drift": changes.since(lake.query(con, "ingest/profiles", day=batch.day), batch.profile.as_json())}
        if past and not batch.changed:
            return {"id": _earlier(past, files), **result}
        threshold.check(result, recipe.ingest)
        previous = past[0]["logs_id"] if past else None
        id = lineage.name("logs", batch.day, previous, VERSION, reading, batch.said.hexdigest())
        lake.run(con, "ingest/hush_quarantine", first=batch.number * ROOM)
        lake.run(
            con,
            "ingest/add_batch",
            logs_id=id,
            day=batch.day,
            previous=previous,
            files=json.dumps([{"name": f.name, "sha256": f.sha} for f in files]),
            counts=json.dumps({k: v for k, v in result.items() if k != "quarantine"}),
            recipe=json.dumps(recipe.model_dump(mode="json")),
            reading=reading,
            number=batch.number,
        )
        lake.run(con, "ingest/add_profile", day=batch.day, logs_id=id, profile=json.dumps(batch.profile.as_json()))
        lake.check(con, "ingest", first=batch.number * ROOM, day=batch.day)
        return {"id": id, **result}


def _again(con: "Connection", batch: Batch, past: list[dict[str, Any]], reading: str, files: list[File]) -> dict[str, Any] | None:
    """What a batch of just these files said when it was read by the same rules: the files are not read again. None if there is none."""
    shas = sorted(f.sha for f in files)
    of = next((b for b in past if b["reading"] == reading and b["day"] == batch.day and sorted(_shas(b)) == shas), None)
    if of is None or not batch.before.issuperset(shas):
        return None
    refused = lake.query(con, "ingest/refused", first=of["number"] * ROOM, next=(of["number"] + 1) * ROOM)
    counts = json.loads(of["counts"])
    counts |= {"stored": 0, "updated": 0, "unchanged": counts["lines"] - counts["quarantined"], "drift": []}
    return {"id": of["logs_id"], **counts, "quarantine": [{k: r[k] for k in TOLD if r[k] is not None} for r in refused]}


@contextlib.contextmanager
def _stored(con: "Connection", settings: Settings, day: date) -> Iterator[Store]:
    """One transaction, and the files that belong to it or to nobody."""
    store = Store(con, settings, day)
    try:
        with lake.transaction(con):
            yield store
    except BaseException:
        store.drop()
        raise


def _batch(
    con: "Connection", files: list[File], recipe: Recipe, settings: Settings, format: str, stopped: bool = False
) -> tuple[Batch, list[dict[str, Any]], str]:
    """The batch that these files of one day make, the batches before it, and the digest of the rules it reads by."""
    past = lake.query(con, "ingest/batches")
    rules = recipe.ingest.model_dump(mode="json", exclude=threshold.LIMITS)
    reading = digest(VERSION, rules, *([] if format == "auto" else [format]))
    before = {sha for b in past if b["reading"] == reading for sha in _shas(b)}
    if past:
        before -= {w["file_sha"] for w in lake.query(con, "ingest/waiting", reason=UNKNOWN_CALL, newest=past[0]["number"] * ROOM)}
    batch = Batch(
        day=files[0].day,
        number=0 if stopped else past[0]["number"] + 1 if past else 1,
        before=before,
        consent_default=recipe.ingest.consent_default,
        hashed=lru_cache(maxsize=100_000)(lambda user: None if user is None else people.user_hash(settings, user)),
        format=format,
        forgotten=people.Forgotten.of(settings, lake.query(con, "erase/marks")),
        reading=Reading(recipe.ingest.importing, before, Earlier(con)),
    )
    return batch, past, reading


def _take(con: "Connection", batch: Batch, part: list[tuple[File, Line]], store: Store) -> None:
    """One chunk of lines: what is plainly good and new goes in many rows at a time, the rest line by line."""
    plain = batch.plain(con, part)
    taken: set[int] = set()
    if plain:
        plain.leave(_heard(con, plain.ids) | store.pending)
        taken = set(plain.taken())
    understood = dict(zip(rest := [i for i in range(len(part)) if i not in taken], batch.understand([part[i] for i in rest]), strict=True))
    ids = {u.conversation_id for _, u in understood.values() if u.conversation_id}
    if plain:
        plain.leave(ids)
        left = sorted(taken - set(plain.taken()))  # good lines of conversations that other lines of the chunk speak of too
        understood |= zip(left, batch.understand([part[i] for i in left]), strict=True)
        if (found := batch.take_plain(plain, part)) is not None:
            store.add("messages", found.messages)
            if found.feedback:
                store.add("feedback", rows.table("feedback", found.feedback))
            store.add("conversations", found.conversations)
    if ids & store.pending:
        store.hand_over()
    _write(con, *batch.take([understood[i] for i in sorted(understood)], _known(con, ids)))


def _heard(con: "Connection", ids: list[str]) -> set[str]:
    con.register("asked", rows.table("asked", [(i,) for i in ids]))
    return {row["conversation_id"] for row in lake.query(con, "ingest/heard")}


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """A chunk's objects form no cycles: looking for some in millions of them took a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _shas(batch: dict[str, Any]) -> list[str]:
    return [f["sha256"] for f in json.loads(batch["files"])]


def _earlier(past: list[dict[str, Any]], files: list[File]) -> str:
    """The id of an ingest that changes nothing: the batch that brought these files, else the newest of the day, else the newest."""
    brought = [b for b in past if set(_shas(b)) & {f.sha for f in files}]
    of_day = [b for b in past if b["day"] == files[0].day]
    return (brought or of_day or past)[0]["logs_id"]


def _known(con: "Connection", ids: set[str]) -> dict[str, Known]:
    """What the lake holds of these conversations, by digests."""
    known: dict[str, Known] = {}
    if not ids:
        return known
    con.register("asked", rows.table("asked", [(i,) for i in sorted(ids)]))
    for row in lake.query(con, "ingest/known_conversations"):
        known[row["conversation_id"]] = Known(row["digest"], row["consent"])
    if known:
        for row in lake.query(con, "ingest/known_messages"):
            known[row["conversation_id"]].messages[row["message_id"]] = (row["digest"], row["position"])
    for row in lake.query(con, "ingest/known_feedback"):
        of = known.setdefault(row["conversation_id"], Known())
        of.events.setdefault(row["event_id"], set()).add(row["digest"])
    return known


def _write(con: "Connection", changes: Changes, refused: list[list[Any]]) -> None:
    """Rows into the lake: what is replaced first, then what is new, then what may not stay."""
    for table, script, found in (
        ("superseded", "supersede_feedback", sorted(changes.superseded)),
        ("conversations", "change_conversations", changes.changed_conversations.values()),
        ("messages", "change_messages", changes.changed_messages.values()),
        ("conversations", "add_conversations", changes.new_conversations.values()),
        ("messages", "add_messages", changes.new_messages.values()),
        ("feedback", "add_feedback", changes.feedback),
        ("quarantine", "add_quarantine", refused),
        ("asked", "bury", [(i,) for i in sorted(changes.buried)]),
    ):
        if found:
            con.register("arriving", rows.table(table, found))
            lake.run(con, f"ingest/{script}")


def seal_what_is_not(con: "Connection", settings: Settings) -> None:
    """Write logs/<id>/ for every batch of the lake that has none, from what the lake says alone: a killed run loses nothing."""
    for batch in reversed(lake.retried(lambda: lake.query(con, "ingest/batches"))):
        id = batch["logs_id"]
        if lineage.sealed(settings, id):
            continue
        with lineage.making(settings, id, parents=[], recipe=json.loads(batch["recipe"])) as work:
            if work is None:
                continue
            refused = lake.query(con, "ingest/refused", first=batch["number"] * ROOM, next=(batch["number"] + 1) * ROOM)
            with (work.folder / "quarantine.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in refused)
            work.counts.update(json.loads(batch["counts"]))
            lineage.write_json(work.folder / "counts.json", work.counts)
            work.extra |= {"snapshot": batch["snapshot"], "previous": batch["previous"], "sources": json.loads(batch["files"])}


def _together(results: list[dict[str, Any]]) -> dict[str, Any]:
    """One answer for all days: the newest day's id, everything counted."""
    whole: dict[str, Any] = {"id": results[-1]["id"], "ids": [r["id"] for r in results], "day": results[-1]["day"]}
    whole |= {name: sum(r[name] for r in results) for name in COUNTS}
    reasons: Counter[str] = sum((Counter(r["reasons"]) for r in results), Counter())
    skipped: Counter[str] = sum((Counter(r["skipped_reasons"]) for r in results), Counter())
    whole |= {"skipped": skipped.total(), "skipped_reasons": dict(sorted(skipped.items()))}
    whole["drift"] = [{"day": r["day"], **change} for r in results for change in r["drift"]]
    return whole | {"reasons": dict(sorted(reasons.items())), "quarantine": [q for r in results for q in r["quarantine"]]}
