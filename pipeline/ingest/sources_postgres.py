"""Logs in a database: `postgres:NAME` reads the tables of a tool that keeps its conversations in PostgreSQL, in one read-only look.

NAME stands for EQUIPOISE_SOURCE_<NAME>, a connection string that is never printed. `postgres:NAME@2026-11-20` asks only for rows that
changed on that day (UTC) or later, so that the cost of a day does not grow with history.
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipeline.addresses import Server, scrubbed
from pipeline.errors import BadInput, Permanent, Transient
from pipeline.ingest import formats
from pipeline.settings import Settings

ROWS = 500  # fetched at once: chats with their snapshots reach megabytes each
CONNECT_S = 10
NUMBERS = ("bigint", "integer", "numeric", "double precision")


def fetch(address: str, settings: Settings, place: Callable[[str], Path]) -> None:
    """Write every table of the tool found there as JSONL, to the paths that `place` gives."""
    name, since = _parts(address)
    server = settings.databases.get(name.lower())
    if server is None:
        known = ", ".join(sorted(settings.databases)) or "none"
        raise BadInput(f"{address}: no such source; set EQUIPOISE_SOURCE_{name.upper()} to a connection string (set now: {known})")
    import psycopg2

    try:
        with contextlib.closing(_connect(server)) as con:
            found = list(_tables(con))
            if not found:
                asked = ", ".join(sorted({t for one in formats.foreign().values() for t in one.tables}))
                raise BadInput(
                    f"{address}: none of the tables {asked} is there; check the database that EQUIPOISE_SOURCE_{name.upper()} names"
                )
            for schema, table, changed in found:
                with place(f"{name.lower()}-{table}.jsonl").open("xb") as file:
                    for line in _rows(con, schema, table, changed, since):
                        file.write(line.encode() + b"\n")
    except psycopg2.Error as error:
        raise _said(address, error, server) from None


def _parts(address: str) -> tuple[str, date | None]:
    name, _, day = address.removeprefix("postgres:").partition("@")
    if not name.replace("_", "").isalnum():
        raise BadInput(
            "postgres:… names a source of EQUIPOISE_SOURCE_<NAME>, like postgres:langfuse; connection strings stand in the environment only"
        )
    try:
        return name, date.fromisoformat(day) if day else None
    except ValueError:
        raise BadInput(f"{address}: {day} is no day; write it like postgres:{name}@2026-11-20") from None


def _connect(server: Server) -> Any:
    """A connection that can only read, and sees one moment of all tables."""
    import psycopg2

    con = psycopg2.connect(**{"connect_timeout": CONNECT_S, "application_name": "equipoise"} | dict(server.rest) | server.words())
    con.set_session(isolation_level="REPEATABLE READ", readonly=True)
    return con


def _tables(con: Any) -> Iterator[tuple[str, str, tuple[str, str] | None]]:
    """(schema, table, the column that says when a row changed and its type) of the first tool whose tables are all there."""
    with con.cursor() as cursor:
        cursor.execute(
            "select table_schema, table_name, column_name, data_type from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema')"
        )
        columns: dict[tuple[str, str], dict[str, str]] = {}
        for schema, table, column, kind in cursor.fetchall():
            columns.setdefault((schema, table), {})[column] = kind
    for one in formats.foreign().values():
        for schema in sorted({s for s, _ in columns}):
            if one.tables and all((schema, table) in columns for table in one.tables):
                for table, (needed, changed) in one.tables.items():
                    there = columns[schema, table]
                    if needed not in there:
                        break
                    yield schema, table, (changed, there[changed]) if changed in there else None
                else:
                    return


def _rows(con: Any, schema: str, table: str, changed: tuple[str, str] | None, since: date | None) -> Iterator[str]:
    """The rows as JSON, as the server writes them; some at a time, so that memory stays flat."""
    from psycopg2 import sql

    query = sql.SQL("select row_to_json(r)::text from {} as r").format(sql.Identifier(schema, table))
    values: list[Any] = []
    if since and changed:
        start = datetime(since.year, since.month, since.day, tzinfo=UTC)
        query += sql.SQL(" where r.{} >= %s").format(sql.Identifier(changed[0]))
        values.append(int(start.timestamp()) if changed[1] in NUMBERS else start)
    with con.cursor(name="equipoise_rows") as cursor:
        cursor.itersize = ROWS
        cursor.execute(query, values)
        for (line,) in cursor:
            yield line


def _said(address: str, error: Exception, server: Server) -> Permanent | Transient:
    text = " ".join(scrubbed(str(error), server).split())[:300]
    away = any(
        words in text
        for words in (
            "could not connect",
            "Connection refused",
            "timeout",
            "terminating connection",
            "closed the connection",
            "starting up",
        )
    )
    return (
        Transient(f"{address}: the server does not answer: {text}")
        if away
        else Permanent(f"{address}: {text}; check the source and its rights")
    )
