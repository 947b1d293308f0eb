"""LangSmith: runs and feedback, as the SDK's objects are written to JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.ingest.formats import turns
from pipeline.ingest.formats.base import Format, Reading, Skipped, decoded, mapping, named, number, words
from pipeline.ingest.formats.calls import Call, Part, Trace, Word, evaluator, gathered, spoken
from pipeline.ingest.formats.times import moment
from pipeline.ingest.quarantine import Refused

THREADS = ("session_id", "thread_id", "conversation_id")
"""Keys of `extra.metadata` that name a conversation. `session_id` at the top of a run is the project."""
AUTOMATIC = ("model", "auto_eval")


def claims(record: dict[str, Any]) -> bool:
    run = "run_type" in record and "inputs" in record
    feedback = "run_id" in record and "key" in record and ("score" in record or "correction" in record)
    return run or feedback


def read(record: dict[str, Any], reading: Reading) -> Iterable[Part]:
    if "run_type" in record:
        return _run(record)
    if "key" in record and ("run_id" in record or "trace_id" in record):
        return _feedback(record, reading)
    raise Refused("no langsmith run or feedback")


def _run(record: dict[str, Any]) -> Iterator[Part]:
    id = named(record.get("id"), "id")
    if id is None:
        raise Refused("missing key: id")
    extra = mapping(record.get("extra"), "extra")
    metadata = mapping(extra.get("metadata"), "metadata")
    thread = next((found for k in THREADS if (found := named(metadata.get(k), k))), None)
    user, trace = named(metadata.get("user_id"), "user_id"), named(record.get("trace_id"), "trace_id") or id
    yield Trace(trace, thread, user)
    if record["run_type"] != "llm":  # a chain or a tool: it is known by its trace
        return
    if record.get("error") or not record.get("outputs"):
        raise Skipped("call without an answer")
    dropped: Counter[str] = Counter()
    inputs = mapping(decoded(record.get("inputs"), "inputs"), "inputs")
    outputs = mapping(decoded(record.get("outputs"), "outputs"), "outputs")
    model = (
        metadata.get("ls_model_name") or inputs.get("model") or mapping(extra.get("invocation_params"), "invocation_params").get("model")
    )
    yield Call(
        id=id,
        conversation=thread,
        heard=_heard(inputs, dropped),
        said=_said(outputs, dropped),
        trace=trace,
        began=moment(record.get("start_time"), "start_time"),
        ended=moment(record.get("end_time"), "end_time"),
        user=user,
        model=words(model, "ls_model_name"),
        dropped=dropped,
    )


def _heard(inputs: dict[str, Any], dropped: Counter[str]) -> list[dict[str, Any]]:
    """`messages`, LangChain's list of lists of messages, or its prompts."""
    listed = inputs.get("messages")
    if listed is None:
        prompt = inputs.get("prompt") or inputs.get("input") or inputs.get("prompts")
        prompt = prompt[0] if isinstance(prompt, list) and prompt else prompt
        if not isinstance(prompt, str):
            raise Refused("missing key: messages")
        return [{"role": "user", "content": prompt}]
    if isinstance(listed, list) and listed and isinstance(listed[0], list):
        listed = listed[0]
    return turns.messages(listed, dropped, "inputs.messages")


def _said(outputs: dict[str, Any], dropped: Counter[str]) -> list[dict[str, Any]]:
    """The answers out of one of the four wrappers that SDKs write."""
    listed: Any = (
        outputs.get("choices") or outputs.get("generations") or outputs.get("messages") or outputs.get("message") or outputs.get("output")
    )
    if isinstance(listed, list) and listed and isinstance(listed[0], list):
        listed = listed[0]
    if listed is None and "content" in outputs:
        listed = outputs
    said: list[dict[str, Any]] = []
    for one in listed if isinstance(listed, list) else [listed]:
        inner = one.get("message", one) if isinstance(one, dict) else one
        if isinstance(inner, dict) and isinstance(inner.get("text"), str) and "content" not in inner and "kwargs" not in inner:
            inner = inner["text"]
        if isinstance(inner, str):
            said.append(turns.answer(inner, dropped))
        elif isinstance(inner, dict):
            said += turns.message(
                inner if inner.get("role") or inner.get("type") or inner.get("lc") else {"role": "assistant"} | inner, dropped
            )
        else:
            raise Refused("missing key: outputs" if inner is None else "wrong type: outputs")
    return said


def _feedback(record: dict[str, Any], reading: Reading) -> Iterator[Part]:
    key, id = words(record.get("key"), "key"), named(record.get("id"), "id")
    origin = mapping(record.get("feedback_source"), "feedback_source")
    automatic = origin.get("type") in AUTOMATIC
    user = named(mapping(origin.get("metadata"), "metadata").get("user_id"), "user_id") or named(origin.get("user_id"), "user_id")
    who = evaluator(key) if automatic else {"user_id": user}
    when = moment(record.get("created_at"), "created_at")
    run, trace = named(record.get("run_id"), "run_id"), named(record.get("trace_id"), "trace_id")
    about: dict[str, Any] = {
        "calls": (run,) if run else (),
        "traces": tuple(t for t in (run, trace) if t),  # a run may be the root of its trace
        "of_user": not automatic,
    }
    if not about["traces"]:
        raise Skipped("feedback on no run")
    said = _score(record, key, reading)
    if said:
        yield Word(spoken(event_id=id, created_at=when, **who, **said), **about)
    if record.get("correction") is not None:
        text = _correction(record["correction"])
        yield Word(spoken(event_id=f"{id}:correction" if id else None, created_at=when, **who, kind="edit", text=text), **about)
    elif not said:
        raise Skipped("feedback that says nothing")


def _score(record: dict[str, Any], key: str | None, reading: Reading) -> dict[str, Any] | None:
    score, comment = record.get("score"), words(record.get("comment"), "comment")
    if score is None:
        label = words(record.get("value"), "value") if isinstance(record.get("value"), str) else None
        text = comment if label is None else label if comment is None else f"{label}: {comment}"
        return {"kind": "comment", "text": text} if text else None
    said = score if isinstance(score, bool) else number(score, "score")
    if said in (0, 1) and key in reading.importing.thumb_keys:
        return {"kind": "thumb", "value": "up" if said else "down", "text": comment}
    return {"kind": "rating", "value": float(said) if isinstance(said, bool) else said, "max": None, "text": comment}


def _correction(value: Any) -> str:
    """The better answer: a text, or the only text in an object."""
    if isinstance(value, dict):
        texts = [v for v in value.values() if isinstance(v, str)]
        value = (
            texts[0]
            if len(texts) == 1
            else next((value[k] for k in ("output", "answer", "content") if isinstance(value.get(k), str)), None)
        )
    if not isinstance(value, str):
        raise Refused("wrong type: correction")
    return value


FORMAT = Format(
    name="langsmith",
    reads="runs and feedback as JSON of the SDK's objects (the columns of the hosted bulk export are not verified)",
    carries=("messages", "tool calls", "several choices as siblings", "user", "model", "times", "thumbs, ratings, comments, corrections"),
    cannot=("the scale of a score (`max`)", "a numbered side-by-side choice", "locale", "app", "consent"),
    claims=claims,
    convert=gathered(read),
    gathers=True,
)
