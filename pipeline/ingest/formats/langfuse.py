"""Langfuse: observations, scores and traces of the blob storage export, of the API's JSON, or of its tables."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.ingest.formats import turns
from pipeline.ingest.formats.base import Format, Reading, Skipped, decoded, named, number, words
from pipeline.ingest.formats.calls import Call, Part, Trace, Word, evaluator, gathered, spoken
from pipeline.ingest.formats.times import moment
from pipeline.ingest.quarantine import Refused

TYPES = ("GENERATION", "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL")
SOURCES = ("API", "ANNOTATION", "EVAL")
CAMEL = {
    "trace_id": "traceId", "observation_id": "observationId", "session_id": "sessionId", "user_id": "userId", "start_time": "startTime",
    "end_time": "endTime", "data_type": "dataType", "string_value": "stringValue", "project_id": "projectId", "created_at": "createdAt",
    "author_user_id": "authorUserId",
}  # fmt: skip


def claims(record: dict[str, Any]) -> bool:
    record = _snake(record)
    if "run_type" in record:
        return False
    observation = "trace_id" in record and record.get("type") in TYPES
    score = "data_type" in record and record.get("source") in SOURCES and "name" in record
    return observation or score or _is_trace(record)


def read(record: dict[str, Any], reading: Reading) -> Iterable[Part]:
    record = _snake(record)
    if "data_type" in record and "source" in record:
        return _score(record, reading)
    if "trace_id" in record and "type" in record:
        return _observation(record)
    if _is_trace(record):
        return _trace(record)
    raise Refused("no langfuse observation, score or trace")


def _snake(record: dict[str, Any]) -> dict[str, Any]:
    """The export's own names: the API and its SDKs write camelCase."""
    return record | {snake: record[camel] for snake, camel in CAMEL.items() if camel in record and snake not in record}


def _is_trace(record: dict[str, Any]) -> bool:
    return all(k in record for k in ("id", "timestamp", "session_id", "user_id")) and "trace_id" not in record and "target_id" not in record


def _observation(record: dict[str, Any]) -> Iterator[Part]:
    trace, session = named(record.get("trace_id"), "trace_id"), named(record.get("session_id"), "session_id")
    if trace and (session or record.get("user_id")):
        yield Trace(trace, session, named(record.get("user_id"), "user_id"))
    if record.get("type") not in TYPES:
        raise Refused("wrong type: type" if not isinstance(record.get("type"), str) else "unknown observation type")
    if record["type"] != "GENERATION":  # a span, a tool: it is known by its trace
        return
    yield _call(record, trace, record.get("start_time"), record.get("provided_model_name") or record.get("model"))


def _trace(record: dict[str, Any]) -> Iterator[Part]:
    id = named(record.get("id"), "id")
    if id is None:
        raise Refused("missing key: id")
    yield Trace(id, named(record.get("session_id"), "session_id"), named(record.get("user_id"), "user_id"))
    if record.get("input") and record.get("output"):
        try:
            call = _call(record | {"id": f"trace:{id}"}, id, record.get("timestamp"), None)
        except Refused:  # a trace may hold anything; only one that looks like a chat stands in for calls that are not here
            return
        call.fallback = True
        yield call


def _call(record: dict[str, Any], trace: str | None, began: Any, model: Any) -> Call:
    id = named(record.get("id"), "id")
    if id is None:
        raise Refused("missing key: id")
    dropped: Counter[str] = Counter()
    heard, said = decoded(record.get("input"), "input"), decoded(record.get("output"), "output")
    if not heard and not said:
        raise Skipped("generation without content")
    return Call(
        id=id,
        conversation=named(record.get("session_id"), "session_id"),
        heard=_heard(heard, dropped),
        said=_said(said, dropped),
        trace=trace,
        began=moment(began, "start_time"),
        ended=moment(record.get("end_time"), "end_time"),
        user=named(record.get("user_id"), "user_id"),
        model=words(model, "provided_model_name"),
        dropped=dropped,
    )


def _heard(value: Any, dropped: Counter[str]) -> list[dict[str, Any]]:
    """Messages, an object that holds messages, or a plain prompt."""
    if isinstance(value, dict) and "messages" in value:
        value = value["messages"]
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    return turns.messages([value] if isinstance(value, dict) else value, dropped, "input")


def _said(value: Any, dropped: Counter[str]) -> list[dict[str, Any]]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [turns.answer(value, dropped)]
    if isinstance(value, dict) and isinstance(value.get("choices"), list):
        value = [c.get("message") if isinstance(c, dict) else c for c in value["choices"]]
    listed = value if isinstance(value, list) else [value]
    return turns.messages([{"role": "assistant"} | v if isinstance(v, dict) else v for v in listed], dropped, "output")


def _score(record: dict[str, Any], reading: Reading) -> Iterator[Part]:
    source, name = record.get("source"), words(record.get("name"), "name")
    if source not in SOURCES:
        raise Refused("unknown score source" if isinstance(source, str) else "wrong type: source")
    event = spoken(
        event_id=named(record.get("id"), "id"),
        created_at=moment(record.get("timestamp") or record.get("created_at"), "timestamp"),
        **_said_by(record, name, reading),
    )
    if source == "EVAL":
        event |= evaluator(name)
    elif named(record.get("author_user_id"), "author_user_id"):
        event["user_id"] = named(record["author_user_id"], "author_user_id")
    observation, trace = named(record.get("observation_id"), "observation_id"), named(record.get("trace_id"), "trace_id")
    session = named(record.get("session_id"), "session_id")
    if not (observation or trace or session):
        raise Skipped("score of no trace")
    yield Word(
        event,
        (observation,) if observation else (),
        (trace,) if trace else (),
        session,
        whole=not (observation or trace),
        of_user=source != "EVAL",
    )


def _said_by(record: dict[str, Any], name: str | None, reading: Reading) -> dict[str, Any]:
    """The event's kind and what it holds, by the score's data type."""
    kind, value, comment = record.get("data_type"), record.get("value"), words(record.get("comment"), "comment")
    text = words(record.get("string_value"), "string_value") or (value if isinstance(value, str) and value else None)
    if kind == "BOOLEAN":
        said = value if isinstance(value, bool) else number(value, "value")
        if said not in (0, 1):
            raise Refused("value not allowed")
        return {"kind": "thumb", "value": "up" if said else "down", "text": comment}
    if kind == "NUMERIC":
        return {"kind": "rating", "value": number(value, "value"), "max": None, "text": comment}
    if kind == "CORRECTION":
        return {"kind": "edit", "text": text}
    if kind == "CATEGORICAL":
        if reading.importing.categories.get(name or "") == "report":
            return {"kind": "report", "value": text, "text": comment}
        return {"kind": "comment", "text": text if comment is None else f"{text}: {comment}", "reasons": [name] if name else None}
    if kind == "TEXT":
        return {"kind": "comment", "text": text or comment}
    raise Refused("unknown score type" if isinstance(kind, str) else "wrong type: data_type")


FORMAT = Format(
    name="langfuse",
    reads="observations, scores and traces: blob storage export (JSONL, gz, Parquet), API JSON, or the tables",
    carries=("messages", "tool calls", "user", "model", "times", "thumbs, ratings, comments, reports, corrections", "automatic scores"),
    cannot=(
        "the scale of a numeric score (`max`)",
        "corrections, in the blob export",
        "regenerated answers as such",
        "locale",
        "app",
        "consent",
    ),
    claims=claims,
    convert=gathered(read),
    gathers=True,
    tables={"observations": ("trace_id", "updated_at"), "scores": ("data_type", "updated_at"), "traces": ("session_id", "updated_at")},
)
