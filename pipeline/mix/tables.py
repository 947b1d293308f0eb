"""The shapes of a mix's Parquet files: TRL's conversational columns, and beside them where each row comes from."""

import json
from functools import cache
from typing import Any

Row = dict[str, Any]
COMMON = ("example_id", "task", "source", "conversation_id", "message_ids", "user_hash", "day", "weight", "evidence")
CONTENT = {"sft": ("messages",), "dpo": ("prompt", "chosen", "rejected", "smoothing"), "kto": ("prompt", "completion", "label")}
PLACE = ("phase", "pass", "repeat", "part", "pairs", "tokens", "answer_tokens")


@cache
def schema(kind: str) -> Any:
    """The Arrow schema of sft, dpo, kto or dropped."""
    import pyarrow as pa

    texts = [(name, pa.string()) for name in ("role", "content", "name", "tool_call_id", "tool_calls")]
    messages = pa.list_(pa.struct([pa.field(name, kind) for name, kind in texts]))
    types = {
        "message_ids": pa.list_(pa.string()),
        "day": pa.date32(),
        "weight": pa.float64(),
        "smoothing": pa.float64(),
        "label": pa.bool_(),
        "pass": pa.int32(),
        "repeat": pa.int32(),
        "tokens": pa.int64(),
        "answer_tokens": pa.int64(),
    } | dict.fromkeys(("messages", "prompt", "chosen", "rejected", "completion"), messages)
    columns = ("kind", "reason", *COMMON) if kind == "dropped" else (*COMMON, *CONTENT[kind], *PLACE)
    return pa.schema([pa.field(c, types.get(c, pa.string())) for c in columns])


def table(kind: str, rows: list[Row]) -> Any:
    """Rows as an Arrow table of that kind; tool calls go in as JSON text."""
    import pyarrow as pa

    shape = schema(kind)
    plain = [{name: _stored(row.get(name)) for name in shape.names} for row in rows]
    return pa.Table.from_pylist(plain, schema=shape)


def _stored(value: Any) -> Any:
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return value
    return [
        m | {"tool_calls": json.dumps(m["tool_calls"], ensure_ascii=False)} if isinstance(m.get("tool_calls"), list) else m for m in value
    ]
