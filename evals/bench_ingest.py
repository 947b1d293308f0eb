"""What ingest costs beside DuckDB's own parse of the same file and beside what other people would write: `make bench-ingest`.

Seconds vary from machine to machine and from hour to hour, so every contender reads the same file in a process of its own, one
after the other in one run, and is told in multiples of the parse floor's CPU seconds. The floor is read_json with explicit columns
and every field touched: the least that anything reading this file can cost. A contender that is not installed fails the bench.
"""

import argparse
import importlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

SYLLABLES = ("ka", "lo", "mi", "ter", "sun", "ve", "dra", "pol", "in", "ro", "the", "an", "shi", "gu", "bel", "ost")
WORDS = [first + second for first in SYLLABLES for second in ("", *SYLLABLES)]
TEMPLATES = 25_000  # conversations that are drawn; a larger file repeats their texts under ids of its own
MESSAGE = "message_id varchar, parent_id varchar, role varchar, content varchar, created_at timestamptz"
EVENT = "event_id varchar, message_id varchar, user_id varchar, kind varchar, value varchar, text varchar, created_at timestamptz"
READ = f"""
    read_json($path, format = 'newline_delimited', columns = {{
        conversation_id: 'varchar', user_id: 'varchar', app: 'varchar', model: 'varchar', locale: 'varchar', started_at: 'timestamptz',
        consent: 'boolean', metadata: 'json', messages: 'struct({MESSAGE})[]', feedback: 'struct({EVENT})[]'}})
"""
FLOOR = f"""
    select count(*), sum(length(conversation_id) + length(user_id) + length(app) + length(model) + length(locale)),
        sum(epoch(started_at)), count_if(consent), sum(length(metadata::varchar)),
        sum(list_sum(list_transform(messages, lambda m: length(m.message_id) + coalesce(length(m.parent_id), 0) + length(m.role)
            + length(m.content) + epoch(m.created_at)))),
        sum(list_sum(list_transform(feedback, lambda f: length(f.event_id) + length(f.message_id) + length(f.user_id) + length(f.kind)
            + coalesce(length(f.value), 0) + coalesce(length(f.text), 0) + epoch(f.created_at))))
    from {READ}
"""


def conversation(n: int, draw: random.Random) -> dict[str, Any]:
    """Four turns of about 80 words, every third conversation with feedback, every fiftieth with an address in it."""
    messages: list[dict[str, Any]] = []
    for turn in range(4):
        content = " ".join(draw.choices(WORDS, k=draw.randint(20, 140)))
        if n % 50 == 0 and turn == 0:
            content += f" write to user{n}@example.com or call +49 30 {1000000 + n}"
        messages.append(
            {
                "message_id": f"c{n}-{turn}",
                "parent_id": f"c{n}-{turn - 1}" if turn else None,
                "role": "assistant" if turn % 2 else "user",
                "content": content,
                "created_at": f"2026-11-20T08:{turn:02}:00Z",
            }
        )
    event = {"event_id": f"f{n}", "message_id": f"c{n}-3", "user_id": f"u{n % 997}", "created_at": "2026-11-20T09:00:00Z"}
    kinds = [{"kind": "thumb", "value": "up"}, {"kind": "edit", "text": " ".join(draw.choices(WORDS, k=60))}]
    return {
        "conversation_id": f"c{n}",
        "user_id": f"u{n % 997}",
        "app": "helpdesk",
        "model": "model-20261119-1a2b3c4d",
        "started_at": "2026-11-20T08:00:00Z",
        "locale": "en",
        "consent": True,
        "metadata": {"channel": "web", "visit": n % 7},
        "messages": messages,
        "feedback": [event | kinds[n % 2]] if n % 3 == 0 else [],
    }


def write(path: Path, turns: int, of: str = "") -> None:
    """A log of so many turns. of: what the ids begin with, so that another log is of other conversations."""
    draw = random.Random(7)
    lines = [json.dumps(conversation(n, draw)) + "\n" for n in range(min(TEMPLATES, turns // 4))]
    with path.open("w", encoding="utf-8") as file:
        for n in range(turns // 4):
            copy, at = divmod(n, TEMPLATES)
            line, own = lines[at], f"{of}k{copy}"
            file.write(line.replace(f'"c{at}', f'"{own}c{at}').replace(f'"f{at}"', f'"{own}f{at}"') if copy or of else line)


def floor(path: Path, work: Path | None = None) -> None:
    """The least: parse, and touch every field."""
    import duckdb

    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'; set preserve_insertion_order = false; set enable_progress_bar = false")
        con.execute(FLOOR, {"path": str(path)}).fetchall()


def orjson_pyarrow(path: Path, work: Path) -> None:
    """What one writes by hand: a loop, lists, a Parquet file. No checks, no ids, no personal data."""
    import orjson
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = ("message_id", "parent_id", "role", "content", "created_at")
    schema = pa.schema([(n, pa.string()) for n in ("conversation_id", *names)])
    with pq.ParquetWriter(work / "messages.parquet", schema, compression="zstd") as out, path.open("rb") as file:
        rows: list[list[Any]] = [[] for _ in schema]
        for line in file:
            raw = orjson.loads(line)
            for message in raw["messages"]:
                rows[0].append(raw["conversation_id"])
                for column, name in zip(rows[1:], names, strict=True):
                    column.append(message[name])
            if len(rows[0]) > 100_000:
                out.write_table(pa.table(rows, schema=schema))
                rows = [[] for _ in schema]
        out.write_table(pa.table(rows, schema=schema))


def polars(path: Path, work: Path) -> None:
    """The same by polars: scan, explode, sink. No checks."""
    import polars as pl

    kinds = {"message_id": pl.String, "parent_id": pl.String, "role": pl.String, "content": pl.String, "created_at": pl.String}
    schema = {"conversation_id": pl.String, "user_id": pl.String, "messages": pl.List(pl.Struct(kinds))}
    lazy = pl.scan_ndjson(path, schema=schema).explode("messages").unnest("messages")
    lazy.sink_parquet(work / "messages.parquet", compression="zstd")


def ducklake(path: Path, work: Path) -> None:
    """DuckDB straight into a DuckLake table partitioned by day. No checks."""
    with _lake(work) as con:
        con.execute(f"create table messages (day date, conversation_id varchar, {MESSAGE})")
        con.execute("alter table messages set partitioned by (day)")
        unnested = f"(select conversation_id, unnest(messages) as m from {READ})"
        con.execute(f"insert into messages select date '2026-11-20', conversation_id, m.* from {unnested}", {"path": str(path)})


def _lake(work: Path) -> Any:
    import duckdb

    from pipeline import engine

    con = duckdb.connect()
    for name in ("ducklake", "sqlite_scanner"):
        engine.extension(con, name)
    con.execute("set timezone = 'UTC'; set preserve_insertion_order = false; set enable_progress_bar = false")
    con.execute(f"attach 'ducklake:sqlite:{work}/catalog.sqlite' as lake (data_path '{work}/data')")
    con.execute("use lake; call lake.set_option('parquet_compression', 'zstd')")
    return con


def ingest(path: Path, work: Path) -> None:
    """Everything on: validation, personal data, hashes, digests, checks, days. Run twice on one home it shows the second run."""
    from pipeline import settings as machine
    from pipeline.ingest.run import run
    from pipeline.recipe import Recipe

    settings = machine.Settings(**(machine.load().__dict__ | {"home": work, "lake": "sqlite:", "data": str(work / "lake" / "data")}))
    run([path], Recipe(), settings)


def unchecked(path: Path, work: Path) -> None:
    """The same without looking for lines that belong into quarantine: what is asked of every line and no good line needs."""
    import numpy as np

    from pipeline.ingest import once, plain

    skipped: list[tuple[Any, str, Callable[..., Any]]] = [
        (once, "written", lambda bodies: np.zeros(len(bodies), np.int64)),
        (once, "expected", lambda raws, *_: np.zeros(len(raws), np.int64)),
        (plain, "_is_id", lambda column: np.ones(len(column), bool)),
        (plain, "_check_trees", lambda *_: None),
        (plain, "_are", lambda *_: True),
    ]
    for module, name, instead in skipped:
        assert hasattr(module, name), f"{module.__name__}.{name} is no longer there: say here what is skipped now"
        setattr(module, name, instead)
    ingest(path, work)


CONTENDERS: dict[str, Callable[[Path, Path], Any]] = {
    "parse floor": floor,
    "orjson + pyarrow, no checks": orjson_pyarrow,
    "polars, no checks": polars,
    "DuckDB to DuckLake, no checks": ducklake,
    "equipoise ingest": ingest,
    "equipoise ingest, unchecked": unchecked,
}
OURS = ("equipoise ingest", "equipoise ingest, unchecked")


def measured(name: str, path: Path, work: Path) -> dict[str, float]:
    """CPU and wall seconds and peak memory of one contender in a process of its own."""
    work.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "evals.bench_ingest", "--one", name, "--path", str(path), "--work", str(work)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def one(name: str, path: Path, work: Path) -> dict[str, float]:
    for package in ("duckdb", "pyarrow.compute", "polars", "orjson"):
        importlib.import_module(package)  # what is missing fails here, and nobody pays for loading it
    clock = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF)
    CONTENDERS[name](path, work)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": cpu, "wall": time.perf_counter() - clock, "peak": used.ru_maxrss / 1024}


def compare(turns: int, folder: Path, rounds: int) -> dict[str, dict[str, float]]:
    """All contenders on one generated file; the floor before, between and after, of what was measured more than once the least counts."""
    path = folder / "bench_2026-11-20.jsonl"
    write(path, turns)
    print(f"{turns} turns, {path.stat().st_size / 1e6:.0f} MB", flush=True)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for name in [name for name in CONTENDERS if name not in OURS] + list(OURS) * rounds:
        found["parse floor"].append(measured("parse floor", path, folder / "floor"))
        if name != "parse floor":
            found[name].append(measured(name, path, folder / f"{name.replace(' ', '_')}_{len(found[name])}"))
    found["equipoise ingest, again"] = [measured("equipoise ingest", path, folder / "equipoise_ingest_0")]
    return table({name: min(costs, key=lambda cost: cost["cpu"]) for name, costs in found.items()})


def table(found: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    print(f"{'':32}{'CPU s':>8}{'wall s':>8}{'x floor':>9}{'peak MB':>9}")
    for name, cost in found.items():
        print(
            f"{name:32}{cost['cpu']:8.2f}{cost['wall']:8.2f}{cost['cpu'] / found['parse floor']['cpu']:9.1f}{cost['peak']:9.0f}", flush=True
        )
    return found


def grown(turns: list[int], folder: Path) -> None:
    """Time and peak memory of ingest alone at several sizes."""
    peaks = []
    for size in turns:
        path = folder / "bench_2026-11-20.jsonl"
        write(path, size)
        print(f"{size} turns, {path.stat().st_size / 1e6:.0f} MB", flush=True)
        floors = [measured("parse floor", path, folder / "floor")]
        ours = measured("equipoise ingest", path, folder / f"home_{size}")
        floors.append(measured("parse floor", path, folder / "floor"))
        peaks.append(table({"parse floor": min(floors, key=lambda f: f["cpu"]), "equipoise ingest": ours})["equipoise ingest"]["peak"])
    print(f"peak memory from {turns[0]} to {turns[-1]} turns: {peaks[-1] / peaks[0]:.2f} times")


def days(count: int, turns: int, folder: Path) -> None:
    """One home, a day after the other: what the last ones cost beside the first ones, the very first (it makes the lake) left out."""
    costs = []
    for n in range(count):
        path = folder / f"bench_{date(2026, 11, 20) + timedelta(n)}.jsonl"
        write(path, turns, of=f"d{n}")
        costs.append(measured("equipoise ingest", path, folder / "home")["cpu"])
        path.unlink()
    some = max(1, min(3, (count - 1) // 2))
    first, last = sum(costs[1 : 1 + some]) / some, sum(costs[-some:]) / some
    print(
        f"{count} days of {turns} turns: day 1 (with the making of the lake) {costs[0]:.2f} CPU s, then {first:.2f}, the last {last:.2f}:"
    )
    print(f"the last days cost {last / first:.2f} times the first")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--turns", type=int, default=200_000, help="turns of the file that all read (default 200,000: about 140 MB)")
    arguments.add_argument("--rounds", type=int, default=2, help="how often ingest is measured, with its checks and without (default 2)")
    arguments.add_argument("--grow", type=int, nargs="*", default=[], help="sizes at which ingest alone is measured too: 1000000 5000000")
    arguments.add_argument("--days", type=int, default=0, help="days one after the other into one home, a tenth of --turns each: 30")
    for hidden in ("--one", "--path", "--work"):
        arguments.add_argument(hidden, help=argparse.SUPPRESS)
    args = arguments.parse_args()
    if args.one:
        print(json.dumps(one(args.one, Path(args.path), Path(args.work))))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = compare(args.turns, Path(folder), args.rounds)
    cost = {name: found[name]["cpu"] for name in found}
    ours, bare = (cost[name] for name in OURS)
    again = cost["equipoise ingest, again"] / ours
    print(f"ingest costs {ours / cost['parse floor']:.1f} times DuckDB's own parse; the same file again {again:.2f} of the first time")
    print(f"looking for bad lines in a file that has none: {ours / bare - 1:.1%} of what ingest costs without; one ingest, part by part:")
    subprocess.run([sys.executable, "-m", "evals.ingest_parts", "--turns", str(args.turns)], check=True)
    with tempfile.TemporaryDirectory() as folder:
        if args.grow:
            grown(args.grow, Path(folder))
        if args.days:
            days(args.days, args.turns // 10, Path(folder))


if __name__ == "__main__":
    main()
