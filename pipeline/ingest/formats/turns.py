"""Other tools' messages as native ones: roles, text parts, tool calls and tool results, in the dialects that they write."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipeline.ingest.formats.base import words
from pipeline.ingest.quarantine import Refused

ROLES = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "HumanMessage": "user", "HumanMessageChunk": "user",
    "assistant": "assistant", "ai": "assistant", "gpt": "assistant", "model": "assistant", "AIMessage": "assistant", "AIMessageChunk": "assistant",
    "tool": "tool", "function": "tool", "observation": "tool", "ToolMessage": "tool", "FunctionMessage": "tool", "SystemMessage": "system",
}  # fmt: skip
TEXTS = ("text", "input_text", "output_text", "raw_text")
CALLS = ("tool_call", "tool_use", "function_call")
RESULTS = ("tool_result", "tool_call_response", "function_call_output")
QUIET = ("reasoning", "thinking", "thought", "redacted_thinking")
"""The model's notes to itself: no part of the answer that a user saw."""


def messages(raw: Any, dropped: Counter[str], what: str = "messages") -> list[dict[str, Any]]:
    """Native messages of a list of foreign ones; raises Refused. dropped: counts parts that are neither text nor tools, by type."""
    if not isinstance(raw, list):
        raise Refused(f"wrong type: {what}")
    return [m for one in raw for m in message(one, dropped)]


def message(raw: Any, dropped: Counter[str]) -> list[dict[str, Any]]:
    """The native messages that one foreign message becomes: one, or more where tool results stand in a user's turn."""
    if not isinstance(raw, dict):
        raise Refused("wrong type: messages")
    raw = _unwrapped(raw)
    role = raw.get("role") or raw.get("type")
    if role is None:
        raise Refused("missing key: role")
    if not isinstance(role, str):
        raise Refused("wrong type: role")
    if role not in ROLES:
        raise Refused("unknown role")
    content = raw.get("content", raw.get("parts"))
    text, calls, results = content_of(content, dropped)
    calls += _openai_calls(raw)
    native: dict[str, Any] = {"role": ROLES[role], "content": text}
    if calls:
        native["tool_calls"] = calls
    for name in ("tool_call_id", "name"):
        if words(raw.get(name), name) is not None:
            native[name] = raw[name]
    if results and not text and not calls:
        return results
    return [*results, native]


def answer(content: Any, dropped: Counter[str]) -> dict[str, Any]:
    """An assistant's message out of content blocks or plain text."""
    text, calls, _ = content_of(content, dropped)
    return {"role": "assistant", "content": text} | ({"tool_calls": calls} if calls else {})


def content_of(content: Any, dropped: Counter[str]) -> tuple[str, list[dict[str, Any]], list[dict[str, Any]]]:
    """Text, tool calls and tool results of a message's content. Text parts are joined by a line end, an absent content is an empty one."""
    if content is None:
        return "", [], []
    if isinstance(content, str):
        return content, [], []
    texts, calls, results = [], [], []
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            texts.append(part)
            continue
        if not isinstance(part, dict):
            raise Refused("wrong type: content")
        kind = part.get("type", "text" if "text" in part else None)
        if kind in TEXTS:
            texts.append(_text(part))
        elif kind in CALLS:
            calls.append(
                call(
                    part.get("id") or part.get("call_id"), _name(part), part.get("arguments", part.get("input", part.get("raw_arguments")))
                )
            )
        elif kind in RESULTS:
            results.append(_result(part))
        elif not isinstance(kind, str):
            raise Refused("wrong type: content")
        elif kind not in QUIET:
            dropped[kind[:64]] += 1
    return "\n".join(texts), calls, results


def call(id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    """A tool call in the OpenAI shape; its arguments are JSON in a text there."""
    if not isinstance(name, str) or not name:
        raise Refused("wrong type: tool_calls")
    text = _spelt(arguments) if isinstance(arguments, str) else as_json({} if arguments is None else arguments)
    return ({"id": id} if isinstance(id, str) and id else {}) | {"type": "function", "function": {"name": name, "arguments": text}}


def _spelt(arguments: str) -> str:
    """JSON arguments in one spelling, for a history repeats them in another; what is no JSON stays as it is."""
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    return as_json(found) if isinstance(found, dict) else arguments


def pairs(raw: Iterable[Any], role: str, text: str, dropped: Counter[str]) -> list[dict[str, Any]]:
    """Messages of a dialect with other key names, as ShareGPT's from and value."""
    return [m for one in raw for m in message({"role": one.get(role), "content": one.get(text)} if isinstance(one, dict) else one, dropped)]


def _unwrapped(raw: dict[str, Any]) -> dict[str, Any]:
    """LangChain's two ways to serialise a message, with the role in a type or in a class name."""
    if raw.get("lc") and isinstance(raw.get("kwargs"), dict):
        path = raw.get("id")
        kind = path[-1] if isinstance(path, list) and path and isinstance(path[-1], str) else None
        raw = {"type": kind} | raw["kwargs"]
    elif isinstance(raw.get("data"), dict) and "content" in raw["data"]:
        raw = {"type": raw.get("type")} | raw["data"]
    extra = raw.get("additional_kwargs")
    if isinstance(extra, dict) and not raw.get("tool_calls") and "tool_calls" in extra:
        raw = raw | {"tool_calls": extra["tool_calls"]}
    return raw if raw.get("role") else {k: v for k, v in raw.items() if k != "role"}


def _openai_calls(raw: dict[str, Any]) -> list[dict[str, Any]]:
    listed = raw.get("tool_calls") or []
    if not isinstance(listed, list):
        raise Refused("wrong type: tool_calls")
    found = []
    for one in listed:
        if not isinstance(one, dict):
            raise Refused("wrong type: tool_calls")
        function = one.get("function")
        named = function if isinstance(function, dict) else {"name": one.get("name"), "arguments": one.get("args")}
        found.append(call(one.get("id"), named.get("name"), named.get("arguments")))
    old = raw.get("function_call")
    if isinstance(old, dict) and not found:
        found.append(call(None, old.get("name"), old.get("arguments")))
    return found


def _text(part: dict[str, Any]) -> str:
    text = next((part[k] for k in ("text", "content", "value", "arguments") if part.get(k) is not None), "")
    if isinstance(text, dict | list):
        return as_json(text)
    if not isinstance(text, str):
        raise Refused("wrong type: content")
    return text


def _name(part: dict[str, Any]) -> Any:
    return part.get("name") or part.get("raw_name")


def _result(part: dict[str, Any]) -> dict[str, Any]:
    said = next((part[k] for k in ("result", "response", "content", "output") if part.get(k) is not None), "")
    if isinstance(said, list) and all(isinstance(p, dict) and isinstance(p.get("text"), str) for p in said):
        said = "\n".join(p["text"] for p in said)
    id = next((part[k] for k in ("id", "tool_use_id", "call_id", "tool_call_id") if isinstance(part.get(k), str)), None)
    native = {"role": "tool", "content": said if isinstance(said, str) else as_json(said)}
    native |= {"tool_call_id": id} if id else {}
    return native | ({"name": part["name"]} if isinstance(part.get("name"), str) and part["name"] else {})


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
