"""Several processes that take in parts of the same files at once, as mapped tasks do, and the logs that they share."""

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline import lake, lineage
from pipeline.ingest.run import run as ingest
from pipeline.mine.run import run as mine
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.ingest.world import conversation, event, write

DAY = "2026-11-20"
TAUGHT = ("sft.parquet", "dpo.parquet", "kto.parquet", "heldout.parquet")
FILES, EACH = 6, 20


def logs(folder: Path) -> Path:
    """Files with conversations of their own, one that stands in all of them, and an event for a conversation of the next file."""
    for n in range(FILES):
        lines: list[Any] = [conversation(f"{n}-{i}", feedback=[event(value=("up", "down")[i % 2])]) for i in range(EACH)]
        lines += [conversation("everywhere"), b"{torn %d" % n]
        lines.append(
            {"conversation_id": f"{(n + 1) % FILES}-0", **event(f"late-{n}", kind="edit", text=f"Tomorrow, by van {n}.", user_id=f"u-{n}")}
        )
        write(folder / f"part{n}_{DAY}.jsonl", *lines)
    return folder


def at_once(folder: Path, shards: int) -> list[dict[str, Any]]:
    """What every shard said. They start together."""
    words = [sys.executable, "-m", "pipeline", "ingest", str(folder), "--json", "--shard"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([*words, f"{n}/{shards}"], **pipes) for n in range(1, shards + 1)]
    ended = [child.communicate() for child in started]
    assert [c.returncode for c in started] == [0] * shards, [err[-2000:] for _, err in ended]
    return [json.loads(out) for out, _ in ended]


def one_by_one(folder: Path, order: list[int]) -> None:
    """The same files, each in a batch of its own, in this order."""
    from pipeline import settings as machine

    for n in order:
        ingest([folder / f"part{n}_{DAY}.jsonl"], Recipe(), machine.load())


def nothing_lost_or_doubled(settings: Settings, said: list[dict[str, Any]]) -> None:
    with lake.connect(settings) as con:

        def count(what: str, table: str) -> int:
            return con.execute(f"select {what} from ingest.{table}").fetchall()[0][0]

        for what in ("count(*)", "count(distinct conversation_id)"):
            assert count(what, "conversations") == FILES * EACH + 1
        for what in ("count(*)", "count(distinct (conversation_id, message_id))"):
            assert count(what, "messages") == 2 * (FILES * EACH + 1)
        for what in ("count(*)", "count(distinct (conversation_id, event_id))"):
            assert count(what, "feedback") == FILES * EACH + FILES
        assert count("count(*)", "quarantine") == FILES
        batches = con.execute("select number, logs_id, previous, files from ingest.batches order by number").fetchall()
    ids = [None, *(b[1] for b in batches)]
    assert [b[0] for b in batches] == list(range(1, len(batches) + 1))
    assert [b[2] for b in batches] == ids[:-1], "each batch names the one before it"
    taken = sorted(f["name"] for b in batches for f in json.loads(b[3]))
    assert taken == [f"part{n}_{DAY}.jsonl" for n in range(FILES)]
    assert sum(s.get("lines", 0) for s in said) == FILES * (EACH + 3)
    assert all(lineage.sealed(settings, id) for id in ids[1:])


def mined(settings: Settings, folder: Path) -> dict[str, Any]:
    """What comes of the day once a whole ingest has followed the shards: counts, the taught rows' sums, and the dropped rows in no order."""
    import pyarrow.parquet as pq

    whole = ingest([folder], Recipe(), settings)
    assert (whole["stored"], whole["updated"]) == (0, 0), "the shards had taken everything"
    done = mine(whole["id"], Recipe(), settings)
    sums = {k: v for k, v in lineage.manifest(settings, done["id"])["files"].items() if k in TAUGHT}
    dropped = sorted(map(repr, pq.read_table(lineage.folder(settings, done["id"]) / "dropped.parquet").to_pylist()))
    return {"sums": sums, "dropped": dropped, **{k: v for k, v in done.items() if k not in ("id", "signals_file")}}


def orders(shards: int) -> list[list[int]]:
    """File numbers as two different ends of the same race would have committed them."""
    parts = [list(range(n, FILES, shards)) for n in range(shards)]
    return [list(itertools.chain(*parts)), list(itertools.chain(*reversed(parts)))]
