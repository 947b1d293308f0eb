"""A place in the order of arrival, settled before a batch is read: its rows say where they stand, and nobody knows yet who commits first."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline import lake, lineage
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection


@contextlib.contextmanager
def reserved(con: "Connection", settings: Settings) -> Iterator[int]:
    """The first block after the newest one that nobody holds: a process that dies gives its block back, and its next run has it again."""
    block = max(_used(con), default=0)
    while True:
        block += 1
        with lineage.taken(settings, f"ingest-{block}") as ours:
            if ours and block not in _used(con):  # its last holder may have committed since we looked
                yield block
                return


def _used(con: "Connection") -> set[int]:
    return {batch["block"] for batch in lake.retried(lambda: lake.query(con, "ingest/batches"))}
