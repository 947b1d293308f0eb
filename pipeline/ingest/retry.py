"""After a fix: what became of the lines that a file's earlier copy brought in bad. A row is closed by evidence only.

A mended copy is another file to the lake, so its good lines come in as any file's do. What is decided here is which of the old rows it
answers: solved, where the same place or the same conversation is good now; still bad, where it is refused again (the new row stands
for it); and missing, where the copy ends before it: such a row stays open.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline import lake
from pipeline.ingest import read
from pipeline.ingest.read import File

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

SOLVED, STILL_BAD, MISSING = "solved", "still_bad", "missing"
Row = dict[str, Any]


@dataclass
class Copy:
    """What a mended file holds, as far as the old rows ask."""

    last: int
    """Its last line that is not blank."""
    bad: list[Row] = field(default_factory=list)
    """Its own rows of the quarantine."""
    stored: bool = True
    """False where its day was stopped: then nothing of it is good yet."""


def outcome(row: Row, copy: Copy, there: set[str]) -> str:
    """What the copy says of one open row. there: conversations that the lake knows."""
    own = row["conversation_id"]
    if any(_same(row, bad) for bad in copy.bad):
        return STILL_BAD
    if not copy.stored or row["line"] > copy.last or (own is not None and own not in there):
        return MISSING
    return SOLVED


def _same(row: Row, bad: Row) -> bool:
    """Whether a row of the copy is this row again: the same conversation and event where they are known, else the same place."""
    own, other = row["conversation_id"], bad["conversation_id"]
    if own is not None and other is not None:
        return own == other and (bad["what"] == "line" or (row["what"] == "event" and row["event_id"] == bad["event_id"]))
    return row["line"] == bad["line"]


def last_line(file: File) -> int:
    """The number of a file's last line that is not blank."""
    return max((line.number for line in read.lines(file.path)), default=0)


def settle(con: "Connection", rows: list[Row], file: File, stored: bool, logs_id: str | None) -> Counter[str]:
    """Close what the file answers, in one transaction; counts the outcomes. rows: those that were open before it was read."""
    copy = Copy(last_line(file), opened(con, [file.sha]), stored)
    if file.sha in {row["file_sha"] for row in rows}:  # the same bytes, read by newer rules: its rows were decided anew already
        left = Counter(map(_key, copy.bad))
        said = Counter(STILL_BAD if left[_key(row)] else SOLVED for row in rows if row["file_sha"] == file.sha)
        rows = [row for row in rows if row["file_sha"] != file.sha]
    else:
        said = Counter()
    there = _there(con, (row["conversation_id"] for row in rows if row["conversation_id"] is not None))
    outcomes = [outcome(row, copy, there) for row in rows]
    closing = [(*_key(row), what == SOLVED) for row, what in zip(rows, outcomes, strict=True) if what != MISSING]
    if closing:
        with lake.transaction(con):
            con.register("closing", _closing(closing))
            lake.run(con, "quarantine/close", solved_by=file.sha, logs_id=logs_id)
    return said + Counter(outcomes)


def opened(con: "Connection", shas: Iterable[str]) -> list[Row]:
    """The open rows of files, by their sums."""
    import pyarrow as pa

    con.register("asked", pa.table({"file_sha": pa.array(sorted(set(shas)), pa.string())}))
    return lake.query(con, "quarantine/open")


def _there(con: "Connection", ids: Iterable[str]) -> set[str]:
    import pyarrow as pa

    con.register("asked", pa.table({"conversation_id": pa.array(sorted(set(ids)), pa.string())}))
    return {row["conversation_id"] for row in lake.query(con, "quarantine/there")}


def _key(row: Row) -> tuple[str, int, str, str | None]:
    return row["file_sha"], row["line"], row["what"], row["event_id"]


def _closing(keys: list[tuple[Any, ...]]) -> Any:
    import pyarrow as pa

    types = {"file_sha": pa.string(), "line": pa.int64(), "what": pa.string(), "event_id": pa.string(), "solved": pa.bool_()}
    unique = list(zip(*dict.fromkeys(keys), strict=True))
    return pa.table([pa.array(v, t) for v, t in zip(unique, types.values(), strict=True)], names=list(types))
