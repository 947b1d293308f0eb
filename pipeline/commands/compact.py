"""Compaction: small files become few, deleted rows leave their files, old versions and left-over files go. Safe to kill and to repeat."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline import lake, lineage
from pipeline.commands import look
from pipeline.ingest import turns
from pipeline.progress import say
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

TARGET_BYTES = 128_000_000  # DuckLake's own 512 MB would have a day's merge hold four times the memory for no faster scan
REWRITE_SHARE = 0.05  # small, because a file with deleted rows is never merged; below it a copy costs more than the rows it drops
VERSIONED = {"batches"}  # its rows say which version brought them, and rewriting a file dates its rows anew


def run(settings: Settings, keep_days: float, grace: timedelta) -> dict[str, Any]:
    """Every step is a transaction of its own: killed anywhere, the next run does the rest.

    grace: files younger than this are left alone, because a running writer or reader may need them.
    """
    with lineage.lock(settings, "compact"), lake.connect(settings) as con:
        before = look.size(con)
        _sized(con)
        done = {
            "flushed_rows": sum(row["rows_flushed"] for row in _step(con, "flush")),
            "rewritten_files": sum(_rewritten(con, table) for table in lake.query(con, "lake/tables")),
            "merged_files": sum(row["files_processed"] for row in _step(con, "merge")),
        }
        with turns.alone(settings):  # beside the grace: no batch is between its files and its commit
            done |= _expire(con, settings, datetime.now(UTC) - timedelta(days=keep_days))
            done |= _clean(con, datetime.now(UTC), grace)
        return done | {"before": before, "after": look.size(con)}


def _step(con: "Connection", script: str, **values: object) -> list[dict[str, Any]]:
    """One step, again where another writer was faster."""

    def once() -> list[dict[str, Any]]:
        with lake.transaction(con):
            return lake.query(con, f"lake/{script}", **values)

    return lake.retried(once)


def _sized(con: "Connection") -> None:
    options = {row["name"]: row["value"] for row in lake.query(con, "lake/options")}
    if options.get("target_file_size") != str(TARGET_BYTES):
        _step(con, "set_size", size=f"{TARGET_BYTES // 10**6}MB")


def _rewritten(con: "Connection", table: dict[str, Any]) -> int:
    if not table["deleted"] or table["table"] in VERSIONED:
        return 0
    return sum(row["files_processed"] for row in _step(con, "rewrite", schema=table["schema"], table=table["table"], share=REWRITE_SHARE))


def _expire(con: "Connection", settings: Settings, cutoff: datetime) -> dict[str, Any]:
    """Let old versions go, and say which logs can no longer be mined again as they were."""
    versions = lake.query(con, "lake/snapshots")
    batches = [{**b, "snapshot": _sealed_at(settings, b)} for b in lake.query(con, "ingest/batches")]
    mined = {parent for m in lineage.all_of(settings, "pairs") for parent in m["parents"]}
    going = expired(versions, needed(batches, mined, {b["logs_id"] for b in batches if lineage.sealed(settings, b["logs_id"])}), cutoff)
    if going:
        _step(con, "expire", versions=going)
    lost = sorted(b["logs_id"] for b in batches if b["snapshot"] in set(going))
    for id in lost:
        say(f"{id}: its version of the lake is let go; what was mined from it stays, mining it anew is no longer possible")
    return {"expired_versions": len(going), "lost": lost}


def _sealed_at(settings: Settings, batch: dict[str, Any]) -> int:
    """The version that the sealed folder names, else the one that the lake names."""
    id = batch["logs_id"]
    return lineage.manifest(settings, id)["snapshot"] if lineage.sealed(settings, id) else batch["snapshot"]


def needed(batches: Iterable[dict[str, Any]], mined: set[str], sealed: set[str]) -> set[int]:
    """Versions that somebody will still ask for: of logs not sealed yet, and of each day's newest logs while nobody mined them.

    batches: newest first. Older logs of a day are within its newest.
    """
    keep, days = set(), set()
    for batch in batches:
        newest_of_day = batch["day"] not in days
        days.add(batch["day"])
        if batch["logs_id"] not in sealed or (newest_of_day and batch["logs_id"] not in mined):
            keep.add(batch["snapshot"])
    return keep


def expired(versions: list[dict[str, Any]], needed: set[int], cutoff: datetime) -> list[int]:
    """Versions made before the cutoff, but for those still needed and the newest, which is the lake itself."""
    return [v["id"] for v in versions[:-1] if v["made"] < cutoff and v["id"] not in needed]


def _clean(con: "Connection", now: datetime, grace: timedelta) -> dict[str, int]:
    """Files that nothing refers to. SQLite compares the times in its catalogue as text, right to the day only: so whole days are kept."""
    old = now if not grace else datetime.combine((now - grace).date(), datetime.min.time(), UTC) - timedelta(days=1)
    removed = _step(con, "clean", before=old)
    orphans = _step(con, "remove_orphans", before=now - grace)
    return {"removed_files": len(removed), "removed_orphans": len(orphans)}
