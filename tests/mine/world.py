"""Small hand-made worlds: conversations in the native shape, mined without a lake, or through ingest and the real stage."""

import dataclasses
import hashlib
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from pipeline import lineage
from pipeline.ingest.run import run as ingest
from pipeline.mine import account, contexts, explicit, tables
from pipeline.mine.batch import Batch, mined
from pipeline.mine.cards import Desk
from pipeline.mine.run import run
from pipeline.mine.sieve import Sieve
from pipeline.recipe import Mining, Recipe, Task
from pipeline.settings import Settings

DAY = date(2026, 11, 20)
ALL = Mining(heldout_share=0.0, max_voice_share=1.0, full_rows_per_user_day=1000, lint="warn")
LABELS = Task(name="colour", match={"app": "labels"}, labels={"red": "", "blue": ""}, answer={"format": "label"}, checker="label")
WORDS = [
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "inlet",
    "jetty",
    "knoll",
    "larch",
    "mango",
    "north",
    "ocean",
    "prism",
    "quartz",
    "river",
    "stone",
    "tulip",
]
"""Words to make texts of."""
Row = dict[str, Any]


def turn(id: str, parent: str | None, role: str, content: str | None, **more: Any) -> Row:
    return {"message_id": id, "parent_id": parent, "role": role, "content": content} | more


def talk(id: str = "c1", *messages: Row, feedback: list[Row] | None = None, **more: Any) -> Row:
    """One question and one answer, unless the messages are given."""
    turns = list(messages) or [turn("q", None, "user", "Which colour?"), turn("a", "q", "assistant", "green")]
    return {"conversation_id": id, "user_id": "ann", "app": "chat", "messages": turns, "feedback": feedback or []} | more


def siblings(*answers: str, after: list[Row] | None = None) -> list[Row]:
    """One question with several answers a1, a2, …; `after` follows."""
    found = [turn("q", None, "user", "Which colour?")]
    return found + [turn(f"a{n}", "q", "assistant", text) for n, text in enumerate(answers, 1)] + (after or [])


def said(kind: str, about: str | None = "a", **more: Any) -> Row:
    return {"kind": kind, "message_id": about} | more


def batch(
    *talks: Row,
    cards: tuple[Task, ...] = (),
    mining: Mining = ALL,
    written: frozenset[str] = frozenset(),
    day: date = DAY,
    sieve: Sieve | None = None,
) -> Batch:
    """Mine conversations as the SQL hands them over; every event is its user's standing word, seconds apart in their order."""
    found = contexts.talks(*_lake_rows(talks, day))
    signals = [explicit.signal(s) for s in _states(talks, day)]
    return mined(signals, found, Desk({c.name: c for c in cards}), mining, written, day, sieve=sieve)


def _lake_rows(talks: tuple[Row, ...], day: date) -> tuple[list[Row], list[Row]]:
    heads, messages = [], []
    for t in talks:
        head = {"conversation_id": t["conversation_id"], "day": day, "user_hash": t["user_id"], "app": t["app"]}
        heads.append(head | {"locale": t.get("locale"), "metadata": json.dumps(t.get("metadata", {})), "consent": t.get("consent", True)})
        for n, m in enumerate(t["messages"]):
            empty = dict.fromkeys(("name", "tool_call_id", "tool_calls", "parts"))
            messages.append(empty | m | {"conversation_id": t["conversation_id"], "position": n, "day": day, "micros": m.get("at", n)})
    return heads, messages


def _states(talks: tuple[Row, ...], day: date) -> list[Row]:
    states = []
    empty = dict.fromkeys(("value", "max", "text", "reasons", "over", "span"))
    for t in talks:
        for n, f in enumerate(t["feedback"]):
            about = {"conversation_id": t["conversation_id"], "event_id": f"{t['conversation_id']}-e{n}", "day": f.get("day", day)}
            about |= {"user_hash": f.get("user_id", t["user_id"]), "stands": f.get("stands", True), "derived": False}
            about |= {"source": f.get("source", "human"), "micros": f.get("at", 1000 + n), "arrived": n, "message_id": f["message_id"]}
            states.append(empty | {k: v for k, v in f.items() if k in empty or k == "kind"} | about)
    return states


def reasons(found: Batch) -> dict[str, int]:
    return dict(Counter(d.reason for d in found.dropped))


def rows(found: Batch, kind: str) -> list[Row]:
    return [tables.taught(c) for c in sorted(found.of(kind), key=lambda c: c.order)]


def texts(messages: list[Row]) -> list[str]:
    return [m["content"] for m in messages]


def pairs(found: Batch) -> list[tuple[str, str]]:
    """(chosen, rejected) of the DPO pairs, sorted."""
    return sorted((r["chosen"][0]["content"], r["rejected"][0]["content"]) for r in rows(found, "dpo"))


def votes(found: Batch) -> list[tuple[str, bool]]:
    """(completion, label) of the KTO rows, sorted."""
    return sorted((r["completion"][0]["content"], r["label"]) for r in rows(found, "kto"))


def shape(found: Batch) -> tuple[int, int, int]:
    """(SFT rows, DPO pairs, KTO rows)"""
    figures = account.counts(found)
    return figures["examples"], figures["pairs"], figures["unpaired"]


def take_in(settings: Settings, *lines: Row, day: date = DAY, format: str = "auto") -> str:
    """The real ingest of these lines; returns the logs id."""
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path = settings.home.parent / "logs" / f"{hashlib.sha256(text.encode()).hexdigest()[:8]}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(ingest([path], Recipe(), settings, day=day, format=format)["id"])


def mine(settings: Settings, logs: str, mining: Mining = ALL, **options: Any) -> Row:
    """The real stage, without task cards."""
    return run(logs, Recipe(mining=mining, tasks=options.pop("tasks", [])), settings, **options)


def table(settings: Settings, id: str, kind: str) -> list[Row]:
    import pyarrow.parquet as pq

    return pq.read_table(lineage.folder(settings, id) / f"{kind}.parquet").to_pylist()


def signals(settings: Settings, id: str) -> list[Row]:
    text = (lineage.folder(settings, id) / "signals.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def configured(settings: Settings, folder: Path, *cards: Task, heldout: dict[str, list[Row]] | None = None) -> Settings:
    """Settings with a configuration of these cards and held-out files."""
    import yaml

    (folder / "tasks").mkdir(parents=True)
    (folder / "heldout").mkdir()
    for card in cards:
        text = yaml.safe_dump(card.model_dump(mode="json", by_alias=True, exclude_none=True))
        (folder / "tasks" / f"{card.name}.yaml").write_text(text, encoding="utf-8")
    for task, items in (heldout or {}).items():
        (folder / "heldout" / f"{task}.jsonl").write_text("".join(json.dumps(i) + "\n" for i in items), encoding="utf-8")
    return dataclasses.replace(settings, config=folder)
