"""One lake, wherever its catalogue and its files are: the same logs give the same rows and the same ids."""

from pathlib import Path
from typing import Any

import pytest

from pipeline import lake, lineage
from pipeline.commands import status
from pipeline.ingest.run import run as ingest
from pipeline.mine.run import run as mine
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.cluster import servers
from tests.cluster.conftest import MODES, Maker
from tests.ingest.world import conversation, event, rows, write

pytestmark = pytest.mark.cluster
TABLES = ("conversations", "messages", "feedback", "quarantine", "batches")


def logs(folder: Path) -> Path:
    """Two days: good lines, a torn one, one without consent, an edit, and late feedback on the day before."""
    for day in (20, 21):
        said = [conversation(f"{day}-{i}", feedback=[event(value=("up", "down")[i % 2])]) for i in range(30)]
        said.append(conversation(f"{day}-e", feedback=[event(kind="edit", text=f"It came on day {day}.")]))
        write(folder / f"log_2026-11-{day}.jsonl", *said, b"{torn", conversation(f"{day}-t", consent=False))
    late = {"conversation_id": "20-1", **event("late", value="down", user_id="u-2", created_at="2026-11-21T09:00:00Z")}
    write(folder / "late_2026-11-21.jsonl", late, conversation("20-2", locale="de"))
    return folder


def story(settings: Settings, folder: Path) -> dict[str, Any]:
    """Everything that the same logs must give everywhere: ids, counts and rows."""
    done = ingest([folder], Recipe(), settings)
    again = ingest([folder], Recipe(), settings)
    assert (again["id"], again["stored"], again["updated"]) == (done["id"], 0, 0)
    mined = [mine(id, Recipe(), settings) for id in done["ids"]]
    rest = [{k: v for k, v in m.items() if k != "signals_file"} for m in mined]
    pairs = [lineage.manifest(settings, m["id"])["files"] for m in mined]
    seen = {table: rows(settings, table) for table in TABLES}
    return {"ingest": done, "mine": rest, "pairs": pairs, "totals": status.totals(settings)} | seen


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("mode", MODES)
def test_the_same_logs_give_the_same_rows_and_ids_in_every_mode(
    mode: str, cluster: Maker, tmp_path: Path, expected: dict[str, Any]
) -> None:
    told = story(cluster(mode), logs(tmp_path / "logs"))
    assert told["totals"]["conversations"] == 64 and told["totals"]["tombstones"] == 2
    assert told["mine"][0]["examples"] + told["mine"][0]["pairs"] + told["mine"][0]["unpaired"] > 0
    first = expected.setdefault("story", told)
    for part in first:
        assert told[part] == first[part], part


def test_the_files_are_in_the_bucket_and_nothing_of_the_lake_is_at_home(cluster: Maker, tmp_path: Path, store: int) -> None:
    settings = cluster("postgres+s3")
    ingest([logs(tmp_path / "logs")], Recipe(), settings)
    prefix = settings.data.removeprefix(f"s3://{servers.BUCKET}/")
    kept = servers.client(store).list_objects_v2(Bucket=servers.BUCKET, Prefix=prefix)["Contents"]
    assert any("day=2026-11-20" in one["Key"] for one in kept)
    assert not (settings.home / "lake").exists()


def test_an_older_version_is_read_as_it_was(cluster: Maker, tmp_path: Path) -> None:
    settings = cluster("postgres+s3")
    done = ingest([logs(tmp_path / "logs")], Recipe(), settings)
    version = lineage.manifest(settings, done["ids"][0])["snapshot"]
    with lake.connect(settings, snapshot=version) as con:
        assert con.execute("select distinct day::varchar from ingest.conversations").fetchall() == [("2026-11-20",)]
