"""What mining costs beside its peers, in one run: `python -m evals.bench_mine` (`make bench-mine`).

Three tables. Near-duplicates of 200,000 prompts beside datasketch, both held to the planted pairs that are truly similar; the lookup in
earlier days on day 30 beside day 1; and the whole stage over a generated log of a million turns, in a process of its own on two cores. A
peer that is not installed fails the bench, and so does a bar that is missed (`--report` only prints).
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from evals.bench_feedback import CJK, WORDS
from pipeline import lineage
from pipeline import settings as machine
from pipeline.mine import implicit_rules, prints, remembered, similar
from pipeline.mine.prints import Said
from pipeline.settings import Settings

LEAST = 0.7
RECALL, TIMES, GROWTH, STAGE_S, STAGE_MB = 0.945, 7, 1.3, 120, 4000
VOCABULARY = 50_000
PLANTED = 0.35  # of the prompts repeat an earlier one with up to three words changed; a third of these with none
DAYS = 30
DAY = date(2026, 1, 1)


def clock() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """(what it gives, wall s, CPU s)"""
    wall, cpu = clock()
    found = work()
    after = clock()
    return found, after[0] - wall, after[1] - cpu


def prompts(count: int, seed: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Prompts of 8 to 80 words, and the planted pairs (later, earlier)."""
    draw = random.Random(seed)
    words = [draw.choice(WORDS[:800]) + draw.choice(WORDS[:800]) for _ in range(VOCABULARY)]
    texts: list[str] = []
    originals: list[int] = []
    planted = []
    for n in range(count):
        if texts and draw.random() < PLANTED:
            like = draw.choice(originals)  # a repeat of a repeat may be like no text that is kept, and then stays itself
            said = texts[like].split()
            for _ in range(draw.choice((0, 1, 1, 2, 3, 3))):
                said[draw.randrange(len(said))] = draw.choice(words)
            planted.append((n, like))
        else:
            said = draw.choices(words, k=draw.randint(8, 80))
            originals.append(n)
        texts.append(" ".join(said))
    return texts, planted


def truly(texts: list[str], planted: list[tuple[int, int]]) -> list[int]:
    """Prompts whose planted pair is similar by sets of three-word shingles."""

    def shingled(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}

    sets = {n: shingled(texts[n]) for pair in planted for n in pair}
    return [a for a, b in planted if len(sets[a] & sets[b]) >= LEAST * len(sets[a] | sets[b])]


def ours(texts: list[str]) -> set[int]:
    """Prompts of one task as mine fingerprints them, template search included, that repeat an earlier one."""
    found = prints.prints([Said("task", text, "", ()) for text in texts], 0.05)
    pairs = similar.candidates(found.keys)
    near = pairs.where(similar.jaccard(found.own.taken(pairs.later), found.own.taken(pairs.earlier)) >= LEAST)
    return set((similar.first_kept(near, len(texts)) >= 0).nonzero()[0].tolist())


def datasketch(texts: list[str], hashed: Callable[[bytes], int] | None) -> set[int]:
    """The same by datasketch's own loop: 128 minima, 16 bands of 8, keep the first."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=128, params=(16, 8))
    more = {"hashfunc": hashed} if hashed else {}
    found = set()
    for n, text in enumerate(texts):
        words = text.split()
        sketch = MinHash(num_perm=128, **more)
        sketch.update_batch([" ".join(words[i : i + 3]).encode() for i in range(len(words) - 2)])
        if index.query(sketch):
            found.add(n)
        else:
            index.insert(n, sketch)
    return found


def near_duplicates(count: int) -> list[str]:
    import xxhash

    texts, planted = prompts(count, 1)
    true = truly(texts, planted)
    rows = []
    for name, work in (
        ("mine (numpy, 32 bands of 4, verified)", lambda: ours(texts)),
        ("datasketch, sha1 (its default)", lambda: datasketch(texts, None)),
        ("datasketch, xxhash32", lambda: datasketch(texts, xxhash.xxh32_intdigest)),
    ):
        found, wall, cpu = timed(work)
        rows.append((name, wall, cpu, sum(n in found for n in true) / len(true), len(found)))
    print(f"near-duplicates of {count} prompts; {len(true)} of {len(planted)} planted pairs have Jaccard >= {LEAST}")
    print(f"{'':38}{'wall s':>9}{'CPU s':>9}{'recall':>9}{'dropped':>9}{'x mine':>8}")
    for name, wall, cpu, recall, dropped in rows:
        print(f"{name:38}{wall:9.2f}{cpu:9.2f}{recall:9.4f}{dropped:9d}{cpu / rows[0][2]:8.1f}")
    faults = [f"recall {rows[0][3]:.4f} is below {RECALL}"] if rows[0][3] < RECALL else []
    slow = rows[1][2] / rows[0][2]
    return faults + ([f"datasketch takes {slow:.1f} times as long, {TIMES} are wanted"] if slow < TIMES else [])


def sealed(settings: Settings, day: date, texts: list[str]) -> str:
    """A pairs folder of these prompts, as mine would have sealed it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    id = lineage.name("pairs", day, len(texts))
    ids = [f"{day:%m%d}{n:012x}" for n in range(len(texts))]
    talks = [[{"role": "user", "content": text}, {"role": "assistant", "content": f"answer {n}"}] for n, text in enumerate(texts)]
    with lineage.making(settings, id, parents=[], recipe={}) as work:
        if work:
            pq.write_table(pa.table({"example_id": ids, "task": ["task"] * len(ids), "messages": talks}), work.folder / "sft.parquet")
    return id


def growth(count: int, folder: Path) -> list[str]:
    """Every day looks its prompts up in all days before, and puts itself on the shelf."""
    settings = replace(machine.load(), home=folder)
    texts, _ = prompts(count * DAYS, 2)
    ours(texts[:100])  # tables that are made once a process are no part of day 1
    days: dict[date, list[str]] = {}
    costs = []
    for n in range(DAYS):
        today = texts[n * count : (n + 1) * count]
        day = DAY + timedelta(days=n)
        id = sealed(settings, day, today)

        def work(today: list[str] = today, id: str = id) -> int:
            past = remembered.past(settings, days)
            found = prints.prints([Said("task", text, "", ()) for text in today], 0.05, past.counts)
            pairs = similar.candidates(found.keys)
            near = pairs.where(similar.jaccard(found.own.taken(pairs.later), found.own.taken(pairs.earlier)) >= LEAST)
            known = {m.row for m in past.matches(found, LEAST)} if days else set()
            remembered.kept(settings, id)
            return len(known | set(near.later.tolist()))

        repeats, wall, cpu = timed(work)
        costs.append((n + 1, wall, cpu, repeats))
        days[day] = [id]
    print(f"\nlookup in all earlier days, {count} prompts a day")
    print(f"{'':10}{'wall s':>9}{'CPU s':>9}{'repeats':>9}{'x day 1':>9}")
    for n, wall, cpu, repeats in costs:
        if n in (1, 2, 8, 16, 17, 29, DAYS):
            print(f"day {n:<6}{wall:9.2f}{cpu:9.2f}{repeats:9d}{cpu / costs[0][2]:9.2f}")
    first, last = costs[0][2], costs[-1][2]
    return [f"day {DAYS} costs {last / first:.2f} times day 1, at most {GROWTH} is wanted"] if last > GROWTH * first else []


def log(turns: int, path: Path) -> None:
    """Talks of eight turns as bench_feedback writes them, with edits and thumbs on three answers of a hundred (feedback.md)."""
    draw = random.Random(9)
    rules = implicit_rules.table()
    heard = [e for r in rules.rules for e in (r.example, r.counter, *r.also)]
    with path.open("w", encoding="utf-8") as file:
        for c in range(turns // 8):
            messages, feedback = [], []
            for place in range(8):
                user = place % 2 == 0
                text = " ".join(draw.choices(WORDS, k=draw.randint(4, 90 if user else 200)))
                if c % 5 == 0:
                    text = "".join(draw.choices(CJK, k=draw.randint(6, 60)))
                if user and place and draw.random() < 0.1:
                    text = draw.choice(heard)
                messages.append({"message_id": f"m{place}", "role": "user" if user else "assistant", "content": text})
                if not user and draw.random() < 0.03:
                    what = (
                        {"kind": "edit", "text": f"{text} indeed"}
                        if draw.random() < 0.2
                        else {"kind": "thumb", "value": draw.choice(["up", "down"])}
                    )
                    feedback.append({"event_id": f"e{place}", "message_id": f"m{place}"} | what)
            line = {"conversation_id": f"c{c}", "user_id": f"u{draw.randrange(max(turns // 80, 1))}", "app": "chat"}
            file.write(json.dumps(line | {"messages": messages, "feedback": feedback}, ensure_ascii=False) + "\n")


def stage(turns: int, folder: Path) -> list[str]:
    """The real commands in processes of their own; the clock runs for `mine` alone."""
    path = folder / "log.jsonl"
    log(turns, path)
    env = machine.child_environment(EQUIPOISE_HOME=str(folder / "home"), EQUIPOISE_USER_KEY="0" * 64)
    command = [sys.executable, "-m", "pipeline"]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    done = subprocess.run([*command, "ingest", str(path), "--day", "2026-11-20"], env=env, check=True, stdout=subprocess.PIPE, text=True)
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([*command, "mine", done.stdout.strip(), "--json"], env=env, stdout=out)
        _, _, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        out.seek(0)
        found = json.loads(out.read())
    cpu = used.ru_utime + used.ru_stime
    peak = used.ru_maxrss / 1000  # kB on Linux
    rows = ", ".join(f"{found[kind]} {kind}" for kind in ("examples", "pairs", "unpaired", "heldout"))
    print(f"\nthe whole stage over {turns} turns: {wall:.1f} s wall, {cpu:.1f} s CPU, {peak:.0f} MB at most; {rows}")
    scale = turns / 1_000_000
    faults = [f"mine takes {wall:.0f} s, {STAGE_S} a million turns are wanted"] if wall > STAGE_S * scale else []
    return faults + ([f"mine holds {peak:.0f} MB, {STAGE_MB} are wanted"] if peak > STAGE_MB else [])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--prompts", type=int, default=200_000)
    arguments.add_argument("--a-day", type=int, default=20_000, help="prompts a day of the lookup")
    arguments.add_argument("--turns", type=int, default=1_000_000)
    arguments.add_argument("--only", choices=("near", "growth", "stage"), help="one table")
    arguments.add_argument("--report", action="store_true", help="print what was missed and end well")
    asked = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-mine-"))
    faults: list[str] = []
    try:
        if asked.only in (None, "near"):
            faults += near_duplicates(asked.prompts)
        if asked.only in (None, "growth"):
            faults += growth(asked.a_day, folder / "growth")
        if asked.only in (None, "stage"):
            faults += stage(asked.turns, folder)
    finally:
        shutil.rmtree(folder)
    if faults:
        print("\n".join(["", *faults]))
        sys.exit(0 if asked.report else 1)


if __name__ == "__main__":
    main()
