"""The intent logs day by day through the whole pipeline, real model and real benchmark items: `python -m evals.intent_days`.

Needs the logs, the held-out items and the benchmarks of a data folder (`--data`), none of which is shipped. Every day is one
`equipoise day`; a day that was finished is not run again, so a killed run goes on where it stopped.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from pipeline.progress import say

ROOT = Path(__file__).parent.parent
RECIPE = {
    "name": "intent",
    "about": "one lesson a day from the intent logs, small enough for two cores",
    "tasks": ["intent"],
    "mixing": {"ratio": 1},
    "training": {
        "method": "sft",
        "lora_rank": 16,
        "lora_alpha": 32,
        "lora_dropout": 0,
        "learning_rate": 5.0e-4,
        "epochs": 1,
        "batch_size": 8,
        "max_length": 256,
    },
    "evaluation": {"suites": ["real_items"], "batch_size": 32, "max_heldout": 120, "max_new_tokens": 12},
    "gate": {"margin": 0.12, "pooled_margin": 0.05, "origin_margin": 0.12, "origin_pooled_margin": 0.05, "may_hold": True},
}


def configure(folder: Path, data: Path, cap: int, items: int) -> None:
    """Recipe, task card, suite and held-out items of the run, as a user would lay them over the shipped ones."""
    card = yaml.safe_load((ROOT / "pipeline/tasks/intent.yaml").read_text(encoding="utf-8")) | {"cap": cap}
    suite = yaml.safe_load((ROOT / "evals/suites/real.yaml").read_text(encoding="utf-8"))
    suite |= {"name": "real_items", "include": str(ROOT / "evals/real"), "data_dir": str(data / "benchmarks"), "items": items}
    for ability in suite["abilities"].values():
        ability["n"] = items * len(ability["tasks"])
    for place, found in (("recipes/intent", RECIPE), ("tasks/intent", card), ("suites/real_items", suite)):
        path = folder / f"{place}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(found, sort_keys=False), encoding="utf-8")
    (folder / "heldout").mkdir(exist_ok=True)
    shutil.copyfile(data / "heldout_tasks/intent.jsonl", folder / "heldout/intent.jsonl")


def day(log: Path, home: Path, environment: dict[str, str]) -> dict[str, Any]:
    """One `equipoise day`, its answer kept beside the home."""
    kept = home.parent / f"{log.stem}.json"
    if not kept.exists():
        name = log.stem.rsplit("_", 1)[1]
        command = [sys.executable, "-m", "pipeline", "day", name, str(log), "--recipe", "intent", "--json"]
        done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        kept.write_text(done.stdout, encoding="utf-8")
    return json.loads(kept.read_text(encoding="utf-8"))


def scored(home: Path, id: str) -> dict[str, float]:
    """Share of right answers by benchmark and held-out task, from the sealed scores."""
    import pyarrow.parquet as pq

    sums: dict[str, list[float]] = {}
    for row in pq.read_table(home / "scores" / id / "items.parquet", columns=["ability", "metric", "value"]).to_pylist():
        if row["metric"] in ("acc", "correct"):
            sums.setdefault(row["ability"], []).append(row["value"])
    return {name: sum(values) / len(values) for name, values in sums.items()}


def show(days: list[dict[str, Any]], home: Path) -> None:
    """The table: before is the champion of that day, after the day's candidate."""
    for made in days:
        print(f"\n{made['day']}: {made['ended']}; seconds {made['seconds']}")
        if "gate" not in made:
            continue
        verdict = json.loads((home / "verdict" / made["gate"] / "verdict.json").read_text(encoding="utf-8"))
        counts = json.loads((home / "mix" / made["mix"] / "counts.json").read_text(encoding="utf-8"))
        print(f"  {verdict['verdict']}; the lesson: {counts['ratio']['domain']} rows of the task")
        before, after = (scored(home, verdict["scores"][side]) for side in ("champion", "candidate"))
        for name, found in {**verdict["targets"], **verdict["abilities"]}.items():
            words = f"{found['lost']} lost, {found['gained']} gained of {found['n']}, {found['decision']}"
            print(f"  {name:14} {before.get(name, float('nan')):.3f} -> {after.get(name, float('nan')):.3f}  {words}")
        print("\n".join(f"  {reason}" for reason in verdict["reasons"]))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared/data", help="folder with logs/, heldout_tasks/ and benchmarks/"
    )
    arguments.add_argument("--work", type=Path, required=True, help="folder for the home, the configuration and the answers")
    arguments.add_argument("--model", type=Path, default=ROOT / "home/models/smollm2-135m-instruct", help="the origin (make models)")
    arguments.add_argument("--cap", type=int, default=64, help="most rows of the task in a lesson (default 64)")
    arguments.add_argument("--items", type=int, default=100, help="items of each benchmark (default 100)")
    args = arguments.parse_args()
    home, config = args.work.resolve() / "home", args.work.resolve() / "config"
    configure(config, args.data.resolve(), args.cap, args.items)
    environment = dict(os.environ)  # noqa: TID251 - a child's environment, not a setting
    environment |= {"EQUIPOISE_HOME": str(home), "EQUIPOISE_CONFIG": str(config), "EQUIPOISE_MODEL": str(args.model.resolve())}
    days = []
    for log in sorted((args.data / "logs").glob("intent_*.jsonl")):
        say(f"== {log.name}")
        days.append(day(log, home, environment))
    show(days, home)


if __name__ == "__main__":
    main()
