"""Rows on their way into the lake, as Arrow tables whose columns are those of sql/schema/001_ingest.sql."""

from collections.abc import Iterable, Sequence
from typing import Any

COLUMNS: dict[str, dict[str, str]] = {
    "conversations": {
        "day": "date",
        "conversation_id": "text",
        "user_hash": "text",
        "app": "text",
        "model": "text",
        "locale": "text",
        "started_at": "time",
        "consent": "boolean",
        "metadata": "text",
        "digest": "text",
        "file_sha": "text",
        "line": "bigint",
        "flags": "texts",
        "arrived": "bigint",
    },
    "messages": {
        "day": "date",
        "conversation_id": "text",
        "message_id": "text",
        "parent_id": "text",
        "position": "integer",
        "role": "text",
        "content": "text",
        "parts": "text",
        "tool_calls": "text",
        "tool_call_id": "text",
        "name": "text",
        "model": "text",
        "created_at": "time",
        "flags": "texts",
        "digest": "text",
    },
    "feedback": {
        "day": "date",
        "conversation_id": "text",
        "event_id": "text",
        "message_id": "text",
        "user_hash": "text",
        "kind": "text",
        "value": "text",
        "max": "double",
        "text": "text",
        "reasons": "texts",
        "over": "texts",
        "span": "integers",
        "source": "text",
        "derived": "boolean",
        "created_at": "time",
        "arrived": "bigint",
        "current": "boolean",
        "digest": "text",
        "flags": "texts",
    },
    "quarantine": {
        "day": "date",
        "file_sha": "text",
        "file_name": "text",
        "line": "bigint",
        "byte": "bigint",
        "what": "text",
        "event_id": "text",
        "reason": "text",
        "text": "text",
        "conversation_id": "text",
        "user_hash": "text",
        "arrived": "bigint",
    },
    "asked": {"conversation_id": "text"},
    "superseded": {"conversation_id": "text", "event_id": "text"},
}
CURRENT = list(COLUMNS["feedback"]).index("current")


def table(name: str, rows: Iterable[Sequence[Any]]) -> Any:
    """A pyarrow Table of rows given in the order of COLUMNS[name]."""
    import pyarrow as pa

    columns = COLUMNS[name]
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pa.table([pa.array(v, _type(t)) for v, t in zip(values, columns.values(), strict=True)], names=list(columns))


def arrow(name: str, columns: dict[str, Any]) -> Any:
    """A pyarrow Table of Arrow columns; those of COLUMNS[name] that are not given are null."""
    import pyarrow as pa

    length = len(next(iter(columns.values())))
    given = {n: columns[n] if n in columns else pa.nulls(length, _type(t)) for n, t in COLUMNS[name].items()}
    return pa.table(given)


def _type(name: str) -> Any:
    import pyarrow as pa

    return {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "integers": pa.list_(pa.int32()),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "time": pa.timestamp("us", tz="UTC"),
    }[name]
