"""A home whose lake has its tables already, copied from one that was made once: making them anew for each test took half of the time."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from pipeline import lake
from pipeline.settings import Settings
from tests.ingest import world


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pipeline import settings

    place = tmp_path_factory.mktemp("lake") / "home"
    with lake.connect(Settings(**(settings.load().__dict__ | {"home": place, "lake": "sqlite:", "data": str(place / "lake" / "data")}))):
        pass
    return place / "lake"


@pytest.fixture
def home(home: Settings, empty_lake: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings with an empty lake. The catalogue remembers where its data lies: the copy is told its new place."""
    shutil.copytree(empty_lake, home.home / "lake")
    with sqlite3.connect(home.catalogue) as catalogue:
        changed = catalogue.execute("update ducklake_metadata set value = ? where key = 'data_path'", (home.data + "/",))
        assert changed.rowcount == 1
    catalogue.close()
    request.addfinalizer(world.close)
    return home
