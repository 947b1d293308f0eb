"""consent: false is a tombstone: ids only, whatever came before or comes after."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.recipe import Ingest, Recipe
from pipeline.settings import Settings
from tests.ingest.world import conversation, counts, event, ingest, message, rows

SECRET = "xyzzy plugh"
SAYING = {"messages": [message("m1", None, "user", SECRET)], "metadata": {"note": SECRET}, "app": SECRET}
TOMBSTONE = ("c1", False, None, None, None, None, None)
COLUMNS = ("conversation_id", "consent", "app", "model", "locale", "started_at", "metadata")
EDIT = event(kind="edit", text=SECRET, reasons=[SECRET])


def assert_silent(settings: Settings) -> None:
    """The newest version of the lake, and every sealed folder, say nothing of what was said."""
    for table in ("conversations", "messages", "feedback", "quarantine", "batches"):
        assert SECRET not in repr(rows(settings, table)), table
    sealed = [p.read_bytes() for p in (settings.home / "logs").rglob("*") if p.is_file()]
    assert sealed
    assert not any(SECRET.encode() in content for content in sealed)


def test_a_conversation_without_consent_is_ids_only(home: Settings) -> None:
    assert counts(ingest(home, conversation(consent=False, feedback=[EDIT], **SAYING))) == (1, 1, 0, 0, 0, 0)
    assert rows(home, "conversations", *COLUMNS) == [TOMBSTONE]
    assert rows(home, "messages") == []
    assert rows(home, "feedback", "event_id", "message_id", "kind", "text", "value", "reasons", "digest") == [
        ("f1", "m2", "edit", None, None, None, None)
    ]
    assert_silent(home)


def test_no_byte_of_a_conversation_without_consent_reaches_the_disk(home: Settings) -> None:
    ingest(home, conversation(consent=False, feedback=[EDIT], **SAYING), conversation("c2"))
    files = [p for p in Path(home.home).rglob("*") if p.is_file()]
    assert files
    assert not [p for p in files if SECRET.encode() in p.read_bytes()]


def test_a_tombstone_is_heard_through_other_faults(home: Settings) -> None:
    line = conversation(consent=False, messages=[{"role": "wizard", "content": SECRET}], feedback=[{"kind": "applause", "text": SECRET}])
    assert counts(ingest(home, line)) == (1, 1, 0, 0, 0, 1)
    assert_silent(home)


def test_a_torn_line_that_denies_consent_is_quarantined_without_its_text(home: Settings) -> None:
    torn = f'{{"conversation_id": "c1", "consent": false, "messages": [{{"role": "user", "content": "{SECRET}'.encode()
    assert counts(ingest(home, torn)) == (1, 0, 0, 0, 1, 0)
    assert rows(home, "quarantine", "text", "conversation_id") == [(None, "c1")]
    assert_silent(home)


def test_where_consent_cannot_be_read_the_text_is_not_kept(home: Settings) -> None:
    assert counts(ingest(home, conversation(consent="no", **SAYING))) == (1, 0, 0, 0, 1, 0)
    assert_silent(home)


def test_refusing_later_removes_what_was_stored(home: Settings) -> None:
    ingest(home, conversation(feedback=[EDIT], **SAYING), conversation("c2", messages=[message("m", None, "user", "stays")]))
    assert counts(ingest(home, conversation(consent=False), name="b_2026-11-21.jsonl")) == (1, 0, 1, 0, 0, 0)
    assert rows(home, "conversations", *COLUMNS, conversation_id="c1") == [TOMBSTONE]
    assert rows(home, "messages", "content") == [("stays",)]
    assert rows(home, "feedback", "event_id", "text") == [("f1", None)]


def test_refusing_removes_the_text_that_waited(home: Settings) -> None:
    ingest(home, EDIT | {"conversation_id": "c1"})
    ingest(home, conversation(consent=False), name="b_2026-11-21.jsonl")
    assert rows(home, "feedback", "event_id", "text", "reasons") == [("f1", None, None)]


def test_refusing_removes_the_text_in_quarantine(home: Settings) -> None:
    ingest(home, conversation(messages=[{"role": "wizard", "content": SECRET}]))
    assert SECRET in rows(home, "quarantine", "text")[0][0]
    ingest(home, conversation(consent=False), name="b_2026-11-21.jsonl")
    assert rows(home, "quarantine", "text") == [(None,)]


@pytest.mark.parametrize("late", [EDIT | {"conversation_id": "c1"}, conversation(feedback=[EDIT], **SAYING)], ids=["event", "conversation"])
def test_what_comes_after_a_tombstone_keeps_ids_only(home: Settings, late: dict[str, Any]) -> None:
    ingest(home, conversation(consent=False))
    ingest(home, late, name="b_2026-11-21.jsonl")
    ingest(home, late | {"more": 1}, name="c_2026-11-22.jsonl")
    assert rows(home, "conversations", *COLUMNS) == [TOMBSTONE]
    assert rows(home, "feedback", "event_id", "text") == [("f1", None)]
    assert_silent(home)


def test_a_bad_line_of_a_tombstone_keeps_no_text(home: Settings) -> None:
    ingest(home, conversation(consent=False))
    ingest(home, conversation(messages=[{"role": "wizard", "content": SECRET}]), name="b_2026-11-21.jsonl")
    assert_silent(home)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)], ids=str)
def test_within_one_file_refusal_wins_whatever_the_order(home: Settings, order: tuple[int, ...]) -> None:
    lines = [conversation(feedback=[EDIT], **SAYING), conversation(consent=False), EDIT | {"conversation_id": "c1", "event_id": "f2"}]
    ingest(home, *(lines[i] for i in order))
    assert rows(home, "conversations", *COLUMNS) == [TOMBSTONE]
    assert rows(home, "feedback", "event_id", "text") == [("f1", None), ("f2", None)]
    assert_silent(home)


def test_a_tombstone_twice_changes_nothing(home: Settings) -> None:
    first = ingest(home, conversation(consent=False, feedback=[EDIT]))
    again = ingest(home, conversation(consent=False, feedback=[EDIT]), name="b_2026-11-20.jsonl")
    assert (counts(again), again["id"]) == ((1, 0, 0, 1, 0, 0), first["id"])


def test_absent_consent_is_what_the_recipe_says(home: Settings) -> None:
    ingest(home, conversation(consent=None), recipe=Recipe(ingest=Ingest(consent_default=False)))
    assert rows(home, "conversations", "consent") == [(False,)]
    ingest(home, conversation("c2", consent=None), name="b_2026-11-21.jsonl")
    assert rows(home, "conversations", "consent", conversation_id="c2") == [(True,)]
