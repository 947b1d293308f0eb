"""Eight processes on one lake at once: whoever commits first, and whoever is killed, the day ends as if they had come one after the other."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline import lineage
from pipeline import settings as machine
from pipeline.settings import Settings
from tests.ingest.test_kill import sibling
from tests.ingest.world import conversation, event, message, rows, write
from tests.lake import drill

pytestmark = pytest.mark.slow  # eight processes a test

DAY, SHARDS, OWN = "2026-11-20", 8, 12
ORDERED = {  # what tells who came first: its place, and the file of a line that stands in several
    "conversations": "* exclude (arrived, file_sha, line)",
    "messages": "*",
    "feedback": "* exclude (arrived)",
    "quarantine": "* exclude (arrived)",
}


def apart(folder: Path) -> Path:
    """Files that share nothing."""
    for n in range(SHARDS):
        lines = [conversation(f"{n}-{i}", feedback=[event(value=("up", "down")[i % 2])]) for i in range(OWN)]
        write(folder / f"part{n}_{DAY}.jsonl", *lines, b"{torn %d" % n)
    return folder


def sharing(folder: Path) -> Path:
    """Files that tell of one another's conversations: a thumb for the next file's, the same one in all, a tombstone for a text elsewhere."""
    for n in range(SHARDS):
        there = (n + 1) % SHARDS
        lines: list[Any] = [conversation(f"{n}-{i}", feedback=[event(value=("up", "down")[i % 2])]) for i in range(OWN)]
        lines += [conversation("everywhere", feedback=[event("all")]), b"{torn %d" % n]
        lines += [{"conversation_id": f"{there}-{i}", **event(f"late{n}", value="down", user_id=f"u-{n}")} for i in range(3)]
        lines.append({"conversation_id": "never", **event(f"waits{n}", user_id=f"u-{n}")})
        lines.append(conversation(f"{there}-5", consent=False))
        lines.append(conversation(f"{there}-7", messages=[message("m1", "gone", "user", "I am cut off.")]))
        write(folder / f"part{n}_{DAY}.jsonl", *lines)
    return folder


DAYS = {"different conversations": apart, "shared conversations and late feedback": sharing}


def shard(folder: str, words: str) -> None:
    from pipeline.__main__ import main

    raise SystemExit(main(["ingest", folder, "--day", DAY, "--shard", words, "--json"]))


def at_once(folder: Path, which: range = range(1, SHARDS + 1)) -> list[Any]:
    return [drill.child(shard, str(folder), f"{n}/{SHARDS}") for n in which]


def ended(children: list[Any]) -> list[int]:
    for child in children:
        child.join()
    return [child.exitcode for child in children]


def state(settings: Settings) -> dict[str, Any]:
    return {table: rows(settings, table, columns) for table, columns in ORDERED.items()}


def closed(folder: Path) -> dict[str, Any]:
    """The ingest of the whole that follows the shards."""
    from pipeline.ingest.run import run
    from pipeline.recipe import Recipe

    return run([folder], Recipe(), machine.load(), day=DAY)


@pytest.fixture
def one_by_one(tmp_path: Path, home: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same day in a home of its own, shard after shard, in an order that nobody would choose; its rows and its id."""

    def reference(folder: Path) -> tuple[dict[str, Any], str]:
        from pipeline.__main__ import main

        monkeypatch.setenv("EQUIPOISE_HOME", str(tmp_path / "one by one"))
        monkeypatch.setattr("pipeline.__main__._tell", lambda result, as_json: None)
        for n in random.Random(3).sample(range(1, SHARDS + 1), SHARDS):
            assert main(["ingest", str(folder), "--day", DAY, "--shard", f"{n}/{SHARDS}"]) == 0
        found = state(machine.load()), closed(folder)["id"]
        monkeypatch.setenv("EQUIPOISE_HOME", str(home.home))
        return found

    return reference


@pytest.mark.parametrize("name", DAYS)
def test_eight_at_once_end_as_one_after_the_other(name: str, home: Settings, tmp_path: Path, one_by_one: Any) -> None:
    folder = DAYS[name](tmp_path / "logs")
    expected, id = one_by_one(folder)
    assert ended(at_once(folder)) == [0] * SHARDS
    assert state(home) == expected
    before = rows(home, "batches")
    assert ended(at_once(folder)) == [0] * SHARDS
    assert rows(home, "batches") == before, "a second time they change nothing"
    whole = closed(folder)
    assert (whole["stored"], whole["updated"], whole["id"]) == (0, 0, id), "the day's id does not tell who came first"
    assert whole["lines"] == sum(len(p.read_bytes().splitlines()) for p in folder.iterdir())
    assert closed(folder) == whole and len(rows(home, "batches")) == SHARDS + 1
    assert len(lineage.all_of(home, "logs")) == SHARDS + 1
    sealed = (lineage.folder(home, id) / "quarantine.jsonl").read_text().splitlines()
    assert len(sealed) == len(whole["quarantine"]) == len(expected["quarantine"])


def disturbed(folder: Path, draw: random.Random, lasts: float) -> int:
    """Start all eight, kill four of them at drawn moments, and run all again. Gives the kills that hit."""
    children = at_once(folder)
    for child in draw.sample(children, 4):
        time.sleep(draw.uniform(0, 0.4 * lasts))
        child.kill()
    hits = sum(code < 0 for code in ended(children))
    assert ended(at_once(folder)) == [0] * SHARDS
    return hits


@pytest.mark.slow
@pytest.mark.parametrize("name", DAYS)
def test_kills_among_eight_end_the_same(
    name: str, home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_by_one: Any, kills: int
) -> None:
    folder = DAYS[name](tmp_path / "logs")
    expected, id = one_by_one(folder)
    start = time.monotonic()
    assert ended(at_once(folder)) == [0] * SHARDS
    lasts, draw, hits = time.monotonic() - start, random.Random(11), 0
    for n in range(max(1, kills // 4)):
        place = sibling(home, f"killed{n}")
        monkeypatch.setenv("EQUIPOISE_HOME", str(place.home))
        hits += disturbed(folder, draw, lasts)
        assert state(place) == expected
        assert closed(folder)["id"] == id
        drill.compact()
        assert drill.orphans(place) == []
        assert drill.files(place) == drill.known_files(place)
    assert hits > 0
