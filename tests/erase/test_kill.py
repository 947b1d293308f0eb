"""kill -9 at any moment of an erasure and run it again: the same end state, and nobody left in it."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline import lake, lineage
from pipeline.erase import journal
from pipeline.settings import Settings
from tests.erase import world
from tests.erase.conftest import copy
from tests.erase.world import House
from tests.kill_steps import COUNTED

CHILD = (
    COUNTED
    + """
from pipeline.erase import run

lake._execute, os.replace, os.fsync, shutil.rmtree = map(counted, (lake._execute, os.replace, os.fsync, shutil.rmtree))
run.users(settings.load(), sys.argv[2:], "asked for by letter")
print(steps, file=sys.stderr)
"""
)


def child(house: House, last: int = 0) -> subprocess.Popen[bytes]:
    """An erasure in a process of its own, which kills itself before its nth step; 0 = lives to its end."""
    own = {"EQUIPOISE_HOME": str(house.settings.home), "EQUIPOISE_USER_KEY": "0" * 64}
    return subprocess.Popen([sys.executable, "-c", CHILD, str(last), *house.victims], env=os.environ | own, stderr=subprocess.PIPE)


def state(settings: Settings) -> dict[str, Any]:
    """Everything that must be equal: rows, sealed files, raw logs, taints, and what the one receipt says was done."""
    with lake.connect(settings) as con:
        tables = {
            t: sorted(map(repr, con.execute(f"select * from ingest.{t}").fetchall()))
            for t in ("conversations", "messages", "feedback", "quarantine", "batches")
        }
        marks = sorted((r["what"], r["mark"]) for r in lake.query(con, "erase/marks"))
    files = {
        m["id"]: m["files"]
        for kind in ("logs", "pairs", "mix", "model", "scores", "verdict", "report")
        for m in lineage.all_of(settings, kind)
    }
    raw = {p.name: p.read_bytes() for p in (settings.home / "inbox").iterdir()}
    (receipt,) = journal.receipts(settings)
    told = {k: receipt[k] for k in ("asked", "erased", "folders", "raw", "models", "by_hand", "sources_outside")}
    stray = [str(p) for p in settings.home.rglob("*") if p.name.endswith((".tmp", ".erasing"))]
    return {"marks": marks, "files": files, "raw": raw, "told": told, "stray": stray} | tables


@pytest.fixture(scope="module")
def undisturbed(original: House, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int, float]:
    house = copy(original, tmp_path_factory.mktemp("undisturbed") / "home")
    start = time.monotonic()
    process = child(house)
    _, words = process.communicate()
    assert process.returncode == 0, words
    return state(house.settings), int(words.split()[-1]), time.monotonic() - start


def finished(house: House, expected: dict[str, Any]) -> None:
    """Run again, look, and look for the forgotten."""
    process = child(house)
    _, words = process.communicate()
    assert process.returncode == 0, words
    assert state(house.settings) == expected
    for victim in house.victims:
        assert world.holding(house.settings.home, world.traces(house.settings, victim)) == {}


def killed_before(original: House, place: Path, steps: list[int], expected: dict[str, Any]) -> None:
    house = copy(original, place / "home")
    for step in steps:
        process = child(house, step)
        _, words = process.communicate()
        assert process.returncode == -signal.SIGKILL, (step, words)
    finished(house, expected)


def test_a_killed_erasure_run_again_ends_the_same(original: House, undisturbed: tuple[dict[str, Any], int, float], tmp_path: Path) -> None:
    expected, steps, _ = undisturbed
    draw = random.Random(7)
    for n in range(3):
        killed_before(original, tmp_path / str(n), [draw.randrange(2, steps)], expected)


@pytest.mark.slow
def test_two_kills_in_a_row_from_the_first_step_to_the_last_end_the_same(
    original: House, undisturbed: tuple[dict[str, Any], int, float], tmp_path: Path, kills: int
) -> None:
    expected, steps, _ = undisturbed
    for step in sorted({1 + round(n * (steps - 1) / (kills - 1)) for n in range(kills)}):
        killed_before(original, tmp_path / str(step), [step, 3], expected)


@pytest.mark.slow
def test_kills_at_random_moments_end_the_same(
    original: House, undisturbed: tuple[dict[str, Any], int, float], tmp_path: Path, kills: int
) -> None:
    expected, _, duration = undisturbed
    draw = random.Random(5)
    for n in range(kills):
        died, tries = False, 0
        while not died:  # an erasure that ended before its kill says how long one lasts now
            house, tries = copy(original, tmp_path / f"{n}-{tries}" / "home"), tries + 1
            start = time.monotonic()
            process = child(house)
            try:
                process.wait(duration * draw.uniform(0.2, 1.0))  # the first fifth is Python's start
                duration = min(duration, time.monotonic() - start)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                died = process.wait() == -signal.SIGKILL
        finished(house, expected)
