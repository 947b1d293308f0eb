"""OpenTelemetry's GenAI conventions: spans and log records as OTLP JSON, with content in attributes, in events, or in old span events."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.ingest.formats import turns
from pipeline.ingest.formats.base import Format, Reading, decoded, mapping, named, number, words
from pipeline.ingest.formats.calls import Call, Part, Word, evaluator, gathered, spoken
from pipeline.ingest.formats.times import moment
from pipeline.ingest.quarantine import Refused

DETAILS, EVALUATION = "gen_ai.client.inference.operation.details", "gen_ai.evaluation.result"
CHATS = ("chat", "text_completion", "generate_content", "invoke_agent")
"""Operations with words in them; embeddings and tool executions are no turns of a conversation."""
OLD = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
USERS = ("user.id", "enduser.id", "gen_ai.user.id", "session.user.id")


def claims(record: dict[str, Any]) -> bool:
    return "resourceSpans" in record or "resourceLogs" in record


def read(record: dict[str, Any], reading: Reading) -> Iterable[Part]:
    if not claims(record):
        raise Refused("no OTLP traces or logs")
    for resource, span in _inner(record, "resourceSpans", "scopeSpans", "spans"):
        attributes = _attributes(span.get("attributes"))
        if attributes.get("gen_ai.operation.name", "chat") in CHATS and any(k.startswith("gen_ai.") for k in attributes):
            yield from _call(span, attributes, resource, moment(span.get("startTimeUnixNano"), "startTimeUnixNano"), reading)
        else:
            reading.skipped["span that is no chat"] += 1
    for resource, log in _inner(record, "resourceLogs", "scopeLogs", "logRecords"):
        attributes = _attributes(log.get("attributes"))
        name = log.get("eventName") or attributes.get("event.name")
        when = moment(log.get("timeUnixNano") or log.get("observedTimeUnixNano"), "timeUnixNano")
        if name == DETAILS:
            body = _plain(log.get("body"))
            yield from _call(log, (body if isinstance(body, dict) else {}) | attributes, resource, when, reading)
        elif name == EVALUATION:
            yield _evaluation(log, attributes, when, reading)
        else:
            reading.skipped["log record of another kind"] += 1


def _inner(record: dict[str, Any], outer: str, scope: str, items: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(attributes of the resource, span or log record), of everything in the document."""
    for group in _objects(record.get(outer), outer):
        resource = _attributes(mapping(group.get("resource"), "resource").get("attributes"))
        for one in _objects(group.get(scope), scope):
            yield from ((resource, item) for item in _objects(one.get(items), items))


def _objects(value: Any, what: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise Refused(f"wrong type: {what}")
    return value


def _attributes(value: Any) -> dict[str, Any]:
    found = {}
    for one in _objects(value, "attributes"):
        if not isinstance(one.get("key"), str):
            raise Refused("wrong type: attributes")
        found[one["key"]] = _plain(one.get("value"))
    return found


def _plain(value: Any) -> Any:
    """What an AnyValue holds, as JSON would say it."""
    if not isinstance(value, dict):
        return value
    for name, one in value.items():
        if name == "arrayValue":
            return [_plain(v) for v in _listed(one)]
        if name == "kvlistValue":
            return {v["key"]: _plain(v.get("value")) for v in _listed(one) if isinstance(v, dict) and isinstance(v.get("key"), str)}
        if name == "intValue":
            return int(number(one, "intValue") or 0)
        if name in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
            return one
    return None


def _listed(value: Any) -> list[Any]:
    listed = mapping(value, "values").get("values")
    if listed is not None and not isinstance(listed, list):
        raise Refused("wrong type: values")
    return listed or []


def _call(
    span: dict[str, Any], attributes: dict[str, Any], resource: dict[str, Any], began: str | None, reading: Reading
) -> Iterator[Part]:
    dropped: Counter[str] = Counter()
    trace, own = named(span.get("traceId"), "traceId"), named(span.get("spanId"), "spanId")
    heard, said = _new(attributes, dropped)
    if not heard and not said:
        heard, said = _old(span, dropped)
    if not heard and not said:
        reading.skipped["span without content"] += 1
        return
    response = named(attributes.get("gen_ai.response.id"), "gen_ai.response.id")
    id = f"span:{trace}:{own}" if own else response or f"trace:{trace}"
    yield Call(
        id=id,
        conversation=named(attributes.get("gen_ai.conversation.id"), "gen_ai.conversation.id"),
        heard=heard,
        said=said,
        trace=trace,
        aliases=(response,) if response else (),
        began=began,
        ended=moment(span.get("endTimeUnixNano"), "endTimeUnixNano"),
        user=next((found for k in USERS if (found := named(attributes.get(k), k))), None),
        model=words(attributes.get("gen_ai.response.model") or attributes.get("gen_ai.request.model"), "gen_ai.response.model"),
        app=words(resource.get("service.name"), "service.name"),
        dropped=dropped,
    )


def _new(attributes: dict[str, Any], dropped: Counter[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Content as the conventions of today write it: JSON in a text on spans, real structure on events."""
    system, sent, said = (decoded(attributes.get(f"gen_ai.{k}"), k) for k in ("system_instructions", "input.messages", "output.messages"))
    heard = []
    if system:
        text, _, _ = turns.content_of(system, dropped)
        heard.append({"role": "system", "content": text})
    heard += turns.messages(sent, dropped, "gen_ai.input.messages") if sent else []
    return heard, turns.messages(said, dropped, "gen_ai.output.messages") if said else []


def _old(span: dict[str, Any], dropped: Counter[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Content as the conventions up to 1.36 wrote it: one span event a message."""
    heard, said = [], []
    for event in _objects(span.get("events"), "events"):
        attributes = _attributes(event.get("attributes"))
        name = words(event.get("name"), "name") or ""
        if name in OLD:
            whole = {"role": OLD[name]} | {k: decoded(v, k) if k == "tool_calls" else v for k, v in attributes.items()}
            heard += turns.message(whole | ({"tool_call_id": whole["id"]} if whole.get("id") and whole["role"] == "tool" else {}), dropped)
        elif name == "gen_ai.choice":
            message = decoded(attributes.get("message"), "message")
            message = {"content": message} if isinstance(message, str) else mapping(message, "message")
            said += turns.message({"role": "assistant"} | message, dropped)
    return heard, said


def _evaluation(log: dict[str, Any], attributes: dict[str, Any], when: str | None, reading: Reading) -> Part:
    name = words(attributes.get("gen_ai.evaluation.name"), "gen_ai.evaluation.name")
    label = words(attributes.get("gen_ai.evaluation.score.label"), "gen_ai.evaluation.score.label")
    value = number(attributes.get("gen_ai.evaluation.score.value"), "gen_ai.evaluation.score.value")
    text = words(attributes.get("gen_ai.evaluation.explanation"), "gen_ai.evaluation.explanation")
    human = name in reading.importing.user_evaluations
    said: dict[str, Any]
    if human and label in (*reading.importing.praise_labels, *reading.importing.blame_labels):
        said = {"kind": "thumb", "value": "up" if label in reading.importing.praise_labels else "down", "text": text}
    elif value is not None:
        said = {"kind": "rating", "value": value, "max": None, "text": text}
    elif text or label:
        said = {"kind": "comment", "text": text or label}
    else:
        raise Refused("missing key: gen_ai.evaluation.score.value")
    user = next((found for k in USERS if (found := named(attributes.get(k), k))), None)
    event = spoken(created_at=when, **said, **({"user_id": user} if human else evaluator(name)))
    trace, span = named(log.get("traceId"), "traceId"), named(log.get("spanId"), "spanId")
    response = named(attributes.get("gen_ai.response.id"), "gen_ai.response.id")
    calls = tuple(filter(None, (f"span:{trace}:{span}" if span else None, response)))
    conversation = named(attributes.get("gen_ai.conversation.id"), "gen_ai.conversation.id")
    return Word(event, calls, (trace,) if trace else (), conversation, of_user=human)


FORMAT = Format(
    name="otel_genai",
    reads="OTLP JSON (one document, or one a line): spans and log records of the GenAI conventions, of today and up to 1.36",
    carries=(
        "messages",
        "tool calls",
        "several choices as siblings",
        "user.id",
        "model",
        "service.name as app",
        "times",
        "thumbs, ratings",
    ),
    cannot=("ids of events", "the scale of a score (`max`)", "edits", "locale", "consent", "content, unless the application opts in"),
    claims=claims,
    convert=gathered(read),
    gathers=True,
    aliases=("otel", "opentelemetry"),
)
