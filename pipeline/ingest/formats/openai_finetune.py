"""OpenAI fine-tuning files: chats to learn from, and preferences. They are an operator's words, like a hotfix file."""

from collections import Counter
from typing import Any

from pipeline.ingest.formats import hotfix, turns
from pipeline.ingest.formats.base import Format, Reading, each, mapping
from pipeline.ingest.quarantine import Refused

CHAT = {"messages", "tools", "parallel_tool_calls", "functions", "weight"}
PREFERENCE = {"input", "preferred_output", "non_preferred_output"}


def claims(record: dict[str, Any]) -> bool:
    if record.keys() == PREFERENCE:
        return True
    listed = record.get("messages")
    if not (record.keys() <= CHAT and isinstance(listed, list)):
        return False
    return all(isinstance(m, dict) and "role" in m for m in listed) and any(m["role"] == "assistant" for m in listed)


def example(record: dict[str, Any], task: str) -> dict[str, Any]:
    """The record as a line of a hotfix file; raises Refused.

    An assistant turn of weight 0 is context, so the answer is the last one that has a weight.
    """
    if PREFERENCE & record.keys():
        sent = mapping(record.get("input"), "input")
        pair = {name: _only(record.get(key), key) for name, key in (("answer", "preferred_output"), ("rejected", "non_preferred_output"))}
        return {"task": task, "messages": _turns(sent.get("messages")), **pair}
    messages = record.get("messages")
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise Refused("missing key: messages" if messages is None else "wrong type: messages")
    taught = [n for n, m in enumerate(messages) if m.get("role") == "assistant" and m.get("weight") != 0]
    if not taught:
        raise Refused("no answer to learn")
    return {"task": task, "messages": _turns(messages[: taught[-1]]), "answer": _text(messages[taught[-1]])}


def read(record: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """A conversation like any other: under every cap, and held out like the rest. As a hotfix it comes through `equipoise hotfix`."""
    said = hotfix.native(example(record, "") | {})
    words = [event | {"derived": True} for event in said["feedback"]]
    return {k: v for k, v in said.items() if k not in ("app", "consent", "metadata")} | {"feedback": words}


def _turns(messages: Any) -> list[dict[str, Any]]:
    return turns.messages(messages, Counter())


def _only(output: Any, what: str) -> str:
    if not isinstance(output, list) or not output or not isinstance(output[0], dict):
        raise Refused(f"missing key: {what}" if output is None else f"wrong type: {what}")
    return _text(output[0])


def _text(message: dict[str, Any]) -> str:
    text, _, _ = turns.content_of(message.get("content"), Counter())
    if not text:
        raise Refused("an answer without text")
    return text


FORMAT = Format(
    name="openai_finetune",
    reads="fine-tuning JSONL: chats, and preferences; `equipoise hotfix` takes the same files as a hotfix",
    carries=("messages", "tool calls in the context", "the answer to learn, as praise or as an edit of the rejected one (derived)"),
    cannot=("conversation, user, model, times, ids", "single answers without weight, beyond the context", "task, locale, app, consent"),
    claims=claims,
    convert=each(read),
    aliases=("openai_fine_tuning", "openai_finetuning"),
)
