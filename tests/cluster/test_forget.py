"""`equipoise forget` on servers: no row, no object and no older version is left of the forgotten, and logs can be mined afterwards."""

from pathlib import Path

import pytest

from pipeline import lake, lineage
from pipeline.erase import run as erase
from pipeline.ingest.run import run as ingest
from pipeline.mine.run import run as mine
from pipeline.recipe import Recipe
from tests.cluster.conftest import MODES, Maker, stored
from tests.ingest.world import conversation, event, message, write

pytestmark = pytest.mark.cluster
WORDS = ("zzz-victim", "aaa-victim")  # first and last of their columns: what a table's statistics keep of it


def talk(id: str, user: str, said: str) -> dict:
    edit = event(f"e-{id}", kind="edit", text=f"{said}, mended", user_id=user)
    return conversation(
        id, user_id=user, messages=[message("m1", None, "user", said), message("m2", "m1", "assistant", "On its way.")], feedback=[edit]
    )


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
