"""A hotfix file becomes conversations of the app `hotfix`, once, and says why a line cannot be one."""

import json
from datetime import date
from pathlib import Path

import pytest

from pipeline import lake
from pipeline.ingest.formats import hotfix
from pipeline.ingest.quarantine import Refused
from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings

FIX = {
    "task": "colour",
    "messages": [{"role": "system", "content": "One word."}, {"role": "user", "content": "Sky?"}],
    "answer": "blue",
    "rejected": "red",
    "note": "seen on Monday",
}


def written(path: Path, *rows: dict) -> list[Path]:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return [path]


def said(home: Settings) -> list[tuple]:
    with lake.connect(home) as con:
        return con.execute(
            """select c.app, json_extract_string(c.metadata, '$.task'), m.content, f.kind, f.value, f.text
            from ingest.conversations c join ingest.feedback f using (conversation_id) join ingest.messages m using (conversation_id, message_id)
            order by m.content"""
        ).fetchall()


def test_a_rejected_answer_is_edited_and_a_bare_answer_is_praised(home: Settings, tmp_path: Path) -> None:
    bare = {k: v for k, v in FIX.items() if k != "rejected"}
    done = run(written(tmp_path / "fix.jsonl", FIX, bare), Recipe(), home, day=date(2026, 11, 17), format="hotfix")
    assert (done["stored"], done["quarantined"]) == (2, 0)
    assert said(home) == [("hotfix", "colour", "blue", "thumb", "up", None), ("hotfix", "colour", "red", "edit", None, "blue")]


def test_the_same_example_is_the_same_conversation_in_any_file_on_any_day(home: Settings, tmp_path: Path) -> None:
    first = run(written(tmp_path / "a.jsonl", FIX), Recipe(), home, day=date(2026, 11, 17), format="hotfix")
    again = run(written(tmp_path / "b.jsonl", FIX, FIX), Recipe(), home, day=date(2026, 11, 18), format="hotfix")
    assert (again["stored"], again["updated"], again["unchanged"]) == (0, 0, 2)
    assert again["id"] == first["id"]


def test_a_file_read_as_native_by_mistake_is_read_again_as_hotfix(home: Settings, tmp_path: Path) -> None:
    paths = written(tmp_path / "fix.jsonl", FIX)
    assert run(paths, Recipe(), home, day=date(2026, 11, 17))["quarantined"] == 1
    done = run(paths, Recipe(), home, day=date(2026, 11, 17), format="hotfix")
    assert (done["stored"], done["quarantined"]) == (1, 0)


BAD = {
    "missing key: task": {"task": None},
    "unknown key": {"answr": "blue"},
    "the last message is not the user's": {"messages": [{"role": "assistant", "content": "Hello"}]},
    "wrong type: messages": {"messages": "Sky?"},
    "missing key: answer": {"answer": None},
    "wrong type: rejected": {"rejected": 7},
}


@pytest.mark.parametrize("reason", BAD)
def test_a_line_that_is_no_example_is_refused_with_the_reason(reason: str) -> None:
    raw = {k: v for k, v in (FIX | BAD[reason]).items() if v is not None}
    with pytest.raises(Refused, match=f"^{reason}$"):
        hotfix.native(raw)


def test_a_native_log_cannot_pass_itself_off_as_a_hotfix(home: Settings, tmp_path: Path) -> None:
    """Hotfix rows are under no cap and never held out, so a stranger's log must not be able to write one."""
    line = {"conversation_id": "c1", "app": "hotfix", "messages": [{"role": "user", "content": "a"}]}
    done = run(written(tmp_path / "log.jsonl", line), Recipe(), home, day=date(2026, 11, 17))
    assert done["stored"] == 0 and done["reasons"] == {"reserved app: hotfix": 1}
