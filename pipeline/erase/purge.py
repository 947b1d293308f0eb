"""Empty the lake of what was deleted: its files, its older versions, and the free pages of its catalogue."""

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from pipeline import lake, postgres
from pipeline.errors import Transient
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

BUSY_S = 60  # a command that looks at the lake reads for milliseconds; one that reads for a minute is worth a retry


def files(con: "Connection") -> int:
    """Rewrite, expire and clean up; returns the one version that is left. Twice is once."""
    lake.retried(lambda: lake.run(con, "erase/purge"))
    return lake.snapshot(con)


def catalogue(settings: Settings) -> None:
    """Give the catalogue's free pages back. No connection of ours may be open."""
    if settings.server:
        _postgres(settings)
    elif settings.catalogue and settings.catalogue.exists():
        try:
            with contextlib.closing(sqlite3.connect(settings.catalogue, timeout=BUSY_S, isolation_level=None)) as con:
                con.execute("pragma wal_checkpoint(truncate)")
                con.execute("vacuum")
        except sqlite3.OperationalError as error:
            raise Transient(f"{settings.catalogue}: {error}; another process reads the lake, run `equipoise forget --finish`") from None


def _postgres(settings: Settings) -> None:
    """Tables of the catalogue, and what the server's planner remembers of their values. Its write-ahead log and backups are the operator's."""
    assert settings.server is not None
    import psycopg2

    with contextlib.closing(postgres.connect(settings.server)) as con, con.cursor() as cursor:
        cursor.execute("select format('%I.%I', schemaname, tablename) from pg_tables where tablename like 'ducklake\\_%'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"vacuum (full, analyze) {table}")  # a name that the server itself quoted
        with contextlib.suppress(psycopg2.errors.InsufficientPrivilege):  # the server's own autovacuum does it later
            cursor.execute("vacuum full pg_catalog.pg_statistic")
