"""LiteLLM: the standard logging payload of a callback, and rows of the proxy's table LiteLLM_SpendLogs."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipeline.ingest.derive import derived_id
from pipeline.ingest.formats import completions, turns
from pipeline.ingest.formats.base import Format, Reading, Skipped, decoded, mapping, named, words
from pipeline.ingest.formats.calls import Call, Part, gathered
from pipeline.ingest.formats.times import moment
from pipeline.ingest.quarantine import Refused

CHAT = ("completion", "acompletion", "text_completion", "atext_completion", "responses", "aresponses", "anthropic_messages")
"""Calls with words in them; embeddings, images and moderations have no conversation."""


def claims(record: dict[str, Any]) -> bool:
    return "call_type" in record and ("litellm_call_id" in record or "request_id" in record) and "startTime" in record


def read(record: dict[str, Any], reading: Reading) -> Iterable[Part]:
    if "call_type" not in record:
        raise Refused("no litellm call")
    metadata = mapping(decoded(record.get("metadata"), "metadata"), "metadata")
    if record.get("status") == "failure" or metadata.get("status") == "failure":
        raise Skipped("failed call")
    if words(record.get("call_type"), "call_type") not in (None, *CHAT):
        raise Skipped("call without a conversation")
    sent, response = decoded(record.get("messages"), "messages"), decoded(record.get("response"), "response")
    if not sent:  # the proxy keeps the request here when it is told to store prompts
        sent = mapping(decoded(record.get("proxy_server_request"), "proxy_server_request"), "proxy_server_request").get("messages")
    if not sent or not response:
        raise Skipped("call without content")
    dropped: Counter[str] = Counter()
    response = {"choices": [{"text": response}]} if isinstance(response, str) else mapping(response, "response")
    heard = turns.messages([{"role": "user", "content": sent}] if isinstance(sent, str) else sent, dropped)
    own = named(record.get("id"), "id") or named(record.get("request_id"), "request_id")
    began = moment(record.get("startTime"), "startTime")
    yield Call(
        id=own or derived_id("litellm", record),
        conversation=_conversation(record, metadata),
        heard=heard,
        said=completions.answers(response, dropped),
        aliases=tuple(filter(None, (named(record.get("litellm_call_id"), "litellm_call_id"),))),
        began=began,
        ended=moment(record.get("endTime"), "endTime"),
        user=named(record.get("end_user"), "end_user"),
        model=words(response.get("model"), "model") or words(record.get("model"), "model"),
        dropped=dropped,
    )


def _conversation(record: dict[str, Any], metadata: dict[str, Any]) -> str | None:
    spend = mapping(metadata.get("spend_logs_metadata"), "spend_logs_metadata")
    return (
        named(record.get("session_id"), "session_id")
        or named(spend.get("conversation_id"), "conversation_id")
        or named(record.get("trace_id"), "trace_id")
    )


FORMAT = Format(
    name="litellm",
    reads="the standard logging payload (JSONL of a callback) and LiteLLM_SpendLogs rows",
    carries=("messages", "tool calls", "several choices as siblings", "end user", "model", "times"),
    cannot=("any feedback", "locale", "app", "consent", "content, unless the proxy is told to store prompts"),
    claims=claims,
    convert=gathered(read),
    gathers=True,
    tables={"LiteLLM_SpendLogs": ("call_type", "endTime")},
)
