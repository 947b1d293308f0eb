"""`equipoise forget` on servers: no row, no object and no older version is left of the forgotten, and logs can be mined afterwards."""

import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline import lake, lineage
from pipeline.erase import run as erase
from pipeline.ingest.run import run as ingest
from pipeline.mine.run import run as mine
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.cluster import servers
from tests.cluster.conftest import MODES, Maker, sql
from tests.ingest.world import conversation, event, message, write

pytestmark = pytest.mark.cluster
WORDS = ("zzz-victim", "aaa-victim")  # first and last of their columns: what a table's statistics keep of it


def talk(id: str, user: str, said: str) -> dict:
    edit = event(f"e-{id}", kind="edit", text=f"{said}, mended", user_id=user)
    return conversation(
        id, user_id=user, messages=[message("m1", None, "user", said), message("m2", "m1", "assistant", "On its way.")], feedback=[edit]
    )


def stored(settings: Settings) -> str:
    """Everything that the catalogue and the files say, as text."""
    found = []
    if settings.server:
        port, name = int(settings.server.port or 0), str(settings.server.dbname)
        tables = sql(port, "select tablename from pg_tables where schemaname = 'public'", name)
        assert tables
        found += [repr(sql(port, f'select * from "{table}"', name)) for (table,) in tables]
        found.append(repr(sql(port, "select most_common_vals, histogram_bounds from pg_stats", name)))
    else:
        assert settings.catalogue
        found.append(settings.catalogue.read_bytes().decode("latin-1"))
    if settings.data_folder:
        found += [repr(pq.read_table(p).to_pylist()) for p in settings.data_folder.rglob("*.parquet")]
    else:
        client = servers.client(int(str(settings.objects.endpoint).rsplit(":", 1)[1]))
        prefix = settings.data.removeprefix(f"s3://{servers.BUCKET}/")
        for one in client.list_objects_v2(Bucket=servers.BUCKET, Prefix=prefix).get("Contents", []):
            body = client.get_object(Bucket=servers.BUCKET, Key=one["Key"])["Body"].read()
            found.append(repr(pq.read_table(io.BytesIO(body)).to_pylist()) if one["Key"].endswith(".parquet") else repr(body))
    return "\n".join(found)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_of_a_forgotten_user_is_left_on_the_servers(mode: str, cluster: Maker, tmp_path: Path) -> None:
    settings = cluster(mode)
    others = [talk(f"c{n}", f"u{n}", f"question {n}") for n in range(20)]
    write(tmp_path / "log_2026-11-19.jsonl", *others, *(talk(word, "victim@example.org", f"{word} asks") for word in WORDS))
    write(
        tmp_path / "log_2026-11-20.jsonl",
        talk("only-victim", "victim@example.org", "zzz-victim alone"),
        b'{"user_id": "victim@example.org", "x',
    )
    logs = ingest([tmp_path / "log_2026-11-19.jsonl", tmp_path / "log_2026-11-20.jsonl"], Recipe(), settings)["ids"]
    assert "victim" in stored(settings)
    receipt = erase.users(settings, ["victim@example.org"], "asked for by letter")
    assert receipt["erased"]["conversations"] == 3 and receipt["erased"]["quarantined"] == 1
    assert "victim" not in stored(settings)
    with lake.connect(settings) as con:
        assert con.execute("select count(*) from ingest.conversations").fetchone() == (20,)
    assert mine(logs[0], Recipe(), settings)["signals"] == 20
    assert len({m["snapshot"] for m in lineage.all_of(settings, "logs")}) == 1
