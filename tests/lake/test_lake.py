"""The lake: many processes at once, time travel, and a schema that is applied once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import lake
from pipeline.errors import Permanent
from pipeline.settings import Settings

WRITER = """
import sys
from pipeline import lake, settings
name, rounds = sys.argv[1], int(sys.argv[2])
with lake.connect(settings.load()) as con:
    def once(n):
        with lake.transaction(con):
            for _ in range(2):
                con.execute("insert into ingest.batches by name select $id as logs_id, $n as number", {"id": name, "n": n})
    for n in range(rounds):
        lake.retried(lambda: once(n))
"""
READER = """
import sys, time
from pathlib import Path
from pipeline import lake, settings
stop, seen, reads = Path(sys.argv[1]), 0, 0
while not stop.exists() or not reads:
    with lake.connect(settings.load()) as con:
        for _ in range(5):
            (now,) = con.execute("select count(*) from ingest.batches").fetchone()
            assert now % 2 == 0, f"half of a transaction was seen: {now}"
            assert now >= seen, f"rows went away: {seen} then {now}"
            seen, reads = now, reads + 1
print(reads)
"""


def start(settings: Settings, program: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    environment = os.environ | {"EQUIPOISE_HOME": str(settings.home)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_write_while_a_third_reads(home: Settings, tmp_path: Path) -> None:
    with lake.connect(home):
        pass
    stop = tmp_path / "stop"
    reader = start(home, READER, stop)
    writers = [start(home, WRITER, name, 5) for name in ("a", "b")]
    words = [w.communicate()[1] for w in writers]
    assert [w.returncode for w in writers] == [0, 0], words
    stop.touch()
    out, err = reader.communicate()
    assert reader.returncode == 0, err
    assert int(out) > 0
    with lake.connect(home) as con:
        assert con.execute("select logs_id, count(*) from ingest.batches group by all order by all").fetchall() == [("a", 10), ("b", 10)]


def test_processes_that_open_a_new_lake_at_once_agree_on_its_schema(home: Settings) -> None:
    openers = [start(home, WRITER, name, 1) for name in "abc"]
    assert [o.communicate() and o.returncode for o in openers] == [0, 0, 0]
    with lake.connect(home) as con:
        applied = con.execute("select name, count(*) from lake.meta.migrations group by all").fetchall()
        assert applied
        assert all(times == 1 for _, times in applied)
        assert con.execute("select count(*) from ingest.batches").fetchall() == [(6,)]


def test_the_schema_is_applied_once(home: Settings) -> None:
    versions = []
    for _ in range(3):
        with lake.connect(home) as con:
            versions.append(lake.snapshot(con))
    assert len(set(versions)) == 1


def test_an_older_version_can_be_read_and_not_written(home: Settings) -> None:
    import duckdb

    with lake.connect(home) as con:
        con.execute("insert into ingest.batches by name select 'first' as logs_id")
        version = lake.snapshot(con)
        con.execute("insert into ingest.batches by name select 'second' as logs_id")
        con.execute("delete from ingest.batches where logs_id = 'first'")
    with lake.connect(home, snapshot=version) as con:
        assert con.execute("select logs_id from ingest.batches").fetchall() == [("first",)]
        with pytest.raises(duckdb.Error, match="read-only"):
            con.execute("insert into ingest.batches by name select 'x' as logs_id")


def test_a_transaction_that_fails_leaves_nothing(home: Settings) -> None:
    with lake.connect(home) as con:
        with pytest.raises(RuntimeError):
            with lake.transaction(con):
                con.execute("insert into ingest.batches by name select 'x' as logs_id")
                raise RuntimeError
        assert con.execute("select count(*) from ingest.batches").fetchall() == [(0,)]


def test_a_check_that_finds_a_row_says_its_sentence_and_commits_nothing(home: Settings) -> None:
    with lake.connect(home) as con:
        with pytest.raises(Permanent, match="every conversation stands once"):
            with lake.transaction(con):
                for _ in range(2):
                    con.execute(
                        "insert into ingest.conversations by name select 'c' as conversation_id, 5 as arrived, date '2026-11-20' as day"
                    )
                lake.check(con, "ingest", first=5, next=6, day="2026-11-20")
        assert con.execute("select count(*) from ingest.conversations").fetchall() == [(0,)]


def test_the_lake_reads_no_file_outside_its_home(home: Settings, tmp_path: Path) -> None:
    import duckdb

    outside = tmp_path / "secret.csv"
    outside.write_text("a\n1\n")
    with lake.connect(home) as con:
        with pytest.raises(duckdb.Error):
            con.execute("select * from read_csv($path)", {"path": str(outside)})
        with pytest.raises(duckdb.Error):
            con.execute("set enable_external_access = true")


@pytest.mark.parametrize(("lake_is", "package"), [("postgres:dbname=x", "postgres-scanner"), ("sqlite:", "httpfs")])
def test_an_engine_part_that_is_not_installed_is_named(lake_is: str, package: str, home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    from pipeline import settings as machine

    real = importlib.metadata.distribution

    def without(name: str) -> importlib.metadata.Distribution:
        if name.endswith(package):
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "distribution", without)
    monkeypatch.setenv("EQUIPOISE_LAKE", lake_is)
    monkeypatch.setenv("EQUIPOISE_DATA", "s3://bucket/lake")
    with pytest.raises(Permanent, match=rf"duckdb-extension-{package} is not installed: pip install 'equipoise\[cluster\]'"):
        with lake.connect(machine.load()):
            pass


def test_a_version_that_was_let_go_is_told_with_the_next_move(home: Settings) -> None:
    with lake.connect(home):
        pass
    with pytest.raises(Permanent, match="version 7777 of the lake is no longer kept"):
        with lake.connect(home, snapshot=7777):
            pass
