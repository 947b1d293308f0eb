"""kill -9 at any moment of ingest and compaction on one host: the next run ends in the same state, and no file is left over."""

import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.settings import Settings
from tests.lake import drill


@pytest.fixture
def undisturbed(home: Settings, tmp_path: Path) -> Any:
    """A second home that takes in the same logs and is never killed; the environment stays that of the first."""

    def take(logs: Path) -> dict[str, Any]:
        from pipeline.ingest.run import run
        from pipeline.recipe import Recipe

        place = tmp_path / "undisturbed"
        other = Settings(**(home.__dict__ | {"home": place, "data": str(place / "lake" / "data")}))
        run([logs], Recipe(), other)
        return drill.state(other)

    return take


@pytest.mark.slow
def test_a_killed_ingest_run_again_ends_as_if_nobody_had_killed_it(home: Settings, tmp_path: Path, kills: int, undisturbed: Any) -> None:
    assert os.environ["EQUIPOISE_HOME"] == str(home.home)
    hits = drill.ingests(kills, home, undisturbed, tmp_path / "logs", drill.files)
    assert hits >= kills // 2


@pytest.mark.slow
def test_a_killed_compaction_changes_no_row_and_the_next_one_leaves_no_file_over(home: Settings, tmp_path: Path, kills: int) -> None:
    hits = drill.compactions(kills, home, tmp_path / "logs", drill.files)
    assert hits >= kills // 2
