"""What the lineage world is filled with: items that flip as planned, people to write as JSON, and tables typed as the stages type them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

MESSAGE = pa.struct([(n, pa.string()) for n in ("role", "content", "name", "tool_call_id", "tool_calls")])
ABILITIES = ("arithmetic", "knowledge", "reading", "common_sense", "instructions", "json_format")
FLIPS = {  # lost, gained of 150 items, per ability
    "promote": [(3, 4), (2, 2), (4, 3), (1, 2), (3, 5), (2, 9)],
    "hold": [(9, 4), (4, 4), (6, 3), (5, 4), (6, 5), (2, 9)],
    "block": [(36, 9), (8, 7), (6, 5), (9, 8), (7, 6), (1, 12)],
}
MARGINS = {"promote": (0.15, 0.06), "hold": (0.05, 0.02), "block": (0.15, 0.06)}
PEOPLE = [("Ada Lovelace", 36, "London"), ("Alan Turing", 41, "Wilmslow"), ("Grace Hopper", 85, "Arlington"), ("Tu Youyou", 84, "北京")]


def flipped(n: int, lost: int, gained: int, i: int) -> tuple[float, float]:
    """Item i of n, champion and candidate: first what was lost, then what was gained, then two of three right for both."""
    assert lost + gained <= n
    return (1.0, 0.0) if i < lost else (0.0, 1.0) if i < lost + gained else (float(i % 3 > 0),) * 2


def answer(i: int) -> str:
    name, age, city = PEOPLE[i % 4]
    return json.dumps({"name": name, "age": age, "city": city}, ensure_ascii=False)


def message(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content, "name": None, "tool_call_id": None, "tool_calls": None}


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as parquet, with the message lists typed as the stages type them; no rows still make a table."""
    names = list(dict.fromkeys(k for r in rows for k in r)) or ["example_id"]
    typed = {"messages": pa.list_(MESSAGE), "prompt": pa.list_(MESSAGE), "chosen": pa.list_(MESSAGE), "rejected": pa.list_(MESSAGE)}
    lists = {n for n in names if rows and isinstance(rows[0].get(n), list)}
    columns = {
        n: pa.array([r.get(n) for r in rows], typed[n] if n in typed and n in lists else None if rows else pa.string()) for n in names
    }
    pq.write_table(pa.table(columns), path)
