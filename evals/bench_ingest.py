"""What ingest costs beside DuckDB's own parse of the same file, in one run: `make bench`.

Seconds vary from machine to machine and from hour to hour; the multiple of CPU seconds does not, so the multiple is what is printed last.
The floor is read_json with explicit columns and every field touched: the least that anything reading this file can cost.
"""

import argparse
import json
import random
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline import settings as machine
from pipeline.ingest.run import run
from pipeline.recipe import Recipe

SYLLABLES = ("ka", "lo", "mi", "ter", "sun", "ve", "dra", "pol", "in", "ro", "the", "an", "shi", "gu", "bel", "ost")
WORDS = [first + second for first in SYLLABLES for second in ("", *SYLLABLES)]
FLOOR = """
    select count(*), sum(length(conversation_id) + length(user_id) + length(app) + length(model) + length(locale)),
        sum(epoch(started_at)), count_if(consent), sum(length(metadata::varchar)),
        sum(list_sum(list_transform(messages, lambda m: length(m.message_id) + coalesce(length(m.parent_id), 0) + length(m.role)
            + length(m.content) + epoch(m.created_at)))),
        sum(list_sum(list_transform(feedback, lambda f: length(f.event_id) + length(f.message_id) + length(f.user_id) + length(f.kind)
            + coalesce(length(f.value), 0) + coalesce(length(f.text), 0) + epoch(f.created_at))))
    from read_json($path, format = 'newline_delimited', columns = {
        conversation_id: 'varchar', user_id: 'varchar', app: 'varchar', model: 'varchar', locale: 'varchar', started_at: 'timestamptz',
        consent: 'boolean', metadata: 'json',
        messages: 'struct(message_id varchar, parent_id varchar, role varchar, content varchar, created_at timestamptz)[]',
        feedback: 'struct(event_id varchar, message_id varchar, user_id varchar, kind varchar, value varchar, text varchar, created_at timestamptz)[]'})
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


def write(path: Path, turns: int) -> None:
    draw = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for n in range(turns // 4):
            file.write(json.dumps(conversation(n, draw)) + "\n")


def cost(work: Any) -> tuple[float, float]:
    """CPU seconds of this process, and the wall's."""
    before, clock = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.perf_counter() - clock


def floor(path: Path) -> None:
    import duckdb

    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
        con.execute(FLOOR, {"path": str(path)}).fetchall()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--turns", type=int, default=100_000, help="turns of the generated file (default 100,000: about 50 MB)")
    turns = arguments.parse_args().turns
    with tempfile.TemporaryDirectory() as folder:
        path, home = Path(folder) / "bench_2026-11-20.jsonl", Path(folder) / "home"
        write(path, turns)
        settings = machine.Settings(**(machine.load().__dict__ | {"home": home, "lake": "sqlite:", "data": str(home / "lake" / "data")}))
        print(f"{turns} turns, {path.stat().st_size / 1e6:.0f} MB")
        floor_cpu = min(cost(lambda: floor(path))[0] for _ in range(3))
        first, first_wall = cost(lambda: run([path], Recipe(), settings))
        again, again_wall = cost(lambda: run([path], Recipe(), settings))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{'':24}{'CPU s':>8}{'wall s':>8}{'x floor':>9}")
        print(f"{'parse floor (best of 3)':24}{floor_cpu:8.2f}{'':8}{1:9.1f}")
        for label, cpu, wall in (("ingest", first, first_wall), ("ingest again", again, again_wall)):
            print(f"{label:24}{cpu:8.2f}{wall:8.2f}{cpu / floor_cpu:9.1f}")
        print(f"peak memory {peak:.0f} MB")
        print(f"ingest costs {first / floor_cpu:.1f} times DuckDB's own parse")


if __name__ == "__main__":
    main()
