"""kill -9 at any moment and run again: the same rows, the same id."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline import lineage
from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.ingest.world import conversation, event, rows, write
from tests.kill_steps import COUNTED

CHILD = (
    COUNTED
    + """
from pipeline.ingest.run import run
from pipeline.recipe import Recipe

lake._execute, lineage.write_json = counted(lake._execute), counted(lineage.write_json)
run(sys.argv[2:], Recipe(), settings.load())
print(steps, file=sys.stderr)
"""
)
TABLES = ("conversations", "messages", "feedback", "quarantine", "batches")


def logs(folder: Path) -> Path:
    """Two days, so that a kill may fall between two batches."""
    for day in (20, 21):
        lines = [conversation(f"c{i}", model=f"m{day}", feedback=[event(value=("up", "down")[day % 2])]) for i in range(300)]
        write(folder / f"log_2026-11-{day}.jsonl", *lines, b"{torn", conversation(f"t{day}", consent=False))
    return folder


def child(home: Path, folder: Path, last_step: int = 0) -> subprocess.Popen[bytes]:
    """An ingest in a process of its own, which kills itself before its nth statement or seal; 0 = lives to its end."""
    environment = os.environ | {"EQUIPOISE_HOME": str(home), "EQUIPOISE_USER_KEY": "0" * 64}
    return subprocess.Popen([sys.executable, "-c", CHILD, str(last_step), str(folder)], env=environment, stderr=subprocess.PIPE)


def state(settings: Settings) -> dict[str, Any]:
    sealed = {m["id"]: (m["counts"], m["previous"], m["files"]) for m in lineage.all_of(settings, "logs")}
    return {"sealed": sealed} | {table: rows(settings, table) for table in TABLES}


def sibling(settings: Settings, name: str) -> Settings:
    place = settings.home.parent / name
    return Settings(**(settings.__dict__ | {"home": place, "data": str(place / "lake" / "data")}))


def clean_run(settings: Settings, folder: Path) -> tuple[dict[str, Any], int, float]:
    """What an undisturbed run ends with, how many steps it took, and how many seconds."""
    start = time.monotonic()
    process = child(settings.home, folder)
    _, words = process.communicate()
    assert process.returncode == 0, words
    return state(settings), int(words.split()[-1]), time.monotonic() - start


def test_a_killed_ingest_run_again_ends_the_same(home: Settings, tmp_path: Path) -> None:
    folder = logs(tmp_path / "logs")
    expected, steps, _ = clean_run(home, folder)
    assert len(expected["sealed"]) == 2
    killed = sibling(home, "killed")
    for step in (4, steps // 4, steps - 2, 3):  # early, inside the first batch, before the last seal, and while that is made up for
        assert child(killed.home, folder, step).wait() == -signal.SIGKILL
    assert clean_run(killed, folder)[0] == expected


MOST_STEPS = 30  # spread over all of them: two runs a kill, a minute and a half on two cores


@pytest.mark.slow
def test_a_kill_before_a_step_ends_the_same_from_the_first_step_to_the_last(home: Settings, tmp_path: Path) -> None:
    folder = logs(tmp_path / "logs")
    expected, steps, _ = clean_run(home, folder)
    for step in sorted({1 + round(n * (steps - 1) / (MOST_STEPS - 1)) for n in range(MOST_STEPS)}):
        killed = sibling(home, f"killed{step}")
        assert child(killed.home, folder, step).wait() == -signal.SIGKILL
        assert clean_run(killed, folder)[0] == expected, f"killed before step {step}"


@pytest.mark.slow
def test_kills_at_random_moments_end_the_same(home: Settings, tmp_path: Path, kills: int) -> None:
    folder, draw = logs(tmp_path / "logs"), random.Random(5)
    expected, _, duration = clean_run(home, folder)
    for n in range(kills):
        died, tries = False, 0
        while not died:  # a run that ended before its kill says how long one lasts now
            killed, tries = sibling(home, f"killed{n}-{tries}"), tries + 1
            start = time.monotonic()
            process = child(killed.home, folder)
            try:
                process.wait(duration * draw.uniform(0.3, 1.0))  # the first third of a run is Python's start
                duration = min(duration, time.monotonic() - start)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                died = process.wait() == -signal.SIGKILL
        assert clean_run(killed, folder)[0] == expected


def test_a_batch_that_was_committed_and_not_sealed_is_sealed_by_the_next_run(home: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "log_2026-11-20.jsonl", conversation(), b"{torn")
    first = run([path], Recipe(), home)
    folder = lineage.folder(home, first["id"])
    before = {k: v for k, v in lineage.manifest(home, first["id"]).items() if k not in ("started", "finished")}
    (folder / "manifest.json").unlink()
    (folder / "half-written.tmp").write_text("x")
    again = run([path], Recipe(), home)
    assert again["id"] == first["id"]
    assert {k: v for k, v in lineage.manifest(home, first["id"]).items() if k not in ("started", "finished")} == before


def test_two_that_ingest_at_once_both_land(home: Settings, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for n, folder in enumerate(folders):
        write(folder / f"{n}_2026-11-20.jsonl", *[conversation(f"c{n}-{i}") for i in range(50)], conversation("both"))
    children = [child(home.home, folder) for folder in folders]
    assert [c.wait() for c in children] == [0, 0]
    assert len(rows(home, "conversations")) == 101
    manifests = lineage.all_of(home, "logs")
    assert {m["previous"] for m in manifests} == {None, next(m["id"] for m in manifests if m["previous"] is None)}
    assert sorted(m["counts"]["stored"] for m in manifests) == [50, 51]
