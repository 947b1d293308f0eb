"""Compaction: fewer files, the same rows, every version that somebody still needs, and nobody is disturbed."""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import lake, lineage
from pipeline.commands import COMMANDS, compact, look
from pipeline.errors import Permanent
from pipeline.ingest.run import run as ingest
from pipeline.mine.run import run as mine
from pipeline.recipe import Mining, Recipe
from pipeline.settings import Settings
from tests.lake import drill

pytestmark = pytest.mark.slow  # several ingests and compactions a test

NOW = datetime(2026, 11, 20, tzinfo=UTC)
NOTHING = timedelta(0)


def filled(settings: Settings, folder: Path, rounds: int = 4) -> list[str]:
    """Some small batches with updates and withdrawn consent; gives their ids."""
    return [ingest([drill.day(folder, n)], Recipe(), settings)["id"] for n in range(rounds)]


def tidied(settings: Settings, keep_days: float = 0, grace: timedelta = NOTHING) -> dict[str, Any]:
    return compact.run(settings, keep_days, grace)


def test_files_become_fewer_and_rows_stay(home: Settings, tmp_path: Path) -> None:
    ids = filled(home, tmp_path)
    before = drill.state(home)
    done = tidied(home)
    assert done["flushed_rows"] > 0 and done["merged_files"] > 0 and done["rewritten_files"] > 0
    with lake.connect(home) as con:
        by_name = {t["table"]: t["files"] for t in look.tables(con)}
    assert by_name["ingest.conversations"] == by_name["ingest.feedback"] == 3, "one file a day"
    assert drill.state(home) == before
    again = ingest([drill.day(tmp_path, 3)], Recipe(), home)
    assert (again["id"], again["stored"], again["updated"]) == (ids[-1], 0, 0)


def test_a_second_compaction_finds_nothing_to_do(home: Settings, tmp_path: Path) -> None:
    filled(home, tmp_path)
    tidied(home)
    done = tidied(home)
    counted = {k: v for k, v in done.items() if k not in ("before", "after", "lost", "expired_versions")}
    assert set(counted.values()) == {0}
    assert done["before"]["files"] == done["after"]["files"]


def test_deleted_rows_leave_their_files(home: Settings, tmp_path: Path) -> None:
    filled(home, tmp_path, 2)
    with lake.connect(home) as con:
        con.execute("delete from ingest.messages where conversation_id like '%1'")
        assert sum(t["deleted"] for t in look.tables(con)) > 0
    assert tidied(home)["rewritten_files"] > 0
    with lake.connect(home) as con:
        assert sum(t["deleted"] for t in look.tables(con) if t["table"] == "ingest.messages") == 0


def test_every_batch_is_known_by_the_version_that_brought_it(home: Settings, tmp_path: Path) -> None:
    filled(home, tmp_path)
    with lake.connect(home) as con:
        before = lake.query(con, "ingest/batches")
    tidied(home)
    with lake.connect(home) as con:
        assert lake.query(con, "ingest/batches") == before


def test_logs_that_nobody_mined_are_mined_after_it_as_before(home: Settings, tmp_path: Path) -> None:
    id = filled(home, tmp_path)[-1]
    before = mine(id, Recipe(), home, dry_run=True)
    done = tidied(home)
    assert id not in done["lost"]
    assert mine(id, Recipe(), home, dry_run=True) == before


def test_logs_that_were_mined_keep_their_version_for_so_many_days(home: Settings, tmp_path: Path) -> None:
    id = filled(home, tmp_path)[-1]
    mine(id, Recipe(), home)
    ingest([drill.day(tmp_path, 4)], Recipe(), home)
    stricter = (
        Recipe(mining=Mining(min_edit_chars=9)) if "min_edit_chars" in Mining.model_fields else Recipe(mining=Mining(min_net_score=2))
    )
    assert id not in tidied(home, keep_days=1)["lost"]
    mine(id, stricter, home, dry_run=True)
    done = tidied(home, keep_days=0)
    assert id in done["lost"]
    with pytest.raises(Permanent, match="is no longer kept"):
        mine(id, stricter, home, dry_run=True)
    assert mine(id, Recipe(), home)["id"].startswith("pairs-"), "what was mined from it stays"


def test_a_batch_that_is_not_sealed_yet_keeps_its_version(home: Settings, tmp_path: Path) -> None:
    ids = filled(home, tmp_path, 5)
    before = lineage.manifest(home, ids[0])["snapshot"]
    (lineage.folder(home, ids[0]) / "manifest.json").unlink()
    tidied(home)
    ingest([drill.day(tmp_path, 4)], Recipe(), home)
    assert lineage.manifest(home, ids[0])["snapshot"] == before
    with lake.connect(home, snapshot=before) as con:
        assert con.execute("select count(*) from ingest.batches").fetchall() == [(1,)]


def batch(id: str, day: int, snapshot: int) -> dict[str, Any]:
    return {"logs_id": id, "day": day, "snapshot": snapshot}


def test_only_the_newest_logs_of_a_day_are_needed_and_only_until_they_are_mined() -> None:
    batches = [batch("d", 2, 9), batch("c", 1, 7), batch("b", 1, 5), batch("a", 0, 3)]
    assert compact.needed(batches, mined={"a"}, sealed={"a", "b", "c", "d"}) == {9, 7}
    assert compact.needed(batches, mined={"a", "c", "d"}, sealed={"a", "c", "d"}) == {5}


def test_the_newest_version_and_those_after_the_cutoff_stay() -> None:
    versions = [{"id": n, "made": NOW - timedelta(days=10 - n)} for n in range(5)]
    assert compact.expired(versions, {1}, NOW - timedelta(days=7)) == [0, 2]
    assert compact.expired(versions, set(), NOW) == [0, 1, 2, 3]


@pytest.mark.parametrize(("age_h", "stays"), [(0.5, True), (2, False)])
def test_a_file_that_nobody_knows_goes_once_it_is_older_than_the_grace(age_h: float, stays: bool, home: Settings, tmp_path: Path) -> None:
    filled(home, tmp_path, 1)
    left = Path(home.data) / "ingest" / "messages" / "day=2026-11-10" / "ducklake-left-over.parquet"
    left.write_bytes(b"of a writer that was killed")
    then = time.time() - age_h * 3600
    os.utime(left, (then, then))
    assert look.run(home, timedelta(hours=1))["orphans"] == (0 if stays else 1)
    assert tidied(home, grace=timedelta(hours=1))["removed_orphans"] == (0 if stays else 1)
    assert left.exists() == stays


def test_files_that_a_reader_may_still_hold_are_left_for_the_next_time(home: Settings, tmp_path: Path) -> None:
    filled(home, tmp_path)
    done = tidied(home, grace=timedelta(hours=1))
    assert done["removed_files"] == 0 and done["after"]["waiting"] > 0
    done = tidied(home)
    assert done["removed_files"] > 0 and done["after"]["waiting"] == 0
    assert drill.files(home) == drill.known_files(home)


def test_a_clean_up_that_was_killed_after_a_file_goes_on(home: Settings, tmp_path: Path) -> None:
    filled(home, tmp_path)
    tidied(home, grace=timedelta(hours=1))
    with lake.connect(home) as con:
        (path,) = con.execute("select path from __ducklake_metadata_lake.ducklake_files_scheduled_for_deletion limit 1").fetchone() or ("",)
    (Path(home.data) / path).unlink()
    assert tidied(home)["after"]["waiting"] == 0


def test_readers_and_writers_go_on_beside_it(home: Settings, tmp_path: Path) -> None:
    filled(home, tmp_path, 2)
    words = [sys.executable, "-m", "pipeline", "ingest", "--json"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen([*words, str(drill.day(tmp_path, n))], **pipes) for n in (2, 3)]
    rounds = 0
    with lake.connect(home) as reader:
        while any(w.poll() is None for w in writers) or not rounds:
            before = reader.execute("select count(*) from ingest.conversations").fetchall()
            tidied(home, grace=timedelta(hours=1))
            assert reader.execute("select count(*) from ingest.conversations").fetchall() >= before
            rounds += 1
    said = [w.communicate() for w in writers]
    assert [w.returncode for w in writers] == [0, 0], said
    assert sum(json.loads(out)["stored"] for out, _ in said) >= 80
    with lake.connect(home) as con:
        for key in ("conversation_id", "(conversation_id, event_id, digest)"):
            table = "conversations" if key == "conversation_id" else "feedback"
            assert con.execute(f"select count(*) - count(distinct {key}) from ingest.{table}").fetchall() == [(0,)]
        assert con.execute("select count(*) from ingest.conversations").fetchall() == [(4 * 40 + 21,)]


def command(settings: Settings, **given: Any) -> dict[str, Any]:
    return COMMANDS["lake"].run(argparse.Namespace(**({"do": None, "keep_snapshots": 30.0, "grace": 1.0} | given)), settings)


def test_the_command_says_what_every_table_weighs(home: Settings, tmp_path: Path) -> None:
    assert "no lake yet" in command(home)["text"] and not (home.home / "lake").exists()
    filled(home, tmp_path, 2)
    found = command(home)
    by_name = {t["table"]: t for t in found["tables"]}
    assert by_name["ingest.messages"]["rows"] == len(drill.state(home)["messages"])
    assert by_name["ingest.batches"]["inlined"] == 2
    assert found["files"] == sum(t["files"] for t in found["tables"]) == len(drill.files(home) - deleting(home))
    assert found["bytes"] == sum(p.stat().st_size for p in Path(home.data).rglob("*.parquet"))
    assert "ingest.messages" in found["text"] and "ingest.messages" in look.text(found, terminal=True)


def deleting(settings: Settings) -> set[str]:
    return {name for name in drill.files(settings) if name.endswith("-delete.parquet")}


@pytest.mark.parametrize("given", [{"keep_snapshots": -1.0}, {"grace": -0.5}])
def test_days_and_hours_below_nothing_are_refused(given: dict[str, float], home: Settings) -> None:
    from pipeline.errors import BadInput

    with pytest.raises(BadInput, match="write 0 or more"):
        command(home, do="compact", **given)
