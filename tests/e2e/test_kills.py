"""kill -9 at any moment of any stage, run again: the ids, the service and the rows of the lake are those of a day left in peace."""

import dataclasses
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline import STAGES
from pipeline import settings as machine
from tests.e2e import kill_drill, small_world
from tests.e2e.kill_drill import House, Kill, Paces
from tests.ingest.world import rows

TABLES = ("conversations", "messages", "feedback", "quarantine", "batches")
FEW = dict.fromkeys(STAGES, 1) | {"ingest": 2, "mine": 2}
"""Kills of one day, ten in all: every stage, and twice the two at the lake."""
MANY = dict.fromkeys(STAGES, 1) | {"ingest": 2, "train": 4, "evaluate": 4}
"""As above, and more often the two stages that last longest."""

Drill = Callable[[int, dict[str, int]], list[Kill]]


@pytest.fixture
def drill(tiny: Path, tmp_path: Path) -> Drill:
    """Kill so many children, over as many days as that takes, each in a home of its own and compared with the day in peace."""
    log = small_world.log(tmp_path / "inbox")
    common = {
        "EQUIPOISE_CONFIG": str(small_world.config(tmp_path / "config", 4, max_heldout=4, max_new_tokens=8)),
        "EQUIPOISE_MODEL": str(tiny),
    }
    common |= {"EQUIPOISE_USER_KEY": "0" * 64, "OMP_NUM_THREADS": "1"}  # one thread: two days run side by side

    def house(name: str) -> House:
        return House(common | {"EQUIPOISE_HOME": str(tmp_path / name)}, log)

    def end(of: House) -> dict[str, Any]:
        place = dataclasses.replace(machine.load(), home=of.home, data=str(of.home / "lake" / "data"))
        return kill_drill.end_state(of, {table: rows(place, table) for table in TABLES})

    def run(wanted: int, a_day: dict[str, int]) -> list[Kill]:
        peace, lot = house("peace"), random.Random(17)
        paces: Paces = {stage: Future() for stage in STAGES}
        fell: list[Kill] = []
        with ThreadPoolExecutor(1) as beside:  # one stage ahead of the first day that is hit
            peaceful = beside.submit(kill_drill.undisturbed, peace, paces)
            for day in range(wanted):
                hit = house(f"hit-{day}")
                fell += kill_drill.disturbed(hit, paces, some(a_day, wanted - len(fell), fell), lot)
                peaceful.result()
                assert end(hit) == end(peace), told(fell, paces)
                if len(fell) >= wanted:
                    break
        print(told(fell, paces))
        assert len(end(peace)["conversations"]) == small_world.TURNS
        return fell

    return run


def some(kills: dict[str, int], most: int, fell: list[Kill]) -> dict[str, int]:
    """At most so many of them, first those of the stages that were hit least so far."""
    hits = Counter(k.stage for k in fell)
    each = sorted((stage for stage, n in kills.items() for _ in range(n)), key=lambda stage: hits[stage])
    return {stage: each[:most].count(stage) for stage in STAGES}


def told(fell: list[Kill], paces: Paces) -> str:
    """The drill as a table: what a failing run and `pytest -s` show."""
    whole = {stage: pace.result().seconds for stage, pace in paces.items()}
    return "\n".join(
        f"{k.stage} killed after {k.after:.2f} s of {whole[k.stage]:.2f}, {'' if k.wrote else 'nothing '}written" for k in fell
    )


@pytest.mark.slow
def test_ten_kills_change_nothing(drill: Drill) -> None:
    fell = drill(10, FEW)
    assert len(fell) == 10 and sum(k.wrote for k in fell) >= 5


@pytest.mark.slow
@pytest.mark.e2e
def test_fifty_kills_change_nothing_and_half_of_them_fall_after_the_first_write(drill: Drill) -> None:
    fell = drill(50, MANY)
    assert len(fell) == 50 and sum(k.wrote for k in fell) >= 25
    assert {k.stage for k in fell} == set(STAGES), "every stage was killed at least once"
