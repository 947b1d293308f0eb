"""A home with a blocked candidate, and one whose repair came to its end."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pipeline import settings as machine
from pipeline.commands import repair
from pipeline.settings import Settings
from tests.gate import world as gates
from tests.repair import world
from tests.repair.world import World


@pytest.fixture
def place(home: Settings, tmp_path) -> Settings:
    return gates.settle(home, tmp_path / "config")


@pytest.fixture
def verdict(place: Settings) -> str:
    return world.blocked(place, world.recipe())


@pytest.fixture(scope="session", autouse=True)
def _suspected() -> Iterator[None]:
    """Attribution has tests of its own: here it names the planted task."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repair.attribute, "run", lambda *_: {"abilities": {"maths": {"culprit": {"task": "bad"}}}})
        yield


@pytest.fixture(scope="session")
def mended(tmp_path_factory: pytest.TempPathFactory, _suspected: None) -> tuple[Settings, dict, World]:
    """One finished repair that several tests look at: (settings, what it returned, the stages that ran)."""
    folder = tmp_path_factory.mktemp("mended")
    place = gates.settle(replace(machine.load(), home=folder / "home"), folder / "config")
    stages = World(place)
    return place, repair.run(world.blocked(place, world.recipe()), place, stages.stage, minutes=60), stages
