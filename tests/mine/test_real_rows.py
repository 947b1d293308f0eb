"""Real edits and votes give exactly the rows of a hand-made expectation, and fifty of them were read one by one."""

import hashlib
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline.audit.agreement import wilson
from pipeline.settings import Settings
from tests.mine.test_real_logs import mined, raw
from tests.mine.world import table

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "expected_rows.json").read_text(encoding="utf-8"))
AUDITED = json.loads((HERE / "audited_rows.json").read_text(encoding="utf-8"))["rows"]
REAL = [name for name in EXPECTED if name != "about"]

Row = dict[str, Any]


def sha(texts: list[str]) -> str:
    return hashlib.sha256(json.dumps(texts, ensure_ascii=False).encode()).hexdigest()[:12]


def answers(kind: str, row: Row) -> list[str]:
    """The texts that a row teaches: the answer; of a pair the better one first."""
    parts = {"sft": ("messages",), "dpo": ("chosen", "rejected"), "kto": ("completion",)}[kind]
    return [row[name][-1]["content"] for name in parts]


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_the_counts_are_those_that_were_made_by_hand_and_the_audited_rows_are_among_them(name: str, data: Path, home: Settings) -> None:
    found = mined(data / "logs" / f"{name}.jsonl", home)
    wanted = EXPECTED[name]
    assert {k: found[k] for k in ("examples", "pairs", "unpaired", "dropped")} == {k: v for k, v in wanted.items() if k != "why"}
    rows = {kind: {r["example_id"]: r for r in table(home, found["id"], kind)} for kind in ("sft", "dpo", "kto")}
    read = [a for a in AUDITED if a["file"] == name]
    assert read and all(sha(answers(a["kind"], rows[a["kind"]][a["example_id"]])) == a["sha"] for a in read)


@cache
def talks(path: Path) -> dict[str, tuple[Row, Row]]:
    """(conversation, event) of each event id of a log."""
    lines = raw(path)
    by_id = {t["conversation_id"]: t for t in lines if "messages" in t}
    own = {f["event_id"]: (t, f) for t in by_id.values() for f in t.get("feedback", [])}
    return own | {
        line["event_id"]: (by_id[line["conversation_id"]], line)
        for line in lines
        if "messages" not in line and line["conversation_id"] in by_id
    }


@pytest.mark.parametrize("audited", AUDITED, ids=lambda a: f"{a['file']}-{a['kind']}-{a['example_id'][:6]}")
def test_an_audited_row_says_what_the_log_says(audited: Row, data: Path) -> None:
    """By the raw log alone: an edit's own text over the answer shown, the winner over the loser, the answer that was voted on."""
    talk, event = talks(data / "logs" / f"{audited['file']}.jsonl")[audited["event"]]
    text = {m["message_id"]: m["content"] for m in talk["messages"]}
    shown = text[event["message_id"]]
    if audited["file"].startswith("intent"):
        shown = shown.strip()
    spoken = {
        ("edit", "sft"): [[str(event.get("text")).rstrip()]],
        ("edit", "dpo"): [[str(event.get("text")).rstrip(), text[event["message_id"]]]],
        ("choose", "dpo"): [[shown.rstrip(), text[o]] for o in event.get("over", [])],
        ("thumb", "kto"): [[shown], [text[event["message_id"]]]],
    }
    assert audited["sha"] in {sha(texts) for texts in spoken[event["kind"], audited["kind"]]}


def test_fifty_rows_were_read_and_each_verdict_has_its_reason() -> None:
    assert len({(a["file"], a["kind"], a["example_id"]) for a in AUDITED}) == len(AUDITED) == 50
    assert {a["file"] for a in AUDITED} >= set(REAL) and all(len(a["reason"]) > 15 for a in AUDITED)
    assert {a["mined"] for a in AUDITED} == {"right"}
    said = Counter(a["train"] for a in AUDITED)
    low, high = wilson(said["right"], said["right"] + said["wrong"])
    assert said == {"right": 35, "unsure": 8, "wrong": 7} and (round(low, 2), round(high, 2)) == (0.69, 0.92)
