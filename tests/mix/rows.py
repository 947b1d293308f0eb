"""Rows and sealed pairs for the tests of mix, small enough to be counted by hand."""

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import lineage
from pipeline.settings import Settings

DAY = date(2026, 11, 10)


def message(role: str, content: str) -> dict:
    return {"role": role, "content": content, "name": None, "tool_call_id": None, "tool_calls": None}


def common(id: str, **over: object) -> dict:
    row = {
        "example_id": id,
        "task": "intent",
        "source": "edit",
        "conversation_id": f"c-{id}",
        "message_ids": [f"m-{id}"],
        "user_hash": f"u-{id}",
    }
    return row | {"day": DAY, "weight": 1.0, "evidence": "{}", "pairs": "pairs-20261110-00000000"} | over


def sft(id: str, answer: str = "yes", prompt: str | None = None, **over: object) -> dict:
    return common(id, **over) | {"messages": [message("user", prompt or f"question {id}"), message("assistant", answer)]}


def dpo(id: str, chosen: str = "yes", rejected: str = "no", prompt: str | None = None, **over: object) -> dict:
    asked = [message("user", prompt or f"question {id}")]
    return common(id, **over) | {"prompt": asked, "chosen": [message("assistant", chosen)], "rejected": [message("assistant", rejected)]}


def kto(id: str, label: bool, completion: str = "maybe", **over: object) -> dict:
    return common(id, **over) | {
        "prompt": [message("user", f"question {id}")],
        "completion": [message("assistant", completion)],
        "label": label,
    }


def heldout(id: str, **over: object) -> dict:
    return common(id, **over) | {"messages": [message("user", f"question {id}")], "answer": "yes", "format": "free", "checker": "exact"}


def general(n: int) -> list[dict]:
    return [
        {"example_id": f"g{i}", "topic": f"t{i % 3}", "messages": [message("user", f"general {i}"), message("assistant", f"answer {i}")]}
        for i in range(n)
    ]


def pool(path: Path, n: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"messages": [{"role": m["role"], "content": m["content"]} for m in r["messages"]], "topic": r["topic"]} for r in general(n)]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


MESSAGES = pa.list_(pa.struct([(k, pa.string()) for k in ("role", "content", "name", "tool_call_id", "tool_calls")]))


def seal(settings: Settings, day: date, tables: dict[str, list[dict]], recipe: str = "daily", logs: str | None = None) -> str:
    """A pairs folder as `mine` seals it, by recipe `daily` or `hotfix`."""
    parents = [logs or f"logs-{day:%Y%m%d}-0a0a0a0a"]
    mined = {"name": recipe, "mining": {"only": "hotfix" if recipe == "hotfix" else None}}
    id = lineage.name("pairs", day, json.dumps(tables, default=str), parents, recipe)
    with lineage.making(settings, id, parents=parents, recipe=mined) as work:
        if work is not None:
            for name in ("sft", "dpo", "kto", "heldout"):
                rows = [{k: v for k, v in r.items() if k != "pairs"} for r in tables.get(name, [])]
                pq.write_table(_table(rows), work.folder / f"{name}.parquet")
    return id


def _table(rows: list[dict]) -> pa.Table:
    types = {"message_ids": pa.list_(pa.string()), "day": pa.date32(), "weight": pa.float64(), "label": pa.bool_()}
    types |= dict.fromkeys(("messages", "prompt", "chosen", "rejected", "completion"), MESSAGES)
    names = list(rows[0]) if rows else ["example_id"]
    return pa.Table.from_pylist(rows, schema=pa.schema([(n, types.get(n, pa.string())) for n in names]))
