"""OpenAI's request and response, as several tools log them."""

from collections import Counter
from typing import Any

from pipeline.ingest.derive import derived_id
from pipeline.ingest.formats import turns
from pipeline.ingest.formats.base import mapping
from pipeline.ingest.quarantine import Refused


def answers(response: dict[str, Any], dropped: Counter[str]) -> list[dict[str, Any]]:
    """The messages of `choices`, in the order of their index; raises Refused."""
    choices = response.get("choices")
    if not isinstance(choices, list) or not all(isinstance(c, dict) for c in choices):
        raise Refused("missing key: choices" if choices is None else "wrong type: choices")
    found: list[dict[str, Any]] = []
    for choice in sorted(choices, key=lambda c: c["index"] if isinstance(c.get("index"), int) else 0):
        if "message" not in choice and isinstance(choice.get("text"), str):
            found.append({"role": "assistant", "content": choice["text"]})
            continue
        said = mapping(choice.get("message"), "message")
        found += turns.message({"role": "assistant"} | {k: v for k, v in said.items() if v is not None}, dropped)
    return found


def nameless(user: str | None, heard: list[dict[str, Any]]) -> str:
    """An id for a conversation that the log does not name: the first thing a user said in it, and who it was."""
    first = next((m["content"] for m in heard if m["role"] == "user"), heard[0]["content"] if heard else "")
    return derived_id("openai_chat", first, user)
