"""The real and simulated logs beside the checkout, against the truth that came with them; and a small file like it that is always here."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline import lake
from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.ingest.world import conversation, counts, event, ingest, rows


def jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_line_of_a_broken_file_has_the_fate_that_the_contract_gives_it(home: Settings) -> None:
    good = json.dumps(conversation("good")).encode()
    late = {"conversation_id": "later", "kind": "thumb", "value": "up"}
    lines = [
        b"\xef\xbb\xbf" + good,  # 1 stored
        good[:100],  # 2 torn
        b"",  # 3 no line
        conversation("c4", consent=False),  # 4 tombstone
        late,  # 5 waits
        conversation("c6", feedback=[event(kind="applause"), event("f2")]),  # 6 stored, one event refused
        good,  # 7 unchanged
        conversation("good", model="newer"),  # 8 updated
        b"null",  # 9
        good.replace(b"good", b"c10") + b"\r",  # 10 stored
    ]
    result = ingest(home, *lines)
    assert counts(result) == (9, 5, 1, 1, 2, 1)
    assert [(q["line"], q["what"], q["reason"]) for q in result["quarantine"]] == [
        (2, "line", "torn JSON"),
        (6, "event", "unknown feedback kind"),
        (9, "line", "not an object"),
    ]
    assert result["reasons"] == {"not an object": 1, "torn JSON": 1, "unknown feedback kind": 1}


def test_the_broken_file_meets_its_truth_line_by_line(home: Settings, data: Path) -> None:
    truth = jsonl(data / "truth" / "broken_2026-11-12.truth.jsonl")
    path = data / "logs" / "broken_2026-11-12.jsonl"
    result = run([path], Recipe(), home)
    refused = {q["line"] for q in result["quarantine"] if q["what"] == "line"}
    stored = {line for (line,) in rows(home, "conversations", "line", consent=True)}
    tombstones = {line for (line,) in rows(home, "conversations", "line", consent=False)}
    waiting = {44: "bk-44-later", 45: "bk-45"}
    assert set(waiting.values()) <= {c for (c,) in rows(home, "feedback", "conversation_id")}
    fate = {}
    for row in truth:
        line = row["line"]
        named = {"quarantine": line in refused, "store": line in stored or line in waiting, "tombstone": line in tombstones}
        fate[line] = [name for name, is_so in named.items() if is_so] or ["skip"]
    assert fate == {row["line"]: [row["expect"]] for row in truth}
    assert [(q["line"], q["reason"]) for q in result["quarantine"] if q["what"] == "event"] == [
        (37, "unknown feedback kind"),
        (46, "wrong type: over"),
    ]
    assert run([path], Recipe(), home)["id"] == result["id"]


def test_the_broken_file_leaves_nothing_odd_behind(home: Settings, data: Path) -> None:
    run([data / "logs" / "broken_2026-11-12.jsonl"], Recipe(), home)
    content = dict(rows(home, "messages", "message_id", "content"))
    assert content["bk-24-1"] == "a whole pair: \U0001f600 end"
    assert content["bk-29-1"].startswith("<script>")
    assert len(content["bk-33-1"]) + len(content["bk-33-2"]) > 2_000_000
    assert not [m for m in content if m.startswith("bk-43")]
    assert rows(home, "conversations", "day::varchar", "started_at::varchar", "flags", conversation_id="bk-47") == [
        ("2026-11-12", "2026-11-12 00:00:00+00", ["started_at replaced"])
    ]
    assert not list(home.home.parent.rglob("etc"))
    with lake.connect(home) as con:
        assert con.execute("select count(*) from ingest.quarantine where contains(text, chr(0))").fetchall() == [(0,)]


def test_the_intent_files_have_as_many_lines_and_conversations_as_their_summary_says(home: Settings, data: Path) -> None:
    files = json.loads((data / "truth" / "intent_summary.json").read_text())["files"]
    assert len(files) == 6
    for day, said in files.items():
        result = run([data / "logs" / f"intent_{day}.jsonl"], Recipe(), home)
        assert counts(result) == (said["lines"], said["lines"] - 1, 0, 1, 0, 0), day
        assert len([d for (d,) in rows(home, "conversations", "day::varchar") if d == day]) == said["conversations"]


def test_all_intent_files_hold_every_conversation_and_event_of_the_truth(home: Settings, data: Path) -> None:
    truth = jsonl(data / "truth" / "intent_truth.jsonl")
    run([data / "logs" / "intent_*.jsonl"], Recipe(), home)
    assert {c for (c,) in rows(home, "conversations", "conversation_id")} == {t["conversation_id"] for t in truth}
    expected = {(e["event_id"], e["kind"], e["arrives_in"][7:17]) for t in truth for e in t["events"]}
    found = rows(home, "feedback", "event_id", "kind", "day::varchar", "current")
    assert {f[:3] for f in found} == expected
    assert all(f[3] for f in found)


LOGS = {
    "finegrained_rlhf": (500, {"edit": 500, "choose": 3000}),
    "hh_rlhf_harmless": (2312, {"choose": 2312}),
    "lamp_edits": (54, {"edit": 150}),
    "lamp_rankings": (201, {"choose": 1206}),
}


@pytest.mark.parametrize("name", LOGS)
def test_a_public_log_is_stored_whole(home: Settings, data: Path, name: str) -> None:
    lines, events = LOGS[name]
    result = run([data / "logs" / f"{name}.jsonl"], Recipe(), home, day="2026-11-20")
    assert counts(result) == (lines, lines, 0, 0, 0, 0)
    assert Counter(kind for (kind,) in rows(home, "feedback", "kind")) == events
