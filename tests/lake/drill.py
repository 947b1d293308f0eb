"""SIGKILL at drawn moments: work in a process of its own, warm from the start so that every moment falls into the work itself."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline import lake, lineage
from pipeline.settings import Settings
from pipeline.settings import load as machine
from tests.ingest.world import conversation, event, message, write

TABLES = ("conversations", "messages", "feedback", "quarantine", "batches")
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["duckdb", "pyarrow", "psycopg2", "pipeline.ingest.run", "pipeline.commands.compact", "pipeline.erase.run", "tests.lake.drill"]
)


def ingest(folder: Path) -> None:
    from pipeline.ingest.run import run
    from pipeline.recipe import Recipe

    run([folder], Recipe(), machine())


def compact() -> None:
    from pipeline.commands.compact import run

    run(machine(), keep_days=0, grace=timedelta(0))


def forget(user: str) -> None:
    from pipeline.erase.run import users

    users(machine(), [user], "asked for by letter")


def _inside(environment: dict[str, str], work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    os.environ.clear()  # the server that children come from still has the variables of the test that started it
    os.environ.update(environment)
    work(*arguments)


def child(work: Callable[..., None], *arguments: Any) -> multiprocessing.process.BaseProcess:
    """Start the work beside this process, in this process's environment."""
    process = _context.Process(target=_inside, args=(dict(os.environ), work, arguments))
    process.start()
    return process


def timed(work: Callable[..., None], *arguments: Any) -> float:
    """Seconds that the work takes undisturbed, once the server that children come from is warm."""
    child(int).join()
    start = time.monotonic()
    process = child(work, *arguments)
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - start


def killed(draw: random.Random, duration: float, work: Callable[..., None], *arguments: Any) -> bool:
    """Kill the work at a moment of its usual duration; False where it had ended before."""
    process = child(work, *arguments)
    time.sleep(draw.uniform(0, 0.8 * duration))  # a run that had to share its cores while it was timed may be quicker now
    process.kill()  # SIGKILL, and nothing where it has ended
    process.join()
    return process.exitcode == -signal.SIGKILL


def day(folder: Path, number: int) -> Path:
    """Logs of one round: new conversations, one exported again with other words, one that takes its consent back, a torn line."""
    lines = [conversation(f"{number}-{i}", feedback=[event(value=("up", "down")[i % 2])]) for i in range(40)]
    again = [conversation(f"{number - 1}-{i}", model=f"m{number}", feedback=[event(value="none")]) for i in range(20)]
    gone = conversation(f"{number - 1}-30", consent=False)
    write(folder / f"{number}" / f"log_2026-11-{10 + number % 3}.jsonl", *lines, *again, gone, b"{torn %d" % number)
    return folder / f"{number}"


def state(settings: Settings) -> dict[str, Any]:
    """All rows, in no order, and all that was sealed but for times and versions."""
    sealed = {m["id"]: (m["counts"], m["previous"], m["files"]) for m in lineage.all_of(settings, "logs")}
    with lake.connect(settings) as con:
        found = {table: sorted(con.execute(f"select * from ingest.{table}").fetchall(), key=repr) for table in TABLES}
    return {"sealed": sealed} | found


def known_files(settings: Settings) -> set[str]:
    """Names of the files that the catalogue knows, for whatever version."""
    tables = ("ducklake_data_file", "ducklake_delete_file", "ducklake_files_scheduled_for_deletion")
    with lake.connect(settings) as con:
        paths = [p for t in tables for (p,) in con.execute(f"select path from __ducklake_metadata_lake.{t}").fetchall()]
    return {p.rsplit("/", 1)[-1] for p in paths}


def orphans(settings: Settings) -> list[str]:
    """What the lake itself would call left over, however young."""
    with lake.connect(settings) as con:
        return [row["path"] for row in lake.query(con, "lake/orphans", before=datetime.now(UTC) + timedelta(minutes=1))]


def files(settings: Settings) -> set[str]:
    """Names of the files in the lake's folder."""
    return {p.name for p in Path(settings.data).rglob("*") if p.is_file()}


def ingests(
    kills: int, settings: Settings, reference: Callable[[Path], dict[str, Any]], folder: Path, files: Callable[..., set[str]]
) -> int:
    """Round after round: an ingest killed, run again, and the lake compared with one that was never disturbed. Gives the kills that hit."""
    draw, hits = random.Random(5), 0
    ingest(day(folder, 0))
    assert state(settings) == reference(day(folder, 0))
    duration = timed(ingest, day(folder, 1))
    reference(day(folder, 1))
    for n in range(2, kills + 2):
        logs = day(folder, n)
        hits += killed(draw, duration, ingest, logs)
        ingest(logs)
        assert state(settings) == reference(logs), f"kill {n - 1}"
    compact()
    assert orphans(settings) == []
    assert files(settings) == known_files(settings)
    return hits


def compactions(kills: int, settings: Settings, folder: Path, files: Callable[..., set[str]]) -> int:
    """Round after round: small files and deleted rows, a compaction killed, run again. The rows never change. Gives the kills that hit."""
    draw, hits = random.Random(7), 0
    for n in range(3):
        ingest(day(folder, n))
    duration = timed(compact)
    for n in range(3, kills + 3):
        ingest(day(folder, n))
        before = state(settings)
        hits += killed(draw, duration, compact)
        assert state(settings) == before, f"kill {n - 2}: rows changed"
        compact()
        assert state(settings) == before, f"kill {n - 2}: rows changed when it was run again"
        assert orphans(settings) == []
        assert files(settings) == known_files(settings), f"kill {n - 2}: files are left over, or lost"
    return hits


def erasures(
    kills: int,
    settings: Settings,
    reference: Callable[[Path, str], dict[str, Any]],
    folder: Path,
    traces: Callable[..., str],
    files: Callable[..., set[str]],
) -> int:
    """Round after round: a new day with somebody who is then forgotten, that killed, and run again. Gives the kills that hit.

    reference: takes the same day in, and forgets, undisturbed. folder: where the logs are made; each home takes its own copy, which is
    erased with the rest. traces: all that the catalogue, the files and the home still say, as text.
    """
    draw, hits, duration = random.Random(3), 0, 0.0
    for n in range(kills + 1):
        user = f"victim-{n:03}@example.org"
        logs = spoken(folder, n, user)
        ingest(received(settings, logs))
        assert user in traces(settings)
        if n:
            hits += killed(draw, duration, forget, user)
            forget(user)
        else:
            duration = timed(forget, user)
        assert state(settings) == reference(logs, user), f"kill {n}"
        left = traces(settings)
        assert user not in left and secret(n) not in left, f"kill {n}: something of {user} is left"
        assert orphans(settings) == []
        assert files(settings) == known_files(settings), f"kill {n}: files are left over, or lost"
    return hits


def received(settings: Settings, logs: Path) -> Path:
    """The same logs in a home's inbox."""
    inbox = Path(settings.inbox)
    inbox.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(logs, inbox))


def secret(number: int) -> str:
    """Words that only the one who is forgotten in this round has said."""
    return f"parrots-{number:03}-in-the-green-house"


def spoken(folder: Path, number: int, user: str) -> Path:
    """Logs of one round: forty conversations of others, two of this user, a torn line of theirs, and their comment in somebody else's."""
    words = [message("m1", None, "user", f"My {secret(number)}"), message("m2", "m1", "assistant", f"Your {secret(number)}")]
    others = [conversation(f"{number}-{i}", user_id=f"u-{i}", feedback=[event(user_id=f"u-{i}")]) for i in range(40)]
    guest = event("guest", "comment", text=f"As my {secret(number)}", user_id=user)
    lines = [conversation(f"v{number}-{i}", user_id=user, messages=words, feedback=[event(user_id=user)]) for i in range(2)]
    torn = json.dumps(conversation(f"v{number}-torn", user_id=user, messages=words))[:-20].encode()
    name = folder / f"round_{number:03}_2026-11-{10 + number % 3}.jsonl"
    write(name, *others, *lines, conversation(f"{number}-host", feedback=[guest]), torn)
    return name
