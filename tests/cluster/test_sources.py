"""Logs in a bucket and in a database, on a real S3 server and a real PostgreSQL: what is there comes in once, and only from where it may."""

import gzip
import json
import os
from pathlib import Path

import pytest

from pipeline import settings as machine
from pipeline.errors import BadInput, EquipoiseError, Permanent, Transient
from pipeline.ingest import sources
from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.cluster import servers
from tests.cluster.conftest import sql
from tests.ingest.exports import SAMPLES, logs
from tests.ingest.world import conversation, rows

pytestmark = pytest.mark.cluster
LINE = json.dumps(conversation()).encode() + b"\n"


@pytest.fixture
def bucket(home: Settings, store: int, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home that may read s3://lake/logs and nothing else."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "EQUIPOISE_S3_ENDPOINT": f"http://127.0.0.1:{store}",
        "AWS_ACCESS_KEY_ID": servers.KEY,
        "AWS_SECRET_ACCESS_KEY": servers.SECRET,
        "EQUIPOISE_SOURCES": f"s3://{servers.BUCKET}/logs, s3://gone/",
    }.items():
        monkeypatch.setenv(name, value)
    client = servers.client(store)
    for key, body in {
        "logs/a_2026-11-20.jsonl": LINE,
        "logs/deep/b_2026-11-21.jsonl.gz": gzip.compress(LINE),
        "logs/notes.txt": b"x",
        "logs/_part.jsonl": LINE,
        "logsnot/c.jsonl": LINE,
        **{f"logs/langfuse/{p.name}": p.read_bytes() for p in logs(SAMPLES / "langfuse")},
    }.items():
        client.put_object(Bucket=servers.BUCKET, Key=key, Body=body)
    return machine.load()


NAMED = {
    "s3://lake/logs/a_2026-11-20.jsonl": ["a_2026-11-20.jsonl"],
    "s3://lake/logs/": ["a_2026-11-20.jsonl", "b_2026-11-21.jsonl.gz", "observations.jsonl", "scores.jsonl", "traces.jsonl"],
    "s3://lake/logs/*.jsonl": ["_part.jsonl", "a_2026-11-20.jsonl"],
    "s3://lake/logs/**/[ab]*": ["a_2026-11-20.jsonl", "b_2026-11-21.jsonl.gz"],
    "s3://lake/logs/deep": ["b_2026-11-21.jsonl.gz"],
}


@pytest.mark.parametrize("address", NAMED)
def test_a_key_a_prefix_and_a_glob_name_what_they_say(bucket: Settings, address: str) -> None:
    with sources.files([address], None, bucket) as files:
        assert sorted(f.name for f in files) == [n for n in NAMED[address] if not n.startswith("_")]


def test_an_export_in_a_bucket_comes_in_once(bucket: Settings) -> None:
    first = run(["s3://lake/logs/langfuse"], Recipe(), bucket, day="2026-11-20")
    assert (first["stored"], first["quarantined"], len(rows(bucket, "feedback"))) == (2, 0, 4)
    again = run(["s3://lake/logs/langfuse/"], Recipe(), bucket, day="2026-11-20")
    assert (again["id"], again["stored"], again["updated"]) == (first["id"], 0, 0)
    assert not list((bucket.home / "work" / "sources").iterdir())


REFUSED = {
    "s3://lake/other/x.jsonl": (BadInput, "EQUIPOISE_SOURCES allows s3://lake/logs"),
    "s3://lake/logsnot/c.jsonl": (BadInput, "EQUIPOISE_SOURCES allows"),
    "s3://lake/logs/../other/x.jsonl": (BadInput, "EQUIPOISE_SOURCES allows"),
    "s3://lake/logs/nothing*": (BadInput, "no log there"),
    "s3://lake/logs/gone.jsonl": (BadInput, "no log there"),
    "s3://gone/x.jsonl": (EquipoiseError, "s3://gone/x.jsonl"),
}


@pytest.mark.parametrize("address", REFUSED)
def test_a_place_that_is_not_allowed_or_not_there_is_refused(bucket: Settings, address: str) -> None:
    kind, words = REFUSED[address]
    with pytest.raises(kind, match=words.replace("*", r"\*")) as said:
        run([address], Recipe(), bucket)
    assert servers.SECRET not in str(said.value)


def test_without_a_key_the_variable_is_named(bucket: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Permanent, match="AWS_SECRET_ACCESS_KEY"):
        run(["s3://lake/logs/"], Recipe(), machine.load())


COLUMNS = {
    "chat": "id text primary key, user_id text, title text, chat json, created_at bigint, updated_at bigint, share_id text, archived boolean, meta json",
    "feedback": "id text primary key, user_id text, version bigint, type text, data json, meta json, snapshot json, created_at bigint, updated_at bigint",
    "traces": "id text primary key, timestamp timestamp, name text, project_id text, metadata jsonb, user_id text, session_id text, input jsonb, output jsonb, updated_at timestamp default '2026-11-12'",
    "observations": "id text primary key, trace_id text, type text, start_time timestamp, end_time timestamp, name text, input jsonb, output jsonb, model text, updated_at timestamp default '2026-11-12'",
    "scores": "id text primary key, timestamp timestamp, name text, value double precision, source text, comment text, trace_id text, observation_id text, data_type text, string_value text, updated_at timestamp default '2026-11-12'",
}


def fill(port: int, database: str, table: str, path: Path, **renamed: str) -> None:
    """Rows of a sample in a table of the tool's own columns."""
    sql(port, f"create table {table} ({COLUMNS[table]})", database)
    text = path.read_text(encoding="utf-8")
    for row in json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]:
        row |= {new: row[old] for old, new in renamed.items()}
        cells = {k: v for k, v in row.items() if v is not None and f"{k} " in COLUMNS[table]}
        values = ["'" + (json.dumps(v) if isinstance(v, dict | list) else str(v)).replace("'", "''") + "'" for v in cells.values()]
        sql(port, f"insert into {table} ({', '.join(cells)}) values ({', '.join(values)})", database)


@pytest.fixture
def shop(home: Settings, database: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """A home with two sources: an Open WebUI's and a Langfuse's database."""
    number = abs(hash(str(tmp_path)))
    for name in ("webui", "langfuse", "empty"):
        sql(database, f"create database {name}{number}")
        words = f"dbname={name}{number} host=127.0.0.1 port={database} user=postgres password='{servers.PASSWORD.replace(chr(92), chr(92) * 2).replace(chr(39), chr(92) + chr(39))}'"
        monkeypatch.setenv(f"EQUIPOISE_SOURCE_{name.upper()}", words if name == "webui" else f"postgres:{words}")
    fill(database, f"webui{number}", "chat", SAMPLES / "open_webui" / "chats.ndjson")
    fill(database, f"webui{number}", "feedback", SAMPLES / "open_webui" / "feedback.json")
    fill(database, f"langfuse{number}", "traces", SAMPLES / "langfuse" / "traces.jsonl")
    fill(database, f"langfuse{number}", "observations", SAMPLES / "langfuse" / "observations.jsonl", provided_model_name="model")
    fill(database, f"langfuse{number}", "scores", SAMPLES / "langfuse" / "scores.jsonl")
    return machine.load()


@pytest.mark.parametrize(("source", "folder"), [("webui", "open_webui"), ("langfuse", "langfuse")])
def test_a_live_table_is_the_export(shop: Settings, source: str, folder: str) -> None:
    exported = Settings(**(shop.__dict__ | {"home": shop.home / "other", "data": str(shop.home / "other" / "data")}))
    run(logs(SAMPLES / folder), Recipe(), exported, day="2026-11-20")
    live = run([f"postgres:{source}"], Recipe(), shop, day="2026-11-20")
    assert live["quarantined"] == live["quarantined_events"] == 0
    for table, columns in (
        ("messages", "conversation_id, message_id, parent_id, role, content, created_at::varchar"),
        ("feedback", "conversation_id, event_id, message_id, kind, value, text, reasons"),
    ):
        assert rows(shop, table, columns) == rows(exported, table, columns)
    again = run([f"postgres:{source}"], Recipe(), shop, day="2026-11-20")
    assert (again["id"], again["stored"], again["updated"]) == (live["id"], 0, 0)


def test_rows_since_a_day_are_only_those(shop: Settings) -> None:
    with sources.files(["postgres:webui@2026-11-13"], None, shop) as files:
        assert [f.path.read_bytes() for f in files] == [b"", b""]
    with sources.files(["postgres:langfuse@2026-11-12", "postgres:webui@2026-11-12"], None, shop) as files:
        assert [len(f.path.read_bytes().splitlines()) for f in files] == [3, 4, 3, 4, 4]


def test_what_cannot_be_read_is_said_without_the_password(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "EQUIPOISE_SOURCE_AWAY",
        f"postgres:dbname=x host=127.0.0.1 port={servers.free_port()} user=u password={servers.PASSWORD.split()[0]}-secret",
    )
    monkeypatch.setenv("EQUIPOISE_SOURCE_WRONG", os.environ["EQUIPOISE_SOURCE_WEBUI"].replace("user=postgres", "user=nobody"))
    home = machine.load()
    for address, kind, words in (
        ("postgres:empty", BadInput, "none of the tables"),
        ("postgres:away", Transient, "does not answer"),
        ("postgres:wrong", Permanent, "check the source"),
        ("postgres:unknown", BadInput, "EQUIPOISE_SOURCE_UNKNOWN"),
        ("postgres:webui@tomorrow", BadInput, "no day"),
        ("postgres:host=127.0.0.1 password=secret", BadInput, "names a source"),
    ):
        with pytest.raises(kind, match=words) as said:
            run([address], Recipe(), home)
        assert "secret" not in str(said.value) and servers.PASSWORD not in str(said.value)
    assert servers.PASSWORD not in repr(home)


def test_a_source_that_cannot_be_read_as_words_is_named_and_not_shown(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQUIPOISE_SOURCE_SHOP", "postgres://user:hush hush@:x")
    with pytest.raises(Permanent, match="EQUIPOISE_SOURCE_SHOP") as said:
        machine.load()
    assert "hush" not in str(said.value)
