"""Rows of plainly good lines as Parquet files among the lake's own, handed over once they are large: a third of the cost of an insert.

A file that was not handed over is no part of any table: a run that fails takes its files away, and what a killed run leaves is
found by `equipoise lake compact` like DuckLake's own orphans.
"""

import uuid
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import lake
from pipeline.ingest import rows
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

MOST_PENDING = 100_000  # conversations in files that the lake does not know yet
REPEATING = ("day", "user_hash", "app", "model", "locale", "file_sha", "flags", "role", "kind", "value", "source")
UNTOLD = ("content", "parts", "tool_calls", "name", "metadata", "text", "value", "reasons")  # a file's least and greatest text stay in it


class Store:
    """The files that one batch writes. Where the lake's data lie in an object store, rows go in by insert at once."""

    def __init__(self, con: "Connection", settings: Settings, day: date) -> None:
        self._con, self._folder, self._day = con, settings.data_folder, day
        self._writers: dict[str, tuple[Path, Any]] = {}
        self._written: list[Path] = []
        self.pending: set[str] = set()
        """Conversations in files that are not handed over."""

    def add(self, name: str, arriving: Any) -> None:
        """Append rows, a pyarrow Table in the order of the lake's columns, to a table's file."""
        if self._folder is None:
            self._con.register("arriving", arriving)
            lake.run(self._con, f"ingest/add_{name}")
            return
        if name not in self._writers:
            self._writers[name] = self._open(self._folder, name, arriving.schema)
        self._writers[name][1].write_table(arriving)
        if name == "conversations":
            self.pending.update(arriving["conversation_id"].to_pylist())
            if len(self.pending) > MOST_PENDING:
                self.hand_over()

    def _open(self, data: Path, name: str, schema: Any) -> tuple[Path, Any]:
        import pyarrow.parquet as pq

        path = data / "ingest" / name / f"day={self._day.isoformat()}" / f"plain-{uuid.uuid4()}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._written.append(path)
        columns = rows.COLUMNS[name]
        return path, pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            use_dictionary=[c for c in columns if c in REPEATING],
            write_statistics=[c for c in columns if c not in UNTOLD],
        )

    def hand_over(self) -> None:
        """Close the files and make them part of their tables, in the connection's transaction."""
        for name, (path, writer) in self._writers.items():
            writer.close()
            lake.run(self._con, "ingest/hand_over", name=name, path=str(path))
        self._writers.clear()
        self.pending.clear()

    def drop(self) -> None:
        """Take every file away again: the transaction that would have owned them was rolled back."""
        for _, writer in self._writers.values():
            writer.close()
        for path in self._written:
            path.unlink(missing_ok=True)
