"""Parts of one export that come in batches of their own find each other, and nothing that was known is unsaid."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.ingest.exports import SAMPLES, logs
from tests.ingest.world import rows, write

COLUMNS = {
    "conversations": ("conversation_id", "user_hash", "app", "model", "started_at::varchar", "metadata"),
    "messages": ("conversation_id", "message_id", "parent_id", "role", "content", "tool_calls", "created_at::varchar", "model"),
    "feedback": ("conversation_id", "event_id", "message_id", "kind", "value", "text", "source", "created_at::varchar", "user_hash"),
}


def lake(home: Settings) -> dict[str, list[tuple[Any, ...]]]:
    return {table: rows(home, table, *columns) for table, columns in COLUMNS.items()}


def other(home: Settings, name: str) -> Settings:
    return Settings(**(home.__dict__ | {"home": home.home / name, "data": str(home.home / name / "data")}))


WORDS = {
    "langfuse": ["scores.jsonl"],
    "langsmith": ["feedback.jsonl"],
    "tensorzero": ["BooleanMetricFeedback.jsonl", "CommentFeedback.jsonl", "DemonstrationFeedback.jsonl", "FloatMetricFeedback.jsonl"],
    "open_webui": ["feedback.json"],
}


@pytest.mark.parametrize("name", ["langfuse", "langsmith", "tensorzero"])
def test_feedback_that_comes_a_day_later_finds_its_answer(home: Settings, tmp_path: Path, name: str) -> None:
    whole, calls, words = other(home, "whole"), [], []
    for path in logs(SAMPLES / name):
        (words if path.name in WORDS[name] else calls).append(path)
    run(logs(SAMPLES / name), Recipe(), whole, day="2026-11-20")
    run(calls, Recipe(), home, day="2026-11-20")
    late = run(words, Recipe(), home, day="2026-11-21")
    assert (late["quarantined"], late["stored"]) == (0, len(rows(home, "feedback")))
    mine, theirs = lake(home), lake(whole)
    assert mine["messages"] == theirs["messages"] and mine["conversations"] == theirs["conversations"]
    without_user = [[row[:8] for row in one["feedback"]] for one in (mine, theirs)]  # absent = the conversation's user
    assert without_user[0] == without_user[1]


def test_feedback_before_its_call_is_refused_until_that_has_come(home: Settings) -> None:
    folder = SAMPLES / "langfuse"
    first = run([folder / "scores.jsonl"], Recipe(), home, day="2026-11-20")
    assert first["reasons"] == {"feedback on an unknown call": 4}
    again = run([folder / "scores.jsonl"], Recipe(), home, day="2026-11-20")
    assert (again["id"], again["quarantined"]) == (first["id"], 4)
    run([folder / "observations.jsonl"], Recipe(), home, day="2026-11-20")
    last = run([folder / "scores.jsonl"], Recipe(), home, day="2026-11-20")
    assert (last["stored"], last["quarantined"], len(rows(home, "feedback"))) == (4, 0, 4)
    assert rows(home, "quarantine") == []


def test_open_webui_feedback_needs_no_chat(home: Settings, tmp_path: Path) -> None:
    whole = other(home, "whole")
    run(logs(SAMPLES / "open_webui"), Recipe(), whole, day="2026-11-20")
    run([SAMPLES / "open_webui" / "feedback.json"], Recipe(), home, day="2026-11-20")
    run([SAMPLES / "open_webui" / "chats.ndjson"], Recipe(), home, day="2026-11-21")
    current = [{r[0] for r in rows(one, "feedback", "event_id", current=True) if r[0].startswith("row")} for one in (home, whole)]
    assert current[0] == current[1] == {"row-1", "row-4", "row-5", "row-6"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["langfuse", "openai_chat", "otel_genai"])
def test_calls_of_later_days_keep_what_earlier_days_said(home: Settings, tmp_path: Path, name: str) -> None:
    """Each record a batch of its own, first to last: the lake is what one batch of all of them makes."""
    records = [line for p in logs(SAMPLES / name) if p.name not in WORDS.get(name, ()) for line in whole_lines(p)]
    together, lonely = write(tmp_path / "all.jsonl", *records), other(home, "lonely")
    run([together], Recipe(), home, day="2026-11-20")
    for number, record in enumerate(records):
        run([write(tmp_path / f"{number}.jsonl", record)], Recipe(), lonely, day="2026-11-20")
    mine, theirs = lake(home), lake(lonely)
    assert mine["messages"] == theirs["messages"]
    assert without_parts(mine["conversations"]) == without_parts(theirs["conversations"])


def whole_lines(path: Path) -> list[bytes]:
    text = path.read_text(encoding="utf-8")
    return [json.dumps(json.loads(text), ensure_ascii=False).encode()] if text.startswith("{\n") else text.encode().splitlines()


def without_parts(found: list[tuple[Any, ...]]) -> list[Any]:
    return [(*row[:5], json.loads(row[5] or "{}").get("calls")) for row in found]


def test_a_new_score_beside_old_calls_is_stored(home: Settings, tmp_path: Path) -> None:
    folder = SAMPLES / "langfuse"
    run([folder / "observations.jsonl"], Recipe(), home, day="2026-11-20")
    result = run([folder / "observations.jsonl", folder / "scores.jsonl"], Recipe(), home, day="2026-11-20")
    assert (result["stored"], result["updated"], result["unchanged"]) == (0, 2, 0)
    assert len(rows(home, "feedback")) == 4


def test_a_snapshot_never_overwrites_the_chat_that_came_before(home: Settings, tmp_path: Path) -> None:
    row = json.loads((SAMPLES / "open_webui" / "feedback.json").read_text(encoding="utf-8"))[0]
    chat = json.loads((SAMPLES / "open_webui" / "chats.ndjson").read_text(encoding="utf-8").splitlines()[0])
    chat["chat"]["history"]["messages"]["m2"]["content"] = "Oslo, of course."
    run([write(tmp_path / "chats.jsonl", chat)], Recipe(), home, day="2026-11-20")
    result = run([write(tmp_path / "feedback.jsonl", row)], Recipe(), home, day="2026-11-21")
    assert (result["lines"], result["updated"]) == (
        1,
        1,
    )  # the chat's own annotation had told the rating, the row tells its reason and time
    assert rows(home, "messages", "content", message_id="m2") == [("Oslo, of course.",)]
    assert rows(home, "feedback", "event_id", "reasons", current=True) == [("row-1", ["wrong"])]
