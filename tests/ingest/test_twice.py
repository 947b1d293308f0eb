"""Twice is once: the same file changes nothing, a changed conversation is an update, and nothing that was said is lost."""

import json
from typing import Any

from pipeline import lake, lineage
from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.ingest.world import conversation, counts, event, ingest, message, rows, write

MESSAGES: list[dict[str, Any]] = conversation()["messages"]
MORE = [*MESSAGES, message("m3", "m2", "user", "Thanks.")]


def everything(settings: Settings) -> dict[str, list[Any]]:
    return {table: rows(settings, table) for table in ("conversations", "messages", "feedback", "quarantine", "batches")}


def test_the_same_file_twice_changes_nothing_and_gives_the_same_id(home: Settings) -> None:
    lines = (conversation(feedback=[event(), event("bad", value="x")]), b"{torn", conversation("c2"))
    first, before = ingest(home, *lines), everything(home)
    again = ingest(home, *lines)
    assert counts(first) == (3, 2, 0, 0, 1, 1)
    assert counts(again) == (3, 0, 0, 2, 1, 1)
    assert again["id"] == first["id"]
    assert everything(home) == before


def test_the_same_content_in_another_file_changes_nothing(home: Settings) -> None:
    first = ingest(home, conversation(feedback=[event()]))
    again = ingest(home, conversation(feedback=[event()]), name="copy_2026-11-20.jsonl")
    assert (counts(again), again["id"]) == ((1, 0, 0, 1, 0, 0), first["id"])


def test_a_line_that_stands_twice_in_one_file_is_unchanged(home: Settings) -> None:
    assert counts(ingest(home, conversation(), conversation())) == (2, 1, 0, 1, 0, 0)


def test_a_file_that_stands_twice_in_one_batch_is_unchanged(home: Settings) -> None:
    folder = home.home.parent / "logs"
    for name in ("a_2026-11-20.jsonl", "b_2026-11-20.jsonl"):
        write(folder / name, conversation(), b"{torn")
    assert counts(run([folder], Recipe(), home)) == (4, 1, 0, 1, 2, 0)
    assert len(rows(home, "quarantine")) == 1


def test_a_conversation_with_more_messages_is_an_update(home: Settings) -> None:
    ingest(home, conversation())
    assert counts(ingest(home, conversation(messages=MORE), name="b_2026-11-21.jsonl")) == (1, 0, 1, 0, 0, 0)
    found = rows(home, "messages", "message_id", "position", "day::varchar")
    assert found == [("m1", 0, "2026-11-20"), ("m2", 1, "2026-11-20"), ("m3", 2, "2026-11-21")]
    assert rows(home, "conversations", "day::varchar") == [("2026-11-20",)]


def test_a_conversation_with_fewer_messages_loses_nothing(home: Settings) -> None:
    ingest(home, conversation(messages=MORE, feedback=[event()]))
    before = everything(home)
    assert counts(ingest(home, conversation(messages=MESSAGES[:1]), name="b_2026-11-21.jsonl")) == (1, 0, 0, 1, 0, 0)
    assert everything(home) == before


def test_a_shorter_chain_does_not_cut_a_link(home: Settings) -> None:
    chain = [{"message_id": i, "role": "user", "content": i} for i in "abc"]
    ingest(home, conversation(messages=chain))
    ingest(home, conversation(messages=[*chain[1:], {"message_id": "d", "role": "user", "content": "d"}]), name="b_2026-11-21.jsonl")
    assert rows(home, "messages", "message_id", "parent_id") == [("a", None), ("b", "a"), ("c", "b"), ("d", "c")]


def test_an_edited_message_is_an_update(home: Settings) -> None:
    ingest(home, conversation())
    edited = [MESSAGES[0], MESSAGES[1] | {"content": "Delivered."}]
    assert counts(ingest(home, conversation(messages=edited), name="b_2026-11-21.jsonl")) == (1, 0, 1, 0, 0, 0)
    assert rows(home, "messages", "content") == [("Delivered.",), ("Where is my parcel?",)]


def test_silence_about_a_field_takes_nothing_away(home: Settings) -> None:
    ingest(home, conversation())
    ingest(home, conversation(app=None, metadata=None, model="newer"), name="b_2026-11-21.jsonl")
    assert rows(home, "conversations", "app", "model", "metadata") == [("helpdesk", "newer", '{"channel":"web"}')]


def test_an_update_inside_one_file_is_counted_as_one(home: Settings) -> None:
    lines = (conversation(), conversation(messages=MORE, feedback=[event()]), conversation(messages=MORE))
    assert counts(ingest(home, *lines)) == (3, 1, 1, 1, 0, 0)
    assert len(rows(home, "conversations")) == 1
    assert len(rows(home, "messages")) == 3


def test_an_old_file_read_again_does_not_undo_what_came_after(home: Settings) -> None:
    old = (conversation(feedback=[event()]),)
    first = ingest(home, *old)
    ingest(home, conversation(model="newer", feedback=[event(value="down")]), name="b_2026-11-21.jsonl")
    before = everything(home)
    again = ingest(home, *old)
    assert (counts(again), again["id"]) == ((1, 0, 0, 1, 0, 0), first["id"])
    assert everything(home) == before


def test_what_changes_nothing_gives_the_id_of_the_batch_that_brought_it(home: Settings) -> None:
    first = ingest(home, conversation("c1"), name="a_2026-11-20.jsonl")
    second = ingest(home, conversation("c2"), name="b_2026-11-21.jsonl")
    assert first["id"] != second["id"]
    assert ingest(home, conversation("c1"), name="a_2026-11-20.jsonl")["id"] == first["id"]


def test_the_id_covers_what_was_stored_and_the_id_before(home: Settings, tmp_path: Any) -> None:
    other = Settings(**(home.__dict__ | {"home": tmp_path / "other", "data": str(tmp_path / "other" / "data")}))
    same = [ingest(s, conversation())["id"] for s in (home, other)]
    then = [ingest(s, conversation("c2"), name="b_2026-11-21.jsonl")["id"] for s in (home, other)]
    assert same[0] == same[1]
    assert then[0] == then[1]
    different = ingest(other, conversation("c3"), name="c_2026-11-21.jsonl")["id"]
    assert lineage.manifest(other, different)["previous"] == then[1]


def test_the_sealed_folder_says_what_the_lake_says(home: Settings) -> None:
    result = ingest(home, conversation(), b"{torn bob@example.com")
    manifest = lineage.require(home, result["id"], "logs")
    assert {k: manifest["counts"][k] for k in ("lines", "stored", "quarantined")} == {"lines": 2, "stored": 1, "quarantined": 1}
    refused = [json.loads(line) for line in (lineage.folder(home, result["id"]) / "quarantine.jsonl").read_text().splitlines()]
    assert [(r["line"], r["reason"], r["file"]) for r in refused] == [(2, "invalid JSON", "log_2026-11-20.jsonl")]
    with lake.connect(home, snapshot=manifest["snapshot"]) as con:
        assert con.execute("select count(*) from ingest.conversations").fetchall() == [(1,)]


def test_the_snapshot_of_a_batch_does_not_see_the_next(home: Settings) -> None:
    first = ingest(home, conversation("c1"))
    ingest(home, conversation("c2"), name="b_2026-11-21.jsonl")
    with lake.connect(home, snapshot=lineage.manifest(home, first["id"])["snapshot"]) as con:
        assert con.execute("select conversation_id from ingest.conversations").fetchall() == [("c1",)]


def test_a_file_of_bad_lines_alone_has_an_id_and_a_row_a_line(home: Settings) -> None:
    result = ingest(home, b"{torn", b"null")
    assert counts(result) == (2, 0, 0, 0, 2, 0)
    assert lineage.sealed(home, result["id"])
    assert len(rows(home, "quarantine")) == 2
