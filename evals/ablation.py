"""What mining is worth: lessons of equal size and seed from mined rows, from the same rows unweighted, and from rows that nobody mined.

`python -m evals.ablation --work FOLDER` takes the intent logs in day by day, mines them, and makes one lesson. Then it makes others
that differ in nothing but their rows of the task, trains and measures each on the real model, and compares them by the item:

- mined: the lesson as the product makes it.
- unweighted: the same rows in the same order, every weight 1.
- naive: edits and praised answers at face value, drawn from all of them: no guard, no cap, nobody's voice weighed.
- random: logged questions with the answers that were shown, whatever users said of them.

Everything that is finished is kept, so a killed run goes on where it stopped. Needs a data folder (`--data`), which is not shipped.
"""

import argparse
import dataclasses
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from evals.intent_days import configure
from pipeline import lineage
from pipeline import settings as machine
from pipeline.gate import comparison, scores
from pipeline.gate.intervals import interval
from pipeline.gate.paired import Pairs
from pipeline.mix import tables
from pipeline.progress import say
from pipeline.settings import Settings

ROOT = Path(__file__).parent.parent
ARMS = ("mined", "unweighted", "naive", "random")
SEED = 17
Row = dict[str, Any]
Run = Any


def equipoise(environment: dict[str, str], *words: str) -> Row:
    """One command as a user types it; its JSON."""
    command = [sys.executable, "-m", "pipeline", *words, "--recipe", "intent", "--json"]
    say(f"== {' '.join(words)}")
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def logged(logs: list[Path], held: set[str]) -> dict[str, list[Row]]:
    """Question and answer of every conversation of the task that is not held out: as shown, and as naive readers of its feedback take it."""
    found: dict[str, dict[str, Row]] = {"random": {}, "naive": {}}
    for line in (line for log in logs for line in log.read_text(encoding="utf-8").splitlines()):
        talk = json.loads(line)
        messages = talk.get("messages") or []
        if talk["conversation_id"] in held or len(messages) != 2 or not messages[0]["content"].startswith("Predict the intent"):
            continue
        shown = {"conversation_id": talk["conversation_id"], "messages": [{k: m[k] for k in ("role", "content")} for m in messages]}
        found["random"][talk["conversation_id"]] = shown
        for event in talk.get("feedback") or []:
            said = event["text"] if event["kind"] == "edit" else messages[1]["content"] if event.get("value") == "up" else None
            if said:
                taken = [shown["messages"][0], {"role": "assistant", "content": said}]
                found["naive"][event["event_id"]] = shown | {"messages": taken}
    return {arm: list(rows.values()) for arm, rows in found.items()}


def lesson(arm: str, whole: str, pools: dict[str, list[Row]], settings: Settings) -> str:
    """The lesson of one arm: the mined one with other rows of the task, or other weights, in the same places."""
    import pyarrow.parquet as pq

    if arm == "mined":
        return whole
    sealed = lineage.require(settings, whole, "mix")
    rows = pq.read_table(lineage.folder(settings, whole) / "sft.parquet").to_pylist()
    own = list(dict.fromkeys(r["example_id"] for r in rows if r["task"] != "general"))
    others: dict[str, Row] = {}
    if arm != "unweighted":
        drawn = random.Random(SEED).sample(pools[arm], len(own))
        others = {id: row | {"example_id": f"{arm}-{n}", "source": arm} for n, (id, row) in enumerate(zip(own, drawn, strict=True))}
    changed = [row | others.get(row["example_id"], {}) | {"weight": 1.0} if row["task"] != "general" else row for row in rows]
    id = lineage.name("mix", lineage.day_of(whole), "ablation", whole, arm)
    with lineage.making(settings, id, parents=sealed["parents"], recipe=sealed["recipe"], seeds={"drawn": SEED}) as work:
        if work is not None:
            pq.write_table(tables.table("sft", changed), work.folder / "sft.parquet", compression="zstd")
            for name in ("counts.json", "plan.yaml"):
                shutil.copyfile(lineage.folder(settings, whole) / name, work.folder / name)
    return id


def right(settings: Settings, logs: list[Path], mix: str) -> str:
    """How many rows of a lesson teach the right answer, by the planted truth beside the logs."""
    import pyarrow.parquet as pq

    rows = pq.read_table(lineage.folder(settings, mix) / "sft.parquet").to_pylist()
    own = {r["example_id"]: r for r in rows if r["task"] != "general"}
    lines = (logs[0].parent.parent / "truth" / "intent_truth.jsonl").read_text(encoding="utf-8").splitlines()
    gold = {t["conversation_id"]: t["gold"] for t in map(json.loads, lines) if t.get("gold")}
    known = [r["messages"][-1]["content"] == gold[r["conversation_id"]] for r in own.values() if r["conversation_id"] in gold]
    return f"{sum(known)} of {len(known)}"


def compared(one: Run, other: Run) -> dict[str, str]:
    """Gain of `one` over `other` by ability, with its 90% interval, paired by item."""
    found = comparison.compare(other, one, comparison.abilities_of(other, one))
    told = {}
    for name, paired in found.paired.items():
        pairs = Pairs.of(paired.champion, paired.candidate, paired.clusters)
        low, high = interval(pairs)
        told[name] = f"{-pairs.drop:+.3f} ({-high:+.3f} to {-low:+.3f})"
    return told


def show(arms: dict[str, str], shares: dict[str, str], settings: Settings) -> None:
    runs = {arm: scores.read(lineage.folder(settings, id), lineage.manifest(settings, id)) for arm, id in arms.items()}
    print("\nGain over the origin, 90% interval, paired by item")
    for arm in [a for a in runs if a != "origin"]:
        print(f"  {arm} ({shares[arm]} rows of the task teach the right answer)")
        for name, gain in compared(runs[arm], runs["origin"]).items():
            print(f"    {name:16} {gain}")
    for other in [a for a in runs if a not in ("origin", "mined")]:
        print(f"\nmined against {other}")
        for name, gain in compared(runs["mined"], runs[other]).items():
            print(f"    {name:16} {gain}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=ROOT.parent / "shared/data", help="folder with logs/, heldout_tasks/, benchmarks/")
    arguments.add_argument("--work", type=Path, required=True, help="folder for the home and the configuration")
    arguments.add_argument("--model", type=Path, default=ROOT / "home/models/smollm2-135m-instruct", help="the origin (make models)")
    arguments.add_argument("--rows", type=int, default=64, help="rows of the task in every lesson (default 64)")
    arguments.add_argument("--items", type=int, default=60, help="items of each benchmark (default 60)")
    arguments.add_argument("--arms", nargs="*", choices=ARMS, default=ARMS)
    args = arguments.parse_args()
    home, config = args.work.resolve() / "home", args.work.resolve() / "config"
    configure(config, args.data.resolve(), args.rows, args.items)
    own = {"EQUIPOISE_HOME": str(home), "EQUIPOISE_CONFIG": str(config), "EQUIPOISE_MODEL": str(args.model.resolve())}
    environment = dict(os.environ) | own  # noqa: TID251 - a child's environment, not a setting
    settings = dataclasses.replace(machine.load(), home=home, config=config)
    logs = sorted((args.data / "logs").glob("intent_*.jsonl"))
    pairs = ""
    for log in logs:
        id = equipoise(environment, "ingest", str(log), "--day", log.stem.rsplit("_", 1)[1])["id"]
        pairs = equipoise(environment, "mine", id)["id"]
    whole = equipoise(environment, "mix", pairs)["id"]
    pools = logged(logs, _held(settings, lineage.manifest(settings, whole)["parents"]))
    arms, shares = {}, {}
    for arm in args.arms:
        mix = lesson(arm, whole, pools, settings)
        shares[arm] = right(settings, logs, mix)
        found = equipoise(environment, "evaluate", equipoise(environment, "train", mix)["id"])
        arms |= {"origin": found["references"]["origin"], arm: found["id"]}
    show(arms, shares, settings)


def _held(settings: Settings, parents: list[str]) -> set[str]:
    """Conversations that measure and do not teach."""
    import pyarrow.parquet as pq

    tables = [pq.read_table(lineage.folder(settings, p) / "heldout.parquet", columns=["conversation_id"]) for p in parents]
    return {row["conversation_id"] for table in tables for row in table.to_pylist()}


if __name__ == "__main__":
    main()
