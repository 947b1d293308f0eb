"""kill -9 at any moment of any stage, run again: the ids, the service and the rows of the lake are those of a day left in peace."""

import dataclasses
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import STAGES
from pipeline import settings as machine
from tests.e2e import kill_drill, small_world
from tests.e2e.kill_drill import House, Kill, Pace
from tests.ingest.world import rows

TABLES = ("conversations", "messages", "feedback", "quarantine", "batches")
TEN = dict.fromkeys(STAGES, 1) | {"train": 2, "evaluate": 2}
"""Kills of one day: every stage, and twice the two that last longest."""

Drill = Callable[[int], tuple[list[Kill], int]]


@pytest.fixture
def drill(tiny: Path, tmp_path: Path) -> Drill:
    """Kill so many children, over as many days as that takes, each in a home of its own; gives the kills, after comparing every home."""
    log = small_world.log(tmp_path / "inbox")
    common = {
        "EQUIPOISE_CONFIG": str(small_world.config(tmp_path / "config")),
        "EQUIPOISE_MODEL": str(tiny),
        "EQUIPOISE_USER_KEY": "0" * 64,
    }

    def house(name: str) -> House:
        return House(common | {"EQUIPOISE_HOME": str(tmp_path / name)}, log)

    def end(of: House) -> dict[str, Any]:
        place = dataclasses.replace(machine.load(), home=of.home, data=str(of.home / "lake" / "data"))
        return kill_drill.end_state(of, {table: rows(place, table) for table in TABLES})

    def run(wanted: int) -> tuple[list[Kill], int]:
        peace, lot, fell, homes = house("peace"), random.Random(17), [], 0
        pace = kill_drill.undisturbed(peace)
        expected = end(peace)
        assert len(expected["sealed"]) >= len(STAGES) and len(expected["conversations"]) == small_world.TURNS
        while len(fell) < wanted:
            left = wanted - len(fell)
            homes += 1
            assert homes <= wanted, f"{len(fell)} kills fell in time in {homes - 1} days: {_told(fell, pace)}"
            hit = house(f"hit-{homes}")
            fell += kill_drill.disturbed(hit, pace, _some(TEN, left, lot), lot)
            assert end(hit) == expected, _told(fell, pace)
        print(_told(fell, pace))
        return fell, homes

    return run


def _some(kills: dict[str, int], left: int, lot: random.Random) -> dict[str, int]:
    """At most so many of them, which ones by lot."""
    each = [stage for stage, n in kills.items() for _ in range(n)]
    chosen = each if left >= len(each) else lot.sample(each, left)
    return {stage: chosen.count(stage) for stage in STAGES}


def _told(fell: list[Kill], pace: dict[str, Pace]) -> str:
    return "\n".join(
        f"{k.stage}: killed after {k.after:.2f} s of {pace[k.stage].seconds:.2f}, {'' if k.wrote else 'not '}written" for k in fell
    )


def test_ten_kills_change_nothing(drill: Drill) -> None:
    fell, _ = drill(10)
    assert len(fell) >= 10 and sum(k.wrote for k in fell) >= 5


@pytest.mark.slow
@pytest.mark.e2e
def test_fifty_kills_change_nothing_and_half_of_them_fall_after_the_first_write(drill: Drill) -> None:
    fell, homes = drill(50)
    assert len(fell) >= 50 and homes >= 5
    assert sum(k.wrote for k in fell) >= 25
    assert {k.stage for k in fell} == set(STAGES), "every stage was killed at least once"
