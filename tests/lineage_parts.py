"""What the lineage world is filled with: items that flip as planned, people to write as JSON, and tables typed as the stages type them."""

import json
import math
from collections.abc import Callable
from datetime import date
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


class Rows:
    """Rows of the tables that stages seal; `text` sees every word that came from logs, models or configuration."""

    def __init__(self, day: date, text: Callable[[str], str]):
        self.day, self.text = day, text

    def common(self, i: int) -> dict[str, Any]:
        return {
            "example_id": self.text(f"x-{i:04}"),
            "task": self.text("person_json"),
            "source": self.text("edit"),
            "conversation_id": self.text(f"c-{i % 4}"),
            "message_ids": [f"m{i}"],
            "user_hash": f"{i % 4:064x}",
            "day": self.day,
            "weight": 1.0,
            "evidence": json.dumps({"event_id": f"f-{i}", "why": self.text("the user wrote their own version"), "similarity": 0.41}),
        }

    def sft(self, i: int) -> dict[str, Any]:
        return self.common(i) | {"messages": [*self.asked(i), message("assistant", self.text(answer(i)))]}

    def dpo(self, i: int) -> dict[str, Any]:
        worse = answer(i).replace('"age": ', '"age": "about ').replace(', "city"', '", "town"')
        sides = {"chosen": [message("assistant", self.text(answer(i)))], "rejected": [message("assistant", self.text(worse))]}
        return self.common(i) | {"prompt": self.asked(i)} | sides

    def asked(self, i: int) -> list[dict[str, Any]]:
        name, age, city = PEOPLE[i % 4]
        asked = f"Write the person as JSON with name, age and city. hi im {name}, {age} yrs, living in {city}"
        return [message("system", self.text("You turn text into JSON.")), message("user", self.text(asked))]

    def losses(self, dpo: bool, key: bool) -> Any:
        for step in range(48):
            wobble = 0.06 * math.sin(step * 1.7)
            yield self._loss(step, "main", "person_json", 0.22 + 1.9 * math.exp(-step / 9) + wobble)
            yield self._loss(step, "main", "general", 1.18 - 0.004 * step + 2 * wobble)
        for step in range(48, 60 if key else 48):
            yield self._loss(step, "key", "person_json", 0.2 + 0.03 * math.cos(step))
        for step in range(60, 72 if dpo else 60):
            yield self._loss(step, "dpo", "person_json", 0.693 - 0.012 * (step - 60))

    def _loss(self, step: int, phase: str, task: str, loss: float) -> dict[str, Any]:
        return {"step": step, "phase": phase, "task": self.text(task), "loss": loss, "tokens": 488, "lr": 5e-4}

    def items(self, ability: str, n: int, lost: int, gained: int, who: str, kind: str) -> Any:
        for i in range(n):
            value = flipped(n, lost, gained, i)[1 if who == "candidate" else 0]
            right, wrong = f"{i + 25}", f"{i + 24}" if who == "candidate" else f"{i + 52}"
            yield {
                "benchmark": self.text(f"equipoise_{ability}"),
                "ability": self.text(ability),
                "doc_hash": f"{ability}-{i}",
                "prompt_hash": f"p-{i}",
                "target_hash": f"t-{i}",
                "filter": "none",
                "metric": "acc",
                "value": value,
                "response": self.text(f"The answer is {right if value else wrong}."),
                "occurrence": 0,
                "cluster": None,
                "doc_id": i,
                "prompt": self.text(f"Question: A shop sells {i} apples on Monday and 25 on Tuesday. How many is that?\nAnswer:"),
                "target": self.text(right),
                "kind": kind,
            }


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
