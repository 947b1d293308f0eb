"""General to domain: how many passes the general replay pool gives beside the task rows, spread over its topics."""

import json
from dataclasses import dataclass
from typing import Any

from pipeline import chat
from pipeline.errors import BadRecipe
from pipeline.mix.replay import lot

Row = dict[str, Any]


@dataclass(frozen=True)
class Share:
    """What was wanted of the pool and what it could give, in row passes."""

    wanted: int
    given: int
    pool: int
    most: int
    """Passes of the row that is repeated most."""

    @property
    def shortfall(self) -> int:
        return self.wanted - self.given


def passes(ratio: float, domain: int) -> int:
    """General row passes that stand beside `domain` row passes; half a row is rounded up."""
    return int(ratio * domain + 0.5)


def parse(text: str, where: object) -> list[Row]:
    """The general pool as rows. A line that is no row of a chat stops the stage: a pool is written once and trusted for long."""
    rows: dict[str, Row] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            messages = found["messages"]
            good = (
                messages[-1]["role"] == "assistant"
                and len(messages) > 1
                and all(isinstance(m["content"], str) and m["content"] for m in messages)
            )
        except (ValueError, KeyError, TypeError, IndexError):
            good = False
        if not good:
            raise BadRecipe(
                f'{where} line {number} is no chat row: write {{"messages": [{{"role": "user", …}}, {{"role": "assistant", …}}]}}, or remove it'
            )
        key = chat.key(messages)
        rows.setdefault(key, {"example_id": f"general-{key[:16]}", "messages": messages, "topic": str(found.get("topic") or "")})
    return list(rows.values())


def spread(pool: list[Row], seed: int) -> list[Row]:
    """The pool in an order whose every beginning holds all topics in their proportions."""
    topics: dict[str, list[Row]] = {}
    for row in sorted(pool, key=lambda r: lot(seed, "general", r["example_id"])):
        topics.setdefault(row["topic"], []).append(row)
    placed = [
        ((n + 0.5) / len(group), lot(seed, "topic", row["example_id"]), row) for group in topics.values() for n, row in enumerate(group)
    ]
    return [row for *_, row in sorted(placed, key=lambda p: p[:2])]


def general(pool: list[Row], wanted: int, repeats: int, seed: int) -> tuple[list[tuple[Row, int]], Share]:
    """(row, repeat) for every pass: all rows n times before any is taken n + 1 times, none more than `repeats` times."""
    order = spread(pool, seed)
    given = min(wanted, len(order) * repeats)
    taken = [(order[i % len(order)], i // len(order)) for i in range(given)]
    return taken, Share(wanted=wanted, given=given, pool=len(order), most=taken[-1][1] + 1 if taken else 0)
