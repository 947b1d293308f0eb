"""Sample rows of the lesson: drawn by hash, so that the rows nobody would show are as likely as the pretty ones."""

import difflib
import hashlib
import json
import re
from typing import Any

from pipeline.report.words import cut

Row = dict[str, Any]
MOST = 6  # of each shape; about two screens together
WORD = re.compile(r"\s+|\w+|[^\w\s]")


def drawn(rows: list[Row], seed: str, most: int = MOST) -> list[Row]:
    """Distinct rows taught for a task (replay of general data is not), every task in turn."""
    tasks: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row.get("part") in (None, "domain") and row.get("source") != "general":
            tasks.setdefault(row["task"], {}).setdefault(row["example_id"], row)
    queues = [sorted(rows.values(), key=lambda r: _lot(seed, r["example_id"])) for _, rows in sorted(tasks.items())]
    found: list[Row] = []
    while len(found) < most and any(queues):
        found += [queue.pop(0) for queue in queues if queue]
    return found[:most]


def _lot(seed: str, example: str) -> str:
    return hashlib.sha256(f"{seed} {example}".encode()).hexdigest()


def sft(row: Row) -> Row:
    return _who(row, row.get("messages")) | {"messages": turns(row.get("messages"))}


def dpo(row: Row) -> Row:
    chosen, rejected = _said(row.get("chosen")), _said(row.get("rejected"))
    return _who(row, row.get("prompt")) | {
        "messages": turns(row.get("prompt")),
        "chosen": cut(chosen),
        "rejected": cut(rejected),
        "difference": difference(rejected, chosen),
    }


def kto(row: Row) -> Row:
    return _who(row, row.get("prompt")) | {
        "messages": turns(row.get("prompt")),
        "completion": cut(_said(row.get("completion"))),
        "label": bool(row.get("label")),
    }


def turns(messages: list[Row] | None) -> list[Row]:
    """Turns as a person reads them; a call of a tool is shown as what was called."""
    return [{"role": m["role"], "content": cut(m.get("content") or m.get("tool_calls") or "")} for m in messages or []]


def _said(messages: list[Row] | None) -> str:
    return "\n".join(str(m.get("content") or m.get("tool_calls") or "") for m in messages or [])


def _who(row: Row, messages: list[Row] | None) -> Row:
    asked = [str(m.get("content") or "") for m in messages or [] if m["role"] == "user"]
    facts = {k: row.get(k) for k in ("example_id", "task", "source", "conversation_id", "weight")}
    return facts | {
        "day": str(row.get("day") or ""),
        "evidence": evidence(row.get("evidence")),
        "title": _title(asked[-1] if asked else ""),
    }


def _title(text: str, most: int = 84) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}…"


def evidence(text: object) -> list[Row]:
    """Evidence is JSON: its parts as name and value; anything else as it stands."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        found = text
    if not isinstance(found, dict):
        found = {"evidence": found} if found not in (None, "") else {}
    return [{"name": str(k), "value": cut(v if isinstance(v, str) else json.dumps(v, ensure_ascii=False), 400)} for k, v in found.items()]


def difference(before: str, after: str, most: int = 1500) -> list[Row]:
    """Word by word what a pair changes: parts that are same, out or in. Long texts are not compared: nobody reads such a picture."""
    if len(before) > most or len(after) > most:
        return []
    a, b = WORD.findall(before), WORD.findall(after)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < 0.5:  # two different texts: a patchwork of single words explains nothing
        return []
    parts: list[Row] = []
    for _, i, j, k, m in matcher.get_opcodes():
        old, new = "".join(a[i:j]), "".join(b[k:m])
        parts += [{"what": "same", "text": old}] if old == new else [{"what": w, "text": t} for w, t in (("out", old), ("in", new)) if t]
    return parts
