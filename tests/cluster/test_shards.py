"""Several ingests at once on one PostgreSQL and one object store: nothing is lost or doubled."""

from pathlib import Path

import pytest

from tests.cluster.conftest import Maker
from tests.lake import crowd

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("shards", [4, 8])
def test_shards_at_once_lose_and_double_nothing(shards: int, cluster: Maker, tmp_path: Path) -> None:
    folder = crowd.logs(tmp_path / "logs")
    settings = cluster("postgres+s3")
    crowd.nothing_lost_or_doubled(settings, crowd.at_once(folder, shards))
    assert crowd.mined(settings, folder)["examples"] > 0
