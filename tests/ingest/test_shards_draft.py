"""A batch knows its own earlier chunks though the lake holds nothing of them yet, and leaves nothing behind where it fails."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import Permanent
from pipeline.ingest import chunk, draft
from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.ingest.test_kill import sibling
from tests.ingest.test_shards_beside import LATE, MORE, state
from tests.ingest.world import conversation, event, message, rows, write

pytestmark = pytest.mark.slow  # several ingests a test

TORN = conversation(messages=[message("m1", "gone", "user", "I am cut off.")])
STORIES: dict[str, list[Any]] = {
    "late feedback on a plain line": [conversation(), conversation("x"), LATE],
    "late feedback before its conversation": [LATE, conversation("x"), conversation()],
    "an event told anew, and anew": [conversation(feedback=[event()]), LATE, LATE | {"value": "none"}, LATE | {"value": "up"}],
    "a conversation grows": [conversation(), conversation("x"), conversation(messages=MORE), conversation(feedback=[event()])],
    "a conversation stands again unchanged": [conversation(), conversation("x"), conversation(), conversation("x")],
    "consent is taken back": [conversation(feedback=[event()]), LATE, conversation(consent=False), LATE | {"value": "up"}, conversation()],
    "consent is taken back from a refused line": [TORN, conversation("x"), conversation(consent=False)],
    "slow lines, then plain ones": [LATE | {"conversation_id": f"c{n}"} for n in range(4)] + [conversation(f"c{n}") for n in range(6)],
}


@pytest.mark.parametrize(("few", "large"), [(1, 1 << 30), (1000, 1), (1000, 1 << 30)], ids=["in files", "large ones in files", "in steps"])
def test_a_batch_of_many_chunks_ends_as_one_of_one_chunk(
    few: int, large: int, home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line | {"conversation_id": f"{n}-{line['conversation_id']}"} for n, told in enumerate(STORIES.values()) for line in told]
    path, whole = write(tmp_path / "stories_2026-11-20.jsonl", *lines), sibling(home, "whole")
    counts = run([path], Recipe(), whole)
    monkeypatch.setattr(draft, "FEW", few)
    monkeypatch.setattr(draft, "LARGE", large)
    monkeypatch.setattr(draft, "CHECKED", 5)  # the checks run in several parts
    monkeypatch.setattr(chunk, "MOST_LINES", 1)
    again = run([path], Recipe(), home)
    assert again == counts | {"id": again["id"], "ids": again["ids"]}
    for table, expected in state(whole).items():
        if table != "batches":  # their ids cover the order in which plain and slow lines were taken
            assert state(home)[table] == expected


def test_a_check_that_fails_leaves_no_row_and_no_file(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import lake

    def refuse(*args: Any, **values: Any) -> None:
        raise Permanent("check failed")

    path = write(tmp_path / "a_2026-11-20.jsonl", *[conversation(f"c{n}") for n in range(5)], LATE)
    before = {p for p in Path(home.data).rglob("*") if p.is_file()}
    with monkeypatch.context() as patch:
        patch.setattr(lake, "check", refuse)
        with pytest.raises(Permanent, match="check failed"):
            run([path], Recipe(), home)
    assert {p for p in Path(home.data).rglob("*") if p.is_file()} == before
    assert run([path], Recipe(), home)["stored"] == 6 and len(rows(home, "batches")) == 1
