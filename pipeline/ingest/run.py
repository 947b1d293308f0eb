"""Take logs in: `equipoise ingest PATH…` reads files, folders and globs, and seals a logs-… id for each day they belong to."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import lake, lineage
from pipeline.ingest import beside, formats, making, places, read, shards, sources, threshold, turns, whole
from pipeline.ingest.batch import COUNTS, ROOM
from pipeline.ingest.making import VERSION, Made
from pipeline.ingest.read import File
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

MOST_DRIFT = 12  # changes that are told at once; all of them stand in counts.json


def run(
    paths: Iterable[str | Path],
    recipe: Recipe,
    settings: Settings,
    day: date | str | None = None,
    format: str = "auto",
    shard: str | None = None,
) -> dict[str, Any]:
    """Store what the files say that the lake does not know yet. Running it twice changes nothing and gives the same id.

    shard: which part of a day these files are, like 2/4; a run over the whole day that follows the shards closes it under one id.
    """
    format = formats.named(format)
    day = read.day(day) if isinstance(day, str) else day
    results = []
    opened = lake.connect(settings, threads=shards.threads(shard))
    with sources.files(paths, day, settings) as files, turns.making(settings), opened as con:
        seal_what_is_not(con, settings)  # of a run that was killed between the lake's commit and its seal
        for _, of_day in groupby(sorted(files, key=lambda f: (f.day, f.path)), key=lambda f: f.day):
            results.append(_land(con, list(of_day), recipe, settings, format, shard))
            seal_what_is_not(con, settings)
            say(f"{results[-1]['id']}: {', '.join(f'{results[-1][name]} {name}' for name in COUNTS)}")
            for change in results[-1]["drift"][:MOST_DRIFT]:
                say(f"   drift: {change['says']}")
    return _together(results)


def _land(con: "Connection", files: list[File], recipe: Recipe, settings: Settings, format: str, shard: str | None) -> dict[str, Any]:
    """One batch: made beside the others, committed alone. Where the others changed what it had read, it is made again while they wait."""
    with places.reserved(con, settings) as block:

        def make() -> Made:
            return lake.retried(lambda: making.make(con, files, recipe, settings, format, block))

        try:
            made = make()
            if made.draft is None:
                return _read_before(con, made, recipe, settings, shard)
            with turns.commit(settings):
                if lake.retried(lambda: _is_disturbed(con, made)):
                    made.draft.drop()
                    made = make()
                if made.draft is not None:
                    return _committed(con, made, recipe, shard)
            return _read_before(con, made, recipe, settings, shard)
        except threshold.Stopped:
            lake.retried(lambda: threshold.keep(con, making.begun(con, files, recipe, settings, format, block=0), settings))
            raise


def _is_disturbed(con: "Connection", made: Made) -> bool:
    past = lake.query(con, "ingest/batches")
    return beside.would_read_otherwise(con, made, past, making.read_before(con, past, made.reading))


def _read_before(con: "Connection", made: Made, recipe: Recipe, settings: Settings, shard: str | None) -> dict[str, Any]:
    """What files that need no reading say; a day that came in shards gets its one id."""
    if len(made.parts) < 2 or shard:
        return {"id": made.parts[0]["logs_id"], **made.result}
    with turns.commit(settings):
        id = lake.retried(lambda: whole.close(con, made, _verbatim(recipe), VERSION))
    return {"id": id, **made.result}


def _committed(con: "Connection", made: Made, recipe: Recipe, shard: str | None) -> dict[str, Any]:
    """Put a batch that is made into the lake. Its files are its own until then: a failure takes them away."""
    assert made.draft
    try:
        result: dict[str, Any] = lake.retried(lambda: _commit(con, made, recipe, shard))
    except BaseException:
        made.draft.drop()
        raise
    made.draft.done()
    return result


def _commit(con: "Connection", made: Made, recipe: Recipe, shard: str | None) -> dict[str, Any]:
    """One batch in one transaction: all of its rows and the batch's own row, or nothing."""
    assert made.draft
    batch, first = made.batch, made.batch.block * ROOM
    with lake.transaction(con):
        past = lake.query(con, "ingest/batches")
        made.draft.replay()
        if past and not batch.changed and not shard:  # a shard leaves word even so: whoever closes the day need not read its files
            return {"id": _earlier(past, made.files), **made.result}
        previous = past[0]["logs_id"] if past else None
        id = lineage.name("logs", batch.day, previous, VERSION, made.reading, batch.said.hexdigest())
        lake.run(con, "ingest/hush_quarantine", first=first)
        lake.run(
            con,
            "ingest/add_batch",
            logs_id=id,
            day=batch.day,
            previous=previous,
            files=json.dumps([{"name": f.name, "sha256": f.sha} for f in made.files]),
            counts=json.dumps({k: v for k, v in made.result.items() if k != "quarantine"} | ({"shard": shard} if shard else {})),
            recipe=_verbatim(recipe),
            reading=made.reading,
            number=past[0]["number"] + 1 if past else 1,
            block=batch.block,
        )
        lake.run(con, "ingest/add_profile", day=batch.day, logs_id=id, profile=json.dumps(batch.profile.as_json()))
        lake.check(con, "ingest", parts=made.draft.parts(), first=first, next=first + ROOM, day=batch.day)
        return {"id": id, **made.result}


def _verbatim(recipe: Recipe) -> str:
    return json.dumps(recipe.model_dump(mode="json"))


def _earlier(past: list[dict[str, Any]], files: list[File]) -> str:
    """The id of an ingest that changes nothing: the batch that brought these files, else the newest of the day, else the newest."""
    brought = [b for b in past if set(whole.shas(b)) & {f.sha for f in files}]
    of_day = [b for b in past if b["day"] == files[0].day]
    return (brought or of_day or past)[0]["logs_id"]


def seal_what_is_not(con: "Connection", settings: Settings) -> None:
    """Write logs/<id>/ for every batch of the lake that has none, from what the lake says alone: a killed run loses nothing."""
    past = lake.retried(lambda: lake.query(con, "ingest/batches"))
    for batch in reversed(past):
        id = batch["logs_id"]
        if lineage.sealed(settings, id):
            continue
        with lineage.making(settings, id, parents=[], recipe=json.loads(batch["recipe"])) as work:
            if work is None:
                continue
            refused = lake.retried(lambda batch=batch: whole.refusals(con, [batch], past))
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
