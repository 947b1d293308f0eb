"""ShareGPT files: {"id", "conversations": [{"from", "value"}]}; long conversations are cut into windows whose ids end in _0, _1, …"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pipeline.ingest.derive import derived_id
from pipeline.ingest.formats import turns
from pipeline.ingest.formats.base import Format, Out, Reading, Record, made, named, refused
from pipeline.ingest.quarantine import Refused

WINDOW = re.compile(r"(.+)_(\d{1,6})", re.DOTALL)


def claims(record: dict[str, Any]) -> bool:
    listed = record.get("conversations")
    return isinstance(listed, list) and all(isinstance(m, dict) and "from" in m and "value" in m for m in listed[:3])


def convert(records: Iterator[Record], reading: Reading) -> Iterator[Out]:
    """Windows of one conversation are joined in order; they are gathered until the last record is read."""
    windows: dict[str, dict[int, tuple[Record, list[dict[str, Any]]]]] = {}
    for record in records:
        try:
            id, at, messages = _window(record.body)
        except Refused as problem:
            yield refused(record, problem)
            continue
        known = windows.setdefault(id, {}).setdefault(at, (record.place(), messages))
        if known[1] != messages:
            yield refused(record, Refused("another window of this id and number"))
    for id, parts in windows.items():
        ordered = [parts[at] for at in sorted(parts)]
        place = next((r for r, _ in ordered if r.file.sha not in reading.seen), ordered[0][0])
        yield made(place, {"conversation_id": id, "messages": [m for _, messages in ordered for m in messages], "feedback": []})


def _window(record: dict[str, Any]) -> tuple[str, int, list[dict[str, Any]]]:
    listed = record.get("conversations")
    if not isinstance(listed, list):
        raise Refused("missing key: conversations" if listed is None else "wrong type: conversations")
    messages = turns.pairs(listed, "from", "value", Counter())
    id = named(record.get("id"), "id") or derived_id("sharegpt", messages)
    parts = WINDOW.fullmatch(id)
    return (parts.group(1), int(parts.group(2)), messages) if parts else (id, 0, messages)


FORMAT = Format(
    name="sharegpt",
    reads="ShareGPT files (a JSON array or JSONL)",
    carries=("messages", "windows of one conversation, joined"),
    cannot=("any feedback: the next user turn is the only signal", "user", "model", "times", "ids of messages", "locale", "app", "consent"),
    claims=claims,
    convert=convert,
    gathers=True,
)
