"""TensorZero: rows of its ClickHouse tables, inferences and the four kinds of feedback."""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.ingest.formats import turns
from pipeline.ingest.formats.base import Format, Reading, Skipped, decoded, mapping, named, number, words
from pipeline.ingest.formats.calls import Call, Part, Word, gathered, spoken
from pipeline.ingest.formats.times import moment
from pipeline.ingest.quarantine import Refused


def claims(record: dict[str, Any]) -> bool:
    inference = "episode_id" in record and "function_name" in record and "variant_name" in record
    metric = "target_id" in record and "metric_name" in record and "value" in record
    comment = "target_id" in record and "target_type" in record and "value" in record
    demonstration = "inference_id" in record and "value" in record and "id" in record
    return inference or metric or comment or demonstration


def read(record: dict[str, Any], reading: Reading) -> Iterable[Part]:
    if "episode_id" in record:
        return _inference(record)
    if "value" in record and ("target_id" in record or "inference_id" in record):
        return _feedback(record, reading)
    raise Refused("no tensorzero inference or feedback")


def _inference(record: dict[str, Any]) -> Iterator[Part]:
    id, episode = named(record.get("id"), "id"), named(record.get("episode_id"), "episode_id")
    if id is None or episode is None:
        raise Refused("missing key: id" if id is None else "missing key: episode_id")
    dropped: Counter[str] = Counter()
    asked = mapping(decoded(record.get("input"), "input"), "input")
    if "messages" not in asked:
        raise Refused("missing key: messages") if asked else Skipped("inference without content")
    system = asked.get("system")
    heard = [{"role": "system", "content": system if isinstance(system, str) else turns.as_json(system)}] if system else []
    heard += turns.messages(asked["messages"], dropped, "input.messages")
    output = decoded(record.get("output"), "output")
    if isinstance(output, dict):  # a JSON function: the answer as it was written, and as it was parsed
        output = words(output.get("raw"), "raw") or turns.as_json(output.get("parsed"))
    if not output:
        raise Skipped("inference without content")
    yield Call(
        id=id,
        conversation=episode,
        heard=heard,
        said=[turns.answer(output, dropped)],
        trace=episode,
        began=_made(id) or moment(record.get("timestamp"), "timestamp"),
        user=named(mapping(record.get("tags"), "tags").get("user_id"), "user_id"),
        model=words(record.get("variant_name"), "variant_name"),
        app=words(record.get("function_name"), "function_name"),
        dropped=dropped,
    )


def _made(id: str) -> str | None:
    """The milliseconds that a UUIDv7 begins with."""
    try:
        found = uuid.UUID(id)
    except ValueError:
        return None
    return moment(found.int >> 80, "id") if found.version == 7 else None


def _feedback(record: dict[str, Any], reading: Reading) -> Iterator[Part]:
    target = named(record.get("target_id"), "target_id") or named(record.get("inference_id"), "inference_id")
    if target is None:
        raise Refused("missing key: target_id")
    id, tags = named(record.get("id"), "id"), mapping(record.get("tags"), "tags")
    event = spoken(
        event_id=id,
        user_id=named(tags.get("author"), "author") or named(tags.get("user_id"), "user_id"),
        created_at=moment(record.get("timestamp"), "timestamp") or (_made(id) if id else None),
        **_said(record, reading),
    )
    is_episode = record.get("target_type") == "episode"
    yield Word(event, (target,), (target,), conversation=target if is_episode else None)


def _said(record: dict[str, Any], reading: Reading) -> dict[str, Any]:
    value, metric = record.get("value"), words(record.get("metric_name"), "metric_name")
    if "inference_id" in record:
        return {"kind": "edit", "text": _demonstration(value)}
    if metric is None:
        text = words(value, "value")
        if text is None:
            raise Refused("missing key: value")
        return {"kind": "comment", "text": text}
    if isinstance(value, bool):
        if metric in reading.importing.praise_metrics:
            return {"kind": "thumb", "value": "up" if value else "down"}
        return {"kind": "rating", "value": float(value), "max": None}
    said = number(value, "value")
    if said is None:
        raise Refused("missing key: value")
    return {"kind": "rating", "value": said, "max": None}


def _demonstration(value: Any) -> str:
    """The answer that should have been given: content blocks, or the output of a JSON function."""
    value = decoded(value, "value")
    if isinstance(value, dict):
        return words(value.get("raw"), "raw") or turns.as_json(value.get("parsed", value))
    text, _, _ = turns.content_of(value, Counter())
    if not text:
        raise Refused("missing key: value")
    return text


FORMAT = Format(
    name="tensorzero",
    reads="ChatInference, JsonInference and the four feedback tables, as FORMAT JSONEachRow or from the API",
    carries=(
        "messages",
        "tool calls",
        "user (tag)",
        "function as app",
        "variant as model",
        "times",
        "thumbs, ratings, comments, demonstrations",
    ),
    cannot=("the scale of a float metric (`max`)", "regenerated answers as such", "locale", "consent"),
    claims=claims,
    convert=gathered(read),
    gathers=True,
)
