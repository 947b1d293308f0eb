"""WildChat rows: one conversation with a chatbot's users each, as published on the hub."""

from collections import Counter
from typing import Any

from pipeline.ingest.formats import turns
from pipeline.ingest.formats.base import Format, Reading, each, named, words
from pipeline.ingest.formats.languages import code
from pipeline.ingest.formats.times import moment
from pipeline.ingest.quarantine import Refused


def claims(record: dict[str, Any]) -> bool:
    return "conversation_hash" in record and "conversation" in record


def read(record: dict[str, Any], reading: Reading) -> dict[str, Any]:
    dropped: Counter[str] = Counter()
    listed = record.get("conversation")
    if not isinstance(listed, list):
        raise Refused("missing key: conversation" if listed is None else "wrong type: conversation")
    messages = []
    for one in listed:
        for message in turns.message(one, dropped):
            when = moment(one.get("timestamp"), "timestamp")
            messages.append(message | ({"created_at": when} if when else {}))
    user = named(record.get("hashed_ip"), "hashed_ip") or next(
        (found for m in listed if (found := named(m.get("hashed_ip"), "hashed_ip"))), None
    )
    flags = {k: record[k] for k in ("redacted", "toxic") if isinstance(record.get(k), bool)}
    return {
        "conversation_id": named(record.get("conversation_hash"), "conversation_hash"),
        "user_id": user,
        "model": words(record.get("model"), "model"),
        "locale": code(record.get("language")),
        "metadata": flags or None,
        "messages": messages,
        "feedback": [],
    }


FORMAT = Format(
    name="wildchat",
    reads="rows of WildChat (JSONL or Parquet)",
    carries=("messages", "user (the hashed address, hashed again)", "model", "locale", "times of the answers"),
    cannot=("any feedback: the next user turn is the only signal", "ids of messages", "app", "consent", "tool calls"),
    claims=claims,
    convert=each(read),
)
