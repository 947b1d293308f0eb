"""The rows that a lesson taught, as question and answer: what the lost items are held against."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
KINDS = ("sft", "dpo", "kto")


@dataclass(frozen=True)
class Taught:
    """One row of the mix, however often it is passed."""

    example_id: str
    task: str
    kind: str
    asked: str
    """The user's last turn."""
    answer: str


def of(tables: Mapping[str, Iterable[Row]]) -> list[Taught]:
    """Distinct rows of a mix's tables, in their order. What a vote refused was not taught."""
    found: dict[tuple[str, str], Taught] = {}
    for kind in KINDS:
        for row in tables.get(kind) or ():
            if kind == "kto" and not row.get("label"):
                continue
            prompt, answer = turns(row, kind)
            asked = [text(m) for m in prompt if m.get("role") == "user"]
            id = str(row["example_id"])
            found.setdefault((kind, id), Taught(id, row["task"], kind, asked[-1] if asked else "", "\n".join(map(text, answer))))
    return list(found.values())


def counted(rows: list[Taught]) -> str:
    tasks = len({row.task for row in rows})
    return f"{len(rows)} rows of {tasks} {'task' if tasks == 1 else 'tasks'}"


def turns(row: Row, kind: str) -> tuple[list[Row], list[Row]]:
    """(what is read, what is learnt) of a row."""
    if kind == "sft":
        return list(row["messages"][:-1]), list(row["messages"][-1:])
    return list(row["prompt"]), list(row["chosen" if kind == "dpo" else "completion"])


def bare(text: str) -> str:
    """An answer as it is recognised: signs around it, case and spaces make no other answer."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def text(message: Row) -> str:
    said = message.get("content") or message.get("tool_calls") or ""
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
