"""Small sealed mixes for the tests of training: two tasks whose right answers a tiny model can learn in seconds."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from pipeline import lineage, recipe
from pipeline.settings import Settings

DAY = date(2026, 11, 20)
TEXT = [(n, pa.string()) for n in ("role", "content", "name", "tool_call_id", "tool_calls")]
MESSAGES = pa.list_(pa.struct([pa.field(n, t) for n, t in TEXT]))
CITIES = ["London", "Tokyo", "Paris", "Rome", "Oslo", "Cairo", "Lima", "Bern", "Kyiv", "Riga", "Doha", "Baku"]
VALUES = {
    "method": "sft",
    "lora_rank": 4,
    "lora_alpha": 8,
    "lora_dropout": 0.1,
    "learning_rate": 5e-3,
    "key_learning_rate": 2e-3,
    "dpo_learning_rate": 2e-3,
    "epochs": 2,
    "batch_size": 4,
    "gradient_accumulation": 1,
    "max_length": 256,
    "save_steps": 2,
}


def turn(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content, "name": None, "tool_call_id": None, "tool_calls": None}


def sft(task: str, number: int, phase: str = "main") -> dict[str, Any]:
    city = CITIES[number % len(CITIES)]
    answer = {"person": f'{{"city": "{city}"}}', "intent": "get_weather"}[task]
    words = [turn("user", f"{task} {number}: I live in {city}."), turn("assistant", answer)]
    return common(task, number) | {"messages": words, "phase": phase, "pass": 1, "repeat": 0, "part": "domain"}


def common(task: str, number: int) -> dict[str, Any]:
    return {"example_id": f"{task}-{number}", "task": task, "conversation_id": f"c-{task}-{number}", "source": "edit", "day": DAY}


def dpo(task: str, number: int) -> dict[str, Any]:
    city = CITIES[number % len(CITIES)]
    chosen, rejected = [turn("assistant", f'{{"city": "{city}"}}')], [turn("assistant", f"You live in {city}, I think.")]
    return common(task, number) | {"prompt": [turn("user", f"{task} {number}: I live in {city}.")], "chosen": chosen, "rejected": rejected}


def kto(task: str, number: int) -> dict[str, Any]:
    pair = dpo(task, number)
    good = number % 2 == 0
    return common(task, number) | {"prompt": pair["prompt"], "completion": pair["chosen" if good else "rejected"], "label": good}


def write(folder: Path, kind: str, rows: list[dict[str, Any]]) -> None:
    """A Parquet file in the mix's shape: the columns that training reads."""
    if rows:
        types = {
            "day": pa.date32(),
            "weight": pa.float64(),
            "smoothing": pa.float64(),
            "pass": pa.int32(),
            "repeat": pa.int32(),
            "label": pa.bool_(),
        }
        types |= dict.fromkeys(("messages", "prompt", "chosen", "rejected", "completion"), MESSAGES)
        schema = pa.schema([pa.field(c, types.get(c, pa.string())) for c in rows[0]])
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{kind}.parquet")


def mix(settings: Settings, training: recipe.Training | None = None, *, rows: dict[str, list[dict]] | None = None, **values: Any) -> str:
    """Seal a mix of `rows` (default: 12 rows of each task and a key pass of 4) whose plan holds VALUES changed by `values`."""
    lesson = recipe.Recipe(training=training or recipe.Training())
    rows = rows or {"sft": standard()}
    id = lineage.name("mix", DAY, recipe.digest(lesson), recipe.digest(values), [[k, len(v)] for k, v in sorted(rows.items())])
    with lineage.making(settings, id, parents=[], recipe=lesson.model_dump(mode="json")) as work:
        if work is not None:
            for kind, group in rows.items():
                write(work.folder, kind, group)
            plan = {n: {"value": v, "why": "the test says so"} for n, v in (VALUES | values).items()}
            (work.folder / "plan.yaml").write_text(yaml.safe_dump({"method": plan["method"]["value"], "values": plan}), encoding="utf-8")
    return id


def standard() -> list[dict[str, Any]]:
    both = [sft(task, n) for n in range(12) for task in ("person", "intent")]
    return both + [sft("person", n, "key") for n in range(4)]
