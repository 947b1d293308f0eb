"""The shapes of pairs-…'s Parquet files. Their order is that of the example ids, so equal rows make equal bytes."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from pipeline.mine.candidates import Candidate
from pipeline.mine.marks import Drop, Mark

COMMON = ("example_id", "task", "source", "conversation_id", "message_ids", "user_hash", "day", "weight", "evidence")
CONTENT = {
    "sft": ("messages",),
    "dpo": ("prompt", "chosen", "rejected"),
    "kto": ("prompt", "completion", "label"),
    "heldout": ("messages", "answer", "format", "checker"),
    "dropped": ("reason", "kind", "text"),
}
SNIPPET = 200  # characters of a dropped text: enough to recognise it by

Row = dict[str, Any]


@cache
def schema(kind: str) -> Any:
    import pyarrow as pa

    texts = [pa.field(name, pa.string()) for name in ("role", "content", "name", "tool_call_id", "tool_calls")]
    messages = pa.list_(pa.struct(texts))
    types = {"message_ids": pa.list_(pa.string()), "day": pa.date32(), "weight": pa.float64(), "label": pa.bool_()} | dict.fromkeys(
        ("messages", "prompt", "chosen", "rejected", "completion"), messages
    )
    return pa.schema([pa.field(c, types.get(c, pa.string())) for c in (*COMMON, *CONTENT[kind])])


def table(kind: str, rows: Iterable[Row]) -> Any:
    import pyarrow as pa

    ordered = sorted(rows, key=lambda r: (r["task"], r["example_id"], r.get("kind", ""), r.get("reason", ""), r.get("text") or ""))
    return pa.Table.from_pylist([{name: row.get(name) for name in schema(kind).names} for row in ordered], schema=schema(kind))


def taught(c: Candidate) -> Row:
    """A candidate as a row of its kind."""
    if c.kind == "sft":
        return c.row() | {"messages": [*c.prompt, c.answer]}
    if c.kind == "dpo":
        return c.row() | {"prompt": c.prompt, "chosen": [c.answer], "rejected": [c.rejected]}
    return c.row() | {"prompt": c.prompt, "completion": [c.answer], "label": c.label}


def asked(c: Candidate) -> Row:
    """A candidate as a held-out item."""
    assert c.mark.card is not None
    return c.row() | {
        "messages": c.prompt,
        "answer": c.answer["content"],
        "format": c.mark.card.answer.format,
        "checker": c.mark.card.checker,
    }


def refused(d: Drop) -> Row:
    """What was left out, with its reason and the beginning of its text."""
    if isinstance(d.of, Candidate):
        row = d.of.row()
        proof = (
            json.dumps(json.loads(row["evidence"]) | {"like": d.like}, ensure_ascii=False, sort_keys=True) if d.like else row["evidence"]
        )
        return row | {"evidence": proof, "reason": d.reason, "kind": d.kind, "text": (d.of.answer["content"] or "")[:SNIPPET]}
    s = d.of.signal if isinstance(d.of, Mark) else d.of
    return {
        "example_id": f"signal:{s.event_id}",
        "task": d.of.task if isinstance(d.of, Mark) else "other",
        "source": s.kind,
        "conversation_id": s.conversation_id,
        "message_ids": [m for m in (s.message_id, *s.over) if m],
        "user_hash": s.user_hash,
        "day": s.day,
        "weight": 0.0,
        "evidence": json.dumps({"events": [s.event_id]}, ensure_ascii=False),
        "reason": d.reason,
        "kind": d.kind,
        "text": (s.text or s.value or "")[:SNIPPET],
    }


def index(candidates: Iterable[Candidate]) -> Any:
    """Rows as the checks see them: who asked, who spoke, about what."""
    import pyarrow as pa

    names = ("example_id", "kind", "task", "source", "conversation_id", "unit", "voice", "prompt")
    rows = [
        (c.example_id, c.kind, c.task, c.source, c.talk.conversation_id, c.talk.unit, c.speaker.voice, c.context.asked[-1])
        for c in candidates
    ]
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=pa.schema([(n, pa.string()) for n in names]))


def outcomes(found: dict[tuple[str, str], list[str]]) -> Any:
    import pyarrow as pa

    shape = pa.schema([("conversation_id", pa.string()), ("event_id", pa.string()), ("outcome", pa.list_(pa.string()))])
    return pa.Table.from_pylist([{"conversation_id": c, "event_id": e, "outcome": o} for (c, e), o in found.items()], schema=shape)
