"""kill -9 at any moment with the catalogue on PostgreSQL and the files in an object store: as on one host, nothing is lost or left over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.settings import Settings
from tests.cluster import servers
from tests.cluster.conftest import Maker, stored
from tests.lake import drill

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture
def listed(store: int) -> Callable[[Settings], set[str]]:
    """Names of the files in the lake's part of the bucket, as the store itself lists them."""

    def names(settings: Settings) -> set[str]:
        prefix = settings.data.removeprefix(f"s3://{servers.BUCKET}/") + "/"
        pages = servers.client(store).get_paginator("list_objects_v2").paginate(Bucket=servers.BUCKET, Prefix=prefix)
        return {one["Key"].rsplit("/", 1)[-1] for page in pages for one in page.get("Contents", [])}

    return names


def test_a_killed_ingest_run_again_ends_as_if_nobody_had_killed_it(cluster: Maker, tmp_path: Path, kills: int, listed: Any) -> None:
    undisturbed = cluster("sqlite", "undisturbed")

    def reference(logs: Path) -> dict[str, Any]:
        from pipeline.ingest.run import run
        from pipeline.recipe import Recipe

        run([logs], Recipe(), undisturbed)
        return drill.state(undisturbed)

    hits = drill.ingests(kills, cluster("postgres+s3"), reference, tmp_path / "logs", listed)
    assert hits >= kills // 2


def test_a_killed_compaction_changes_no_row_and_the_next_one_leaves_no_file_over(
    cluster: Maker, tmp_path: Path, kills: int, listed: Any
) -> None:
    hits = drill.compactions(kills, cluster("postgres+s3"), tmp_path / "logs", listed)
    assert hits >= kills // 2


def test_a_killed_erasure_run_again_leaves_nothing_of_the_forgotten(cluster: Maker, tmp_path: Path, kills: int, listed: Any) -> None:
    undisturbed = cluster("sqlite", "undisturbed")

    def reference(logs: Path, user: str) -> dict[str, Any]:
        from pipeline.erase import run as erase
        from pipeline.ingest.run import run
        from pipeline.recipe import Recipe

        run([drill.received(undisturbed, logs)], Recipe(), undisturbed)
        erase.users(undisturbed, [user], "asked for by letter")
        return drill.state(undisturbed)

    hits = drill.erasures(kills, cluster("postgres+s3"), reference, tmp_path / "logs", everything, listed)
    assert hits >= kills // 2


def everything(settings: Settings) -> str:
    """What the servers say, and every file under home."""
    found = [p.read_bytes().decode("latin-1") for p in settings.home.rglob("*") if p.is_file()]
    return "\n".join([stored(settings), *found])
