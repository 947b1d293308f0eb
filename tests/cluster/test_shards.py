"""Several ingests at once on one PostgreSQL and one object store: nothing is lost or doubled."""

import random
import time
from pathlib import Path

import pytest

from pipeline.__main__ import main
from tests.cluster.conftest import Maker
from tests.ingest import test_shards_at_once as eight
from tests.lake import crowd, drill

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("shards", [4, 8])
def test_shards_at_once_lose_and_double_nothing(shards: int, cluster: Maker, tmp_path: Path) -> None:
    folder = crowd.logs(tmp_path / "logs")
    settings = cluster("postgres+s3")
    crowd.nothing_lost_or_doubled(settings, crowd.at_once(folder, shards))
    assert crowd.mined(settings, folder)["examples"] > 0


@pytest.mark.parametrize("name", eight.DAYS)
def test_eight_at_once_end_as_one_after_the_other_on_one_host(name: str, cluster: Maker, tmp_path: Path) -> None:
    folder = eight.DAYS[name](tmp_path / "logs")
    apart = cluster("sqlite", "apart")
    for n in range(1, eight.SHARDS + 1):
        assert main(["ingest", str(folder), "--day", eight.DAY, "--shard", f"{n}/{eight.SHARDS}"]) == 0
    expected, id = eight.state(apart), eight.closed(folder)["id"]
    settings = cluster("postgres+s3")
    assert eight.ended(eight.at_once(folder)) == [0] * eight.SHARDS
    assert eight.state(settings) == expected
    whole = eight.closed(folder)
    assert (whole["stored"], whole["updated"], whole["id"]) == (0, 0, id)


@pytest.mark.slow
def test_kills_among_eight_end_the_same(cluster: Maker, tmp_path: Path, kills: int) -> None:
    folder = eight.sharing(tmp_path / "logs")
    first = cluster("postgres+s3", "first")
    start = time.monotonic()
    assert eight.ended(eight.at_once(folder)) == [0] * eight.SHARDS
    lasts, draw, hits = time.monotonic() - start, random.Random(13), 0
    expected, id = eight.state(first), eight.closed(folder)["id"]
    for n in range(max(1, kills // 4)):
        place = cluster("postgres+s3", f"killed{n}")
        hits += eight.disturbed(folder, draw, lasts)
        assert eight.state(place) == expected
        assert eight.closed(folder)["id"] == id
        drill.compact()
        assert drill.orphans(place) == []
    assert hits > 0
