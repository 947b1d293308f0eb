"""Rows of a batch as Parquet files among the lake's own: a third of the cost of an insert, and no table knows them until the batch commits.

A batch that fails takes its files away; what a killed one leaves is found by `equipoise lake compact` like DuckLake's own orphans,
and so is what a failed one leaves in an object store.
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

MOST_ROWS = 500_000  # of a file: a reader may want one of its row groups and has to open it whole
REPEATING = ("day", "user_hash", "app", "model", "locale", "file_sha", "flags", "role", "kind", "value", "source")
UNTOLD = ("content", "parts", "tool_calls", "name", "metadata", "text", "value", "reasons")  # a file's least and greatest text stay in it


class Store:
    """The files that one batch writes, in the order in which they are to be handed over."""

    def __init__(self, con: "Connection", settings: Settings, day: date) -> None:
        self._con, self._settings, self._day = con, settings, day
        self._writers: dict[str, tuple[Path, Any]] = {}
        self._rows = 0
        self._written: list[Path] = []
        self.files: dict[str, list[str]] = {}
        """Closed files, by table."""

    def add(self, name: str, arriving: Any) -> list[tuple[str, str]]:
        """Append rows, a pyarrow Table in the order of the lake's columns; returns the files that are closed by it, with their tables."""
        if self._settings.data_folder is None:
            return [self.file(name, arriving)]
        if name not in self._writers:
            self._writers[name] = self._open(self._settings.data_folder, name, arriving.schema)
        self._writers[name][1].write_table(arriving)
        self._rows += len(arriving)
        return []

    def file(self, name: str, arriving: Any) -> tuple[str, str]:
        """A file of just these rows; returns its table and its path."""
        if self._settings.data_folder is not None:
            path, writer = self._open(self._settings.data_folder, name, arriving.schema)
            writer.write_table(arriving)
            writer.close()
            return self._closed(name, str(path))
        address = f"{self._settings.data.rstrip('/')}/{self._place(name)}"
        self._con.register("arriving", arriving)
        lake.run(self._con, "ingest/file", path=address)
        return self._closed(name, address)

    def is_full(self) -> bool:
        return self._rows > MOST_ROWS

    def close(self) -> list[tuple[str, str]]:
        """Close the files that are open; returns their tables and paths."""
        done = []
        for name, (path, writer) in self._writers.items():
            writer.close()
            done.append(self._closed(name, str(path)))
        self._writers.clear()
        self._rows = 0
        return done

    def drop(self) -> None:
        """Take every file away again: the batch that would have owned them is not to be."""
        self.close()
        self.files.clear()
        for path in self._written:
            path.unlink(missing_ok=True)
        self._written.clear()

    def _closed(self, name: str, path: str) -> tuple[str, str]:
        self.files.setdefault(name, []).append(path)
        return name, path

    def _place(self, name: str) -> str:
        return f"ingest/{name}/day={self._day.isoformat()}/batch-{uuid.uuid4()}.parquet"

    def _open(self, data: Path, name: str, schema: Any) -> tuple[Path, Any]:
        import pyarrow.parquet as pq

        path = data / self._place(name)
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
