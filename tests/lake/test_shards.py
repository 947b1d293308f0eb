"""Several ingests at once on one host: nothing is lost or doubled, and what is mined does not depend on who committed last."""

from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.ingest import shards
from pipeline.settings import Settings
from tests.ingest.world import write
from tests.lake import crowd

pytestmark = pytest.mark.slow  # several processes a test


def test_shards_at_once_lose_and_double_nothing(home: Settings, tmp_path: Path) -> None:
    folder = crowd.logs(tmp_path / "logs")
    crowd.nothing_lost_or_doubled(home, crowd.at_once(folder, 4))
    assert crowd.mined(home, folder)["examples"] > 0


def test_what_is_mined_does_not_depend_on_the_order_of_commits(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import settings as machine

    folder = crowd.logs(tmp_path / "logs")
    told = []
    for n, order in enumerate(crowd.orders(3)):
        monkeypatch.setenv("EQUIPOISE_HOME", str(tmp_path / f"home{n}"))
        crowd.one_by_one(folder, order)
        told.append(crowd.mined(machine.load(), folder))
    assert told[0] == told[1]


def test_every_file_is_one_shard_s(home: Settings, tmp_path: Path) -> None:
    for n in range(7):
        write(tmp_path / "logs" / f"{n}.jsonl", {})
    parts = [shards.of([tmp_path / "logs"], f"{n}/3", home) for n in (1, 2, 3)]
    assert sorted(Path(p).name for part in parts for p in part) == [f"{n}.jsonl" for n in range(7)]
    assert [len(p) for p in parts] == [3, 2, 2]


@pytest.mark.parametrize("words", ["0/2", "3/2", "1", "a/b", "1/65", "-1/2"])
def test_a_shard_that_is_none_is_refused(words: str, home: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="write it like 2/4"):
        shards.of([write(tmp_path / "a.jsonl", {})], words, home)


def test_a_shard_without_a_file_ends_well(home: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    write(folder / f"one_{crowd.DAY}.jsonl", {})
    assert crowd.at_once(folder, 2)[1]["id"] is None
