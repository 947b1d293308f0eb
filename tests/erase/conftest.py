"""One whole home, made once and copied for each test: the real stages take seconds."""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.erase import run as erase
from pipeline.settings import Settings
from tests.erase import world
from tests.erase.world import House


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> House:
    from pipeline import settings

    place = tmp_path_factory.mktemp("erase") / "home"
    facts = {"home": place, "lake": "sqlite:", "data": str(place / "lake" / "data"), "inbox": str(place / "inbox"), "user_key": "0" * 64}
    return world.build(replace(settings.load(), **facts), tiny)


@pytest.fixture
def house(original: House, tmp_path: Path) -> House:
    return copy(original, tmp_path / "home")


@pytest.fixture(scope="session")
def emptied(original: House, tmp_path_factory: pytest.TempPathFactory) -> tuple[House, dict[str, Any]]:
    """A home whose two victims were forgotten, and the receipt; read only."""
    house = copy(original, tmp_path_factory.mktemp("emptied") / "home")
    return house, erase.users(house.settings, house.victims, "asked for by letter")


def copy(original: House, to: Path) -> House:
    """The same home at another place; the catalogue is told where its files lie."""
    shutil.copytree(original.settings.home, to)
    settings: Settings = replace(original.settings, home=to, data=str(to / "lake" / "data"), inbox=str(to / "inbox"))
    assert settings.catalogue
    with sqlite3.connect(settings.catalogue) as catalogue:
        catalogue.execute("update ducklake_metadata set value = ? where key = 'data_path'", (settings.data + "/",))
    catalogue.close()
    return replace(original, settings=settings)
