"""The lake: DuckDB over DuckLake. Only this file opens it, and only this file reads sql/."""

import contextlib
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import engine, lineage, postgres
from pipeline.addresses import scrubbed
from pipeline.errors import Permanent, Transient
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

SQL = Path(__file__).parent.parent / "sql"
BUSY = (
    "database is locked",
    "Transaction conflict",
    "Could not set lock",
    "Failed to commit DuckLake transaction",
    "database schema has changed",
    "_nsp_index",  # and the next two: several processes made the lake's tables at once, and one was first
    'ducklake_metadata" already exists',
    "ducklake_metadata already exists",
)
BUSY_MS = 5000  # a read meets a commit of another process: SQLite itself waits this long before it says "locked"
TRIES, FIRST_WAIT_S = 8, 0.05  # eight doublings of 50 ms: about 13 s, then Airflow's own retry is the better place to wait


def _extensions(settings: Settings) -> list[str]:
    catalogue = "postgres_scanner" if settings.server else "sqlite_scanner"
    return ["ducklake", catalogue, *(["httpfs"] if settings.data_folder is None else [])]


def exists(settings: Settings) -> bool:
    """Whether a lake was made already; looking makes none."""
    if settings.server:
        return postgres.has_lake(settings.server)
    return settings.catalogue is not None and settings.catalogue.exists()


@contextlib.contextmanager
def connect(
    settings: Settings, snapshot: int | None = None, scratch: str | None = None, threads: int | None = None
) -> "Iterator[Connection]":
    """Open the lake for one stage: `ingest.feedback` is a table of the lake, `<scratch>.signals` one of this process's memory.

    snapshot: read the lake as it was at that version, read-only. scratch: name of an in-memory catalogue for work tables.
    threads: for a process that shares the cores with others of its kind; None = one a core.
    Never open a connection before a fork: the child's writes would be lost in silence.
    """
    import duckdb

    for folder in (settings.catalogue and settings.catalogue.parent, settings.data_folder):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(":memory:")
    try:
        for name in _extensions(settings):
            engine.extension(con, name)
        con.execute("set timezone = 'UTC'; set preserve_insertion_order = false; set ducklake_max_retry_count = 100")
        if threads:
            con.execute(f"set threads = {int(threads)}")
        con.execute("set enable_progress_bar = false")  # it would go to stdout, in the middle of an answer in JSON
        con.execute(f"set temp_directory = '{engine.quoted(settings.home / 'work' / 'duckdb')}'")
        if scratch:
            con.execute(f"attach ':memory:' as {scratch}")
        engine.secrets(con, settings)
        _attach(con, settings, snapshot)
        con.execute("use lake")
        if snapshot is None:
            _migrate(con, settings)
        engine.fence(con, settings)
        yield con
    except duckdb.Error as error:
        if engine.is_away(error):
            raise engine.away(error, settings) from None
        raise
    finally:
        con.close()


def _attach(con: "Connection", settings: Settings, snapshot: int | None) -> None:
    import duckdb

    options = f"data_path '{engine.quoted(settings.data)}'" + (f", snapshot_version {int(snapshot)}" if snapshot is not None else "")
    if settings.server:
        rest = " ".join(f"{name}='{value}'" for name, value in settings.server.rest)
        address, options = f"ducklake:postgres:{rest}", f"{options}, meta_secret 'catalogue'"
    else:
        address, options = f"ducklake:sqlite:{settings.catalogue}", f"{options}, meta_busy_timeout {BUSY_MS}"
    try:
        retried(lambda: con.execute(f"attach '{engine.quoted(address)}' as lake ({options})"))
    except duckdb.Error as error:
        said = scrubbed(str(error), settings.server, settings.objects)
        if "does not match existing data path" in said:
            there = said.partition('in the catalog "')[2].partition('"')[0]
            raise Permanent(
                f"this lake keeps its files in {there}, EQUIPOISE_DATA says {settings.data}/: set EQUIPOISE_DATA to it"
            ) from None
        if "No snapshot found" in said:
            raise Permanent(
                f"version {snapshot} of the lake is no longer kept (`equipoise lake compact` or an erasure let it go): take a newer logs id of that day"
            ) from None
        raise


def _migrate(con: "Connection", settings: Settings) -> None:
    """Apply the numbered schema files that this lake has not seen, each once, one process at a time."""
    done = retried(lambda: _applied(con))
    files = sorted((SQL / "schema").glob("[0-9][0-9][0-9]_*.sql"))
    if {f.stem for f in files} <= done:
        return
    with lineage.lock(settings, "schema"):
        retried(lambda: _apply(con, files))
        retried(lambda: con.execute("call lake.set_option('parquet_compression', 'zstd')"))


def _apply(con: "Connection", files: list[Path]) -> None:
    with transaction(con):
        con.execute("create schema if not exists lake.meta")
        con.execute("create table if not exists lake.meta.migrations (name varchar, applied_at timestamptz)")
        done = _applied(con)
        for file in files:
            if file.stem not in done:
                _execute(con, file.read_text(encoding="utf-8"), {})
                con.execute("insert into lake.meta.migrations values ($name, now())", {"name": file.stem})


def _applied(con: "Connection") -> set[str]:
    import duckdb

    try:
        return {row[0] for row in con.execute("select name from lake.meta.migrations").fetchall()}
    except duckdb.CatalogException:
        return set()


@contextlib.contextmanager
def transaction(con: "Connection") -> "Iterator[None]":
    """All of it or nothing; a conflict with another writer raises Transient for `retried` to try again."""
    import duckdb

    con.execute("begin transaction")
    try:
        yield
        con.execute("commit")
    except BaseException as error:
        with contextlib.suppress(duckdb.Error):
            con.execute("rollback")
        if isinstance(error, duckdb.Error) and any(words in str(error) for words in BUSY):
            raise Transient(f"another process wrote to the lake at the same moment: {str(error)[:200]}") from error
        raise


def retried(work: Any) -> Any:
    """Call `work` until no other writer is in its way: bounded, with jitter so that two do not meet again."""
    import duckdb

    for attempt in range(TRIES):
        try:
            return work()
        except (duckdb.Error, Transient) as error:
            if attempt + 1 == TRIES or not any(words in str(error) for words in BUSY):
                raise
            time.sleep(FIRST_WAIT_S * 2**attempt * (0.5 + random.random()))
    raise AssertionError("unreachable")


def run(con: "Connection", script: str, **values: object) -> None:
    """Run the named script of sql/, statement by statement; values go in as $parameters, never as text."""
    _execute(con, _read(script), values)


def query(con: "Connection", script: str, **values: object) -> list[dict[str, Any]]:
    """Run the named script and give the rows of its last statement as dicts."""
    cursor = _execute(con, _read(script), values)
    columns = [c[0] for c in cursor.description]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def table(con: "Connection", script: str, **values: object) -> Any:
    """Run the named script and give the rows of its last statement as a pyarrow Table."""
    return _execute(con, _read(script), values).to_arrow_table()


def check(con: "Connection", stage: str, parts: int = 1, **values: object) -> None:
    """Run every check of a stage: each is a sentence, and a query for rows that must not exist.

    parts: into how many parts a check that names $part divides its rows, one at a time in memory.
    """
    for file in sorted((SQL / "checks" / stage).glob("*.sql")):
        text, sentence = file.read_text(encoding="utf-8"), file.stem.replace("_", " ")
        for part in range(parts if "$parts" in text else 1):
            if rows := _execute(con, text, values | {"part": part, "parts": parts}).fetchmany(3):
                raise Permanent(f"check failed in {stage}: {sentence}; for example {str(rows)[:300]}. Nothing was committed")


def snapshot(con: "Connection") -> int:
    """The number of the lake's newest version."""
    row = con.execute("select max(snapshot_id) from ducklake_snapshots('lake')").fetchone()
    assert row is not None
    return int(row[0])


def _read(script: str) -> str:
    return (SQL / f"{script}.sql").read_text(encoding="utf-8")


def _execute(con: "Connection", text: str, values: dict[str, object]) -> Any:
    """Statements of one script, each given just the parameters that it names."""
    cursor: Any = con
    for statement in con.extract_statements(text):
        names = statement.named_parameters
        missing = names - values.keys()
        if missing:
            print(text, file=sys.stderr)
            raise KeyError(f"the script names ${', $'.join(sorted(missing))} and was not given it")
        cursor = con.execute(statement, {n: values[n] for n in names})
    return cursor
