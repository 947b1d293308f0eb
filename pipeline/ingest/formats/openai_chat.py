"""OpenAI chat completions, request and response side by side on a line."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipeline.ingest.derive import derived_id
from pipeline.ingest.formats import completions, turns
from pipeline.ingest.formats.base import Format, Reading, Skipped, mapping, named, words
from pipeline.ingest.formats.calls import Call, Part, gathered
from pipeline.ingest.formats.times import moment
from pipeline.ingest.quarantine import Refused


def claims(record: dict[str, Any]) -> bool:
    request, response = record.get("request"), record.get("response")
    return isinstance(request, dict) and "messages" in request and (response is None or isinstance(response, dict))


def read(record: dict[str, Any], reading: Reading) -> Iterable[Part]:
    request = mapping(record.get("request"), "request")
    if "messages" not in request:
        raise Refused("missing key: messages" if request else "missing key: request")
    response = mapping(record.get("response"), "response")
    if not response or response.get("error"):
        raise Skipped("call without an answer")
    dropped: Counter[str] = Counter()
    heard = turns.messages(request["messages"], dropped)
    user = named(request.get("user"), "user") or named(request.get("safety_identifier"), "safety_identifier")
    conversation = named(mapping(request.get("metadata"), "metadata").get("conversation_id"), "conversation_id")
    began = moment(response.get("created"), "created")
    yield Call(
        id=named(response.get("id"), "id") or derived_id("openai_chat", record),
        conversation=conversation or completions.nameless(user, heard),
        heard=heard,
        said=completions.answers(response, dropped),
        began=began,
        user=user,
        model=words(response.get("model"), "model") or words(request.get("model"), "model"),
        dropped=dropped,
    )


FORMAT = Format(
    name="openai_chat",
    reads='chat completions, one {"request", "response"} a line (OpenAI publishes no log file: the line around the two is ours)',
    carries=("messages", "tool calls", "several choices as siblings", "user", "model", "time"),
    cannot=("any feedback", "locale", "app", "consent"),
    claims=claims,
    convert=gathered(read),
    gathers=True,
    aliases=("openai_chat_log", "openai"),
)
