"""A day that was read before is not read again; and one that shards brought in parts is closed under one id, whoever of them came first.

A batch's id covers the id before it, so the ids of shards tell the order in which they happened to commit. What is made from a day
must not: its closing batch brings no rows, and is named after the batch before the shards and after the rows that all of them brought.
"""

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline import lake, lineage
from pipeline.ingest.batch import COUNTS, ROOM

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

    from pipeline.ingest.making import Made

TOLD = ("file", "line", "what", "reason", "byte")
SUMMED = ("reasons", "personal_data", "skipped_reasons")
Row = dict[str, Any]


def shas(batch: Row) -> list[str]:
    return [f["sha256"] for f in json.loads(batch["files"])]


def parts(made: "Made", past: list[Row]) -> list[Row]:
    """The batches that brought just these files by the same rules: one, or one a shard, the newest first; none where a line has to be read."""
    wanted = sorted(f.sha for f in made.files)
    if not made.batch.before.issuperset(wanted):
        return []
    same = [b for b in past if b["reading"] == made.reading and b["day"] == made.batch.day]
    exact = next((b for b in same if sorted(shas(b)) == wanted), None)
    if exact:
        return [exact]
    left, found = Counter(wanted), []
    for batch in same:
        brought = Counter(shas(batch))
        if "shard" in json.loads(batch["counts"]) and brought <= left:
            left -= brought
            found.append(batch)
    return found if not left else []


def said(con: "Connection", of: list[Row], past: list[Row]) -> Row:
    """What these batches said together, when the same files come again."""
    counts = together(of)
    counts |= {"stored": 0, "updated": 0, "unchanged": counts["lines"] - counts["quarantined"], "drift": []}
    return counts | {"quarantine": [{k: r[k] for k in TOLD if r[k] is not None} for r in refusals(con, of, past)]}


def together(of: list[Row]) -> Row:
    """The counts of these batches, added up."""
    each = [json.loads(batch["counts"]) for batch in of]
    if len(each) == 1:
        return each[0]
    whole: Row = {"day": each[0]["day"]} | {name: sum(c[name] for c in each) for name in (*COUNTS, "skipped")}
    for name in SUMMED:
        whole[name] = dict(sorted(sum((Counter(c[name]) for c in each), Counter()).items()))
    drift = {json.dumps(change, sort_keys=True): change for c in each for change in c["drift"]}
    return whole | {"drift": [drift[key] for key in sorted(drift)], "parts": sorted(batch["logs_id"] for batch in of)}


def refusals(con: "Connection", of: list[Row], past: list[Row]) -> list[Row]:
    """The lines that these batches or their parts refused, in the order of their files."""
    own = {id for batch in of for id in json.loads(batch["counts"]).get("parts", [batch["logs_id"]])}
    blocks = [b["block"] for b in past if b["logs_id"] in own]
    rows = [row for n in blocks for row in lake.query(con, "ingest/refused", first=n * ROOM, next=(n + 1) * ROOM)]
    return rows if len(blocks) == 1 else sorted(rows, key=lambda r: (r["file"], r["file_sha"], r["line"], r["event_id"] or ""))


def close(con: "Connection", made: "Made", recipe: str, version: int) -> str:
    """Write the closing batch of a day's shards, in one transaction; gives its id. One that is there already is given as it is."""
    with lake.transaction(con):
        past = lake.query(con, "ingest/batches")
        of = parts(made, past)
        if len(of) < 2:
            return of[0]["logs_id"]
        blocks = sorted(b["block"] for b in of)
        asked = {"blocks": blocks, "first": blocks[0] * ROOM, "next": (blocks[-1] + 1) * ROOM, "room": ROOM}
        rows = lake.query(con, "ingest/brought", **asked)
        head = min(of, key=lambda b: b["number"])["previous"]
        id = lineage.name("logs", made.batch.day, head, version, made.reading, rows)
        lake.run(
            con,
            "ingest/add_batch",
            logs_id=id,
            day=made.batch.day,
            previous=past[0]["logs_id"],
            files=json.dumps([{"name": f.name, "sha256": f.sha} for f in made.files]),
            counts=json.dumps(together(of)),
            recipe=recipe,
            reading=made.reading,
            number=past[0]["number"] + 1,
            block=made.batch.block,
        )
        first = made.batch.block * ROOM
        lake.check(con, "ingest", first=first, next=first + ROOM, day=made.batch.day)
        return id
