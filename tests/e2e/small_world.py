"""A small lesson for the end-to-end tests: the demo's task, a log without a served model, and a suite of a few items."""

import json
import random
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import yaml

from pipeline.demo.run import CONFIG
from pipeline.demo.users import Turn, line
from pipeline.demo.world import wishes

ROOT = Path(__file__).parent.parent.parent
DAY = date(2026, 11, 16)
TURNS = 32  # about twenty rows to learn from: a lesson of a minute
ITEMS = 8  # per benchmark: enough to run every road of the gate, far too few to prove anything


def config(folder: Path, items: int = ITEMS, **asked: int) -> Path:
    """The demo's cards, the lessons `daily` and `hotfix` cut to minutes, and the starter suite cut to a few items; `asked` changes how."""
    shutil.copytree(CONFIG, folder)
    shutil.copytree(ROOT / "evals" / "starter", folder / "starter")
    suite = yaml.safe_load((ROOT / "evals" / "suites" / "starter.yaml").read_text(encoding="utf-8"))
    kept = {name: suite["abilities"][name] | {"n": items} for name in ("knowledge", "reading", "json_format")}
    (folder / "suites").mkdir()
    write(folder / "suites" / "small.yaml", suite | {"name": "small", "items": items, "abilities": kept})
    evaluation = {"suites": ["small"], "batch_size": 16, "max_heldout": 12, "max_new_tokens": 40} | asked
    gate = {"margin": 0.6, "pooled_margin": 0.5, "origin_margin": 0.6, "origin_pooled_margin": 0.5, "may_hold": True}
    training = {"method": "sft", "learning_rate": 5.0e-4, "batch_size": 8, "max_length": 192, "lora_rank": 8, "epochs": 1, "save_steps": 2}
    daily = {
        "name": "daily",
        "tasks": ["person_json"],
        "mixing": {"ratio": 1},
        "training": training,
        "evaluation": evaluation,
        "gate": gate,
        "approval": "on_hold",
    }
    hotfix = daily | {
        "name": "hotfix",
        "mining": {"only": "hotfix", "heldout_share": 0.0},
        "mixing": {"ratio": 1, "replay_rows": 8},
        "training": training | {"start": "champion", "epochs": 2, "min_rows": 1},
        "approval": "always",
    }
    for lesson in (daily, hotfix):
        write(folder / "recipes" / f"{lesson['name']}.yaml", lesson)
    return folder


def write(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")


def log(folder: Path, day: date = DAY) -> Path:
    """One day of simulated users who got a wrong answer to everything."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(str(day))
    start = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    rows = []
    for n, wish in enumerate(wishes("person_json", TURNS, day.toordinal())):
        rows.append(
            line(
                Turn(f"{day:%d}-user-{n // 2}", wish, "Sure! Here is the JSON you asked for."),
                n,
                start + timedelta(minutes=n),
                "origin",
                rng,
            )[0]
        )
    path = folder / f"demo_{day}.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def hotfix_file(folder: Path, name: str, seed: int) -> str:
    """Five examples in the hotfix folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "task": "person_json",
            "messages": [{"role": "system", "content": w.system}, {"role": "user", "content": w.prompt}],
            "answer": w.gold,
            "rejected": "I cannot do that.",
        }
        for w in wishes("person_json", 5, seed)
    ]
    (folder / name).write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return name
