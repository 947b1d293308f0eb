"""The lake: DuckDB over DuckLake. Only this file opens it, and only this file reads sql/."""

import contextlib
import importlib.metadata
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import lineage
from pipeline.errors import Permanent, Transient
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

SQL = Path(__file__).parent.parent / "sql"
EXTENSIONS = ("ducklake", "sqlite_scanner")
BUSY = (
    "database is locked",
    "Transaction conflict",
    "Could not set lock",
    "Failed to commit DuckLake transaction",
    "database schema has changed",
)
BUSY_MS = 5000  # a read meets a commit of another process: SQLite itself waits this long before it says "locked"
TRIES, FIRST_WAIT_S = 8, 0.05  # eight doublings of 50 ms: about 13 s, then Airflow's own retry is the better place to wait


def _extension(con: "Connection", name: str) -> None:
    """Load a signed extension out of its package: nothing is downloaded at run time."""
    package = importlib.metadata.distribution(f"duckdb-extension-{name.replace('_', '-')}")
    for file in package.files or []:
        if file.name == f"{name}.duckdb_extension":
            con.execute(f"load '{_quoted(Path(str(package.locate_file(file))))}'")
            return
    raise Permanent(f"the package duckdb-extension-{name} holds no {name}.duckdb_extension: install the versions of the lock")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


@contextlib.contextmanager
def connect(settings: Settings, snapshot: int | None = None, scratch: str | None = None) -> "Iterator[Connection]":
    """Open the lake for one stage: `ingest.feedback` is a table of the lake, `<scratch>.signals` one of this process's memory.

    snapshot: read the lake as it was at that version, read-only. scratch: name of an in-memory catalogue for work tables.
    Never open a connection before a fork: the child's writes would be lost in silence.
    """
    import duckdb

    settings.catalogue.parent.mkdir(parents=True, exist_ok=True)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(":memory:")
    try:
        for name in EXTENSIONS:
            _extension(con, name)
        con.execute("set timezone = 'UTC'; set preserve_insertion_order = false; set ducklake_max_retry_count = 100")
        con.execute("set enable_progress_bar = false")  # it would go to stdout, in the middle of an answer in JSON
        con.execute(f"set temp_directory = '{_quoted(settings.home / 'work' / 'duckdb')}'")
        if scratch:
            con.execute(f"attach ':memory:' as {scratch}")
        _attach(con, settings, snapshot)
        con.execute("use lake")
        if snapshot is None:
            _migrate(con, settings)
        allowed = [str(settings.home), str(settings.data), str(settings.catalogue.parent)]
        con.execute("set allowed_directories = $allowed", {"allowed": allowed})
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        yield con
    finally:
        con.close()


def _attach(con: "Connection", settings: Settings, snapshot: int | None) -> None:
    options = f"data_path '{_quoted(Path(settings.data))}', meta_busy_timeout {BUSY_MS}" + (
        f", snapshot_version {int(snapshot)}" if snapshot is not None else ""
    )
    retried(lambda: con.execute(f"attach 'ducklake:sqlite:{_quoted(settings.catalogue)}' as lake ({options})"))


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


def check(con: "Connection", stage: str, **values: object) -> None:
    """Run every check of a stage: each is a sentence, and a query for rows that must not exist."""
    for file in sorted((SQL / "checks" / stage).glob("*.sql")):
        rows = _execute(con, file.read_text(encoding="utf-8"), values).fetchmany(3)
        if rows:
            sentence = file.stem.replace("_", " ")
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
