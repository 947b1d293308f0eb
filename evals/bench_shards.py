"""What shards gain: parts of a day taken in at once beside the same parts one after the other, `python -m evals.bench_shards`.

Every part is a process of its own, as Airflow's mapped tasks are, and commits to the one lake; Python's start is in both sides' time.
The two sides take turns on fresh homes, so that a machine that is busy is busy for both; CPU seconds of all processes stand beside the
wall's, and tell how much the cores had left for us. Both sides must end with the same rows and with everything sealed, or the bench fails.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from evals import bench_ingest
from pipeline import lake, lineage
from pipeline import settings as machine

DAY = "2026-11-20"
LIMIT = 0.7  # of the wall time of one after the other, on two cores
COUNTED = """
select
    (select count(*) from ingest.conversations)                                     as conversations,
    (select count(distinct conversation_id) from ingest.conversations)              as different,
    (select count(*) from ingest.messages)                                          as messages,
    (select count(*) from ingest.feedback where current)                            as events,
    (select bit_xor(hash(conversation_id, digest)) from ingest.conversations)       as headers,
    (select bit_xor(hash(conversation_id, message_id, content)) from ingest.messages) as texts,
    (select count(*) from ingest.batches)                                           as batches
"""


def logs(folder: Path, turns: int, shards: int) -> None:
    """One generated day in as many files as there are shards, each with conversations of its own."""
    folder.mkdir()
    whole = folder.parent / "whole.jsonl"
    bench_ingest.write(whole, turns)
    files = [(folder / f"part{n:02}_{DAY}.jsonl").open("w", encoding="utf-8") for n in range(shards)]
    with whole.open(encoding="utf-8") as lines:
        for at, line in enumerate(lines):
            files[at % shards].write(line)
    for file in files:
        file.close()
    whole.unlink()


def ingested(folder: Path, home: Path, shards: int, at_once: bool) -> dict[str, Any]:
    """Take the day in; wall and CPU seconds of all processes, and what the lake holds after them."""
    environment = machine.child_environment() | {"EQUIPOISE_HOME": str(home), "EQUIPOISE_USER_KEY": "0" * 64}
    with lake.connect(_settings(home)):
        pass  # the tables are there before the clock starts: a day's first shard does not make them either
    words = [sys.executable, "-m", "pipeline", "ingest", str(folder), "--day", DAY, "--shard"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    running: list[subprocess.Popen[bytes]] = []
    for n in range(1, shards + 1):
        running.append(subprocess.Popen([*words, f"{n}/{shards}"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
        if not at_once:
            running[-1].wait()
    codes = [child.wait() for child in running]
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if any(codes):
        raise SystemExit(f"a shard failed: exit codes {codes}")
    return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime} | {"rows": _rows(home, shards)}


def _settings(home: Path) -> machine.Settings:
    return machine.Settings(**(machine.load().__dict__ | {"home": home, "lake": "sqlite:", "data": str(home / "lake" / "data")}))


def _rows(home: Path, shards: int) -> dict[str, Any]:
    settings = _settings(home)
    sealed = len(lineage.all_of(settings, "logs"))
    with lake.connect(settings) as con:
        cursor = con.execute(COUNTED)
        found = dict(zip([c[0] for c in cursor.description], cursor.fetchall()[0], strict=True))
    if not found["conversations"] == found["different"] or not sealed == found["batches"] == shards:
        raise SystemExit(f"rows are lost or doubled: {found}, {sealed} batches sealed of {shards}")
    return found


def compare(turns: int, shards: int, rounds: int, work: Path) -> dict[str, Any]:
    """Both sides in turns, the order changing from round to round; the median ratio counts."""
    logs(work / "logs", turns, shards)
    size = sum(p.stat().st_size for p in (work / "logs").iterdir()) / 1e6
    print(f"{turns} turns, {size:.0f} MB in {shards} files, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    print(f"{'round':8}{'one by one':>22}{'at once':>22}{'ratio':>8}", flush=True)
    told = []
    for n in range(rounds):
        sides = {}
        for at_once in (False, True) if n % 2 == 0 else (True, False):
            sides[at_once] = ingested(work / "logs", work / f"home{n}-{at_once:d}", shards, at_once)
        if sides[False]["rows"] != sides[True]["rows"]:
            raise SystemExit(f"the two ways end differently: {sides[False]['rows']} and {sides[True]['rows']}")
        told.append(sides[True]["wall"] / sides[False]["wall"])
        cells = [f"{sides[s]['wall']:6.1f} s ({sides[s]['cpu']:6.1f} CPU)" for s in (False, True)]
        print(f"{n + 1:<8}{cells[0]:>22}{cells[1]:>22}{told[-1]:8.2f}", flush=True)
    return {"turns": turns, "shards": shards, "ratio": statistics.median(told), "ratios": told}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--turns", type=int, default=400_000, help="turns of the generated day (default 400,000: about 280 MB)")
    arguments.add_argument("--shards", type=int, default=8)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--report", action="store_true", help="print what was missed and end well")
    arguments.add_argument("--json", action="store_true", help="print one JSON object at the end")
    args = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = compare(args.turns, args.shards, args.rounds, Path(folder))
    print(json.dumps(found) if args.json else f"{found['shards']} shards at once take {found['ratio']:.2f} of one after the other")
    if found["ratio"] > LIMIT:
        missed = f"{found['ratio']:.2f} is above {LIMIT}: shards gain too little here, or other work has the cores"
        if not args.report:
            raise SystemExit(missed)
        print(missed)


if __name__ == "__main__":
    main()
