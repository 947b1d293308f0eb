"""status and trace: what is in service, and lineage both ways down to log lines."""

import json
from datetime import date

import pytest

from pipeline import lake, recipe
from pipeline.commands import rollback, status, trace
from pipeline.errors import BadInput, Permanent
from pipeline.promote import run
from pipeline.report import run as report
from tests import lineage_world

DAY = date(2026, 11, 20)
CONVERSATION = "insert into ingest.conversations by name select $day as day, $id as conversation_id, $consent as consent, 'f' as file_sha, $line as line"
MESSAGE = "insert into ingest.messages by name select $day as day, $id as conversation_id, $m as message_id, $n as position, $role as role, $text as content"
EVENT = "insert into ingest.feedback by name select $day as day, $id as conversation_id, $e as event_id, 'edit' as kind, 'better' as text, $now as current"
BATCH = "insert into ingest.batches by name select 'logs-x' as logs_id, $files as files"


@pytest.fixture
def lived(home):
    """A home with four conversations in its lake, c-3 a tombstone, and c-0..c-2 taught to a promoted model."""
    with lake.connect(home) as con:
        for i in range(4):
            con.execute(CONVERSATION, {"day": DAY, "id": f"c-{i}", "consent": i != 3, "line": i + 1})
            if i != 3:
                con.execute(MESSAGE, {"day": DAY, "id": f"c-{i}", "m": "m1", "n": 0, "role": "user", "text": f"hi {i}"})
                con.execute(MESSAGE, {"day": DAY, "id": f"c-{i}", "m": "m2", "n": 1, "role": "assistant", "text": "hello"})
                con.execute(EVENT, {"day": DAY, "id": f"c-{i}", "e": f"e{i}", "now": True})
        con.execute(EVENT, {"day": DAY, "id": "c-0", "e": "e0", "now": False})
        con.execute(BATCH, {"files": json.dumps([{"name": "day.jsonl", "sha256": "f", "format": "native"}])})
    world = lineage_world.build(home, "promote")
    reported = report.run(world.verdict, recipe.Recipe(), home)["id"]
    return world, reported, run.run(reported, recipe.Recipe(), home)["id"]


def test_status_of_an_empty_home_says_origin_and_makes_nothing(home):
    found = status.run(home)
    assert (found["release"], found["model"], found["since"], found["verdict"]) == (None, "origin", None, None)
    assert {k: found["lake"][k] for k in ("conversations", "messages", "feedback", "quarantined")} == dict.fromkeys(
        ("conversations", "messages", "feedback", "quarantined"), 0
    )
    assert not home.catalogue.exists()
    assert "origin" in status.text(found)


def test_status_names_the_release_and_counts_the_lake(home, lived):
    world, reported, release = lived
    found = status.run(home)
    assert (found["release"], found["model"], found["verdict"], found["report"]) == (release, world.model, world.verdict, reported)
    assert found["since"].startswith("20")
    assert found["lake"] == {"conversations": 4, "tombstones": 1, "messages": 6, "feedback": 3, "quarantined": 0}
    assert release in status.text(found)


def test_status_lists_what_waits_for_a_person_until_somebody_says_a_word(home):
    world = lineage_world.build(home, "hold")
    lineage_world.build(home, "block")
    reported = report.run(world.verdict, recipe.Recipe(), home)["id"]
    assert [w["report"] for w in status.run(home)["waiting"]] == [reported]
    run.run(reported, recipe.Recipe(), home, by="mei", reject=True)
    assert status.run(home)["waiting"] == []


def test_status_shows_a_book_that_was_changed(home, lived):
    rollback.run(home, reason="worse")
    path = home.home / "decisions.jsonl"
    path.write_text(path.read_text().replace("the gate", "nobody", 1))
    assert status.run(home)["decisions"]["changed_at_line"] == 2


def test_a_conversation_is_followed_to_rows_mixes_models_and_releases(home, lived):
    world, _, release = lived
    found = trace.run(home, "c-1")
    assert found["conversation"]["conversation_id"] == "c-1"
    assert [(m["role"], m["content"]) for m in found["conversation"]["messages"]] == [("user", "hi 1"), ("assistant", "hello")]
    assert (found["mixes"], found["models"], found["releases"]) == ([world.mix], [world.model], [release])
    assert {r["example_id"] for r in found["rows"] if r["table"] == "sft"} == {f"x-{i:04}" for i in range(1, 24, 4)}
    assert len(found["signals"]) == 10
    assert [f["event_id"] for f in found["conversation"]["feedback"]] == ["e1"]


def test_of_a_tombstone_only_ids_are_left(home, lived):
    found = trace.run(home, "c-3")
    assert found["conversation"] == {"conversation_id": "c-3", "consent": False, "messages": []}
    assert found["rows"] and all(set(r) <= set(trace.IDS_ONLY) for r in found["rows"])
    assert all(set(s) <= set(trace.IDS_ONLY) for s in found["signals"])


def test_a_later_release_is_not_said_to_be_taught_by_what_it_was_only_compared_with(home, lived):
    world, _, release = lived
    newer = lineage_world.build(home, "promote", champion=world.model, salt="next", text=lambda s: s.replace("c-", "d-"))
    made = run.run(report.run(newer.verdict, recipe.Recipe(), home)["id"], recipe.Recipe(), home)["id"]
    assert trace.run(home, "c-1")["releases"] == [release]
    assert trace.run(home, "d-1")["releases"] == [made]


def test_a_release_is_followed_down_to_log_lines(home, lived):
    world, _, release = lived
    found = trace.run(home, release)
    assert found["ancestors"]["logs"] == [world.logs]
    assert found["ancestors"]["model"] == [world.model]
    assert [(r["conversation_id"], r["file"], r["line"]) for r in found["lines"]] == [(f"c-{i}", "day.jsonl", i + 1) for i in range(4)]
    assert [s["action"] for s in found["served"]] == ["promote"]


def test_logs_are_followed_up_to_the_release(home, lived):
    world, reported, release = lived
    found = trace.run(home, world.logs)
    assert found["descendants"]["release"] == [release]
    assert found["descendants"]["report"] == [reported]


@pytest.mark.parametrize("id", ["c-9", "", "'; drop table x; --", "../../etc/passwd", "C-1"])
def test_an_unknown_conversation_is_refused_by_name(home, lived, id):
    with pytest.raises(BadInput, match="no conversation of this lake"):
        trace.run(home, id)


def test_an_unsealed_id_is_refused(home):
    with pytest.raises(Permanent, match="not sealed"):
        trace.run(home, "model-20261120-00000000")
