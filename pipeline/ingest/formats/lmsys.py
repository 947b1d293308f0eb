"""LMSYS-Chat rows: one conversation each, as published on the hub."""

from collections import Counter
from typing import Any

from pipeline.ingest.formats import turns
from pipeline.ingest.formats.base import Format, Reading, each, named, words
from pipeline.ingest.formats.languages import code


def claims(record: dict[str, Any]) -> bool:
    return "conversation_id" in record and "conversation" in record and "messages" not in record


def read(record: dict[str, Any], reading: Reading) -> dict[str, Any]:
    return {
        "conversation_id": named(record.get("conversation_id"), "conversation_id"),
        "model": words(record.get("model"), "model"),
        "locale": code(record.get("language")),
        "metadata": {"redacted": record["redacted"]} if isinstance(record.get("redacted"), bool) else None,
        "messages": turns.messages(record.get("conversation"), Counter(), "conversation"),
        "feedback": [],
    }


FORMAT = Format(
    name="lmsys",
    reads="rows of LMSYS-Chat-1M (JSONL or Parquet)",
    carries=("messages", "model", "locale"),
    cannot=("any feedback: the next user turn is the only signal", "user", "times", "ids of messages", "app", "consent", "tool calls"),
    claims=claims,
    convert=each(read),
    aliases=("lmsys_chat", "lmsys_chat_1m"),
)
