"""A batch that is made while another commits ends as if it had begun after it: made again where they met, and only there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import lineage
from pipeline.errors import Transient
from pipeline.ingest import making, threshold, turns
from pipeline.ingest.run import run
from pipeline.recipe import Ingest, Recipe
from pipeline.settings import Settings
from tests.ingest.test_kill import sibling
from tests.ingest.world import conversation, event, message, rows, write

pytestmark = pytest.mark.slow  # two ingests beside each other in every test

TABLES = {
    "conversations": ("* exclude (arrived)",),
    "messages": ("*",),
    "feedback": ("* exclude (arrived)",),
    "quarantine": ("* exclude (arrived)",),
    "batches": ("* exclude (block)",),
}
LATE = {"conversation_id": "c1", **event("late", value="down", user_id="u-2", created_at="2026-11-20T09:00:00Z")}
MORE = [*conversation()["messages"], message("m3", "m2", "user", "Thanks.")]
STRICT = Recipe(ingest=Ingest(max_quarantined_lines=0, max_quarantined_share=0.01))


def state(settings: Settings) -> dict[str, Any]:
    return {table: rows(settings, table, *columns) for table, columns in TABLES.items()}


def meanwhile(monkeypatch: pytest.MonkeyPatch, other: Callable[[], Any]) -> list[int]:
    """Run the other ingest once, whole, between the first batch's making and its commit. Returns the blocks of the batches made."""
    whole, left, made = making.make, [other], []

    def make(con: Any, files: Any, recipe: Any, settings: Any, format: str, block: int) -> making.Made:
        done = whole(con, files, recipe, settings, format, block)
        made.append(block)
        if left:
            left.pop()()
        return done

    monkeypatch.setattr(making, "make", make)
    return made


# name: (lines of the batch that is made, lines of the one that commits meanwhile, whether they met)
MEETINGS: dict[str, tuple[list[Any], list[Any], bool]] = {
    "nothing in common": ([conversation("a"), LATE | {"conversation_id": "x"}], [conversation("b"), b"{torn"], False),
    "the same conversation": ([conversation()], [conversation()], True),
    "the same conversation, longer": ([conversation()], [conversation(messages=MORE)], True),
    "the conversation of late feedback": ([LATE], [conversation()], True),
    "late feedback of the conversation": ([conversation()], [LATE], True),
    "the same late event": ([LATE], [LATE | {"value": "up"}], True),
    "consent taken back": ([conversation(feedback=[event()])], [conversation(consent=False)], True),
    "consent given, then taken back": ([conversation(consent=False)], [conversation(feedback=[event()])], True),
    "a refused line of a conversation without consent": (
        [conversation(consent=False)],
        [conversation(messages=[message("m1", "gone", "user", "Hi")])],
        True,
    ),
    "consent taken back from a refused line": (
        [conversation(messages=[message("m1", "gone", "user", "Hi")])],
        [conversation(consent=False)],
        True,
    ),
}


@pytest.mark.parametrize("name", MEETINGS)
def test_it_ends_as_if_it_had_begun_after_the_other(name: str, home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, others, met = MEETINGS[name]
    first, second = write(tmp_path / "first_2026-11-20.jsonl", *mine), write(tmp_path / "second_2026-11-20.jsonl", *others)
    apart = sibling(home, "apart")
    ids = [run([path], Recipe(), apart)["id"] for path in (second, first)]
    made = meanwhile(monkeypatch, lambda: run([second], Recipe(), home))
    done = run([first], Recipe(), home)
    assert state(home) == state(apart)
    assert made == ([1, 2, 1] if met else [1, 2]), "the second reading costs its time again: only where they met"
    assert done["id"] == ids[1]
    assert run([first, second], Recipe(), home)["stored"] == 0


def test_another_day_that_came_meanwhile_keeps_its_day(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [[conversation(id, feedback=[event()]), b"{torn"] for id in ("a", "b")]
    first, second = (write(tmp_path / f"log_2026-11-{day}.jsonl", *found) for day, found in zip((20, 21), lines, strict=True))
    made = meanwhile(monkeypatch, lambda: run([second], Recipe(), home))
    done = run([first], Recipe(), home)
    assert (done["stored"], done["quarantined"], made) == (1, 1, [1, 2])
    for table in ("conversations", "feedback"):
        assert sorted(rows(home, table, "conversation_id, day::text")) == [("a", "2026-11-20"), ("b", "2026-11-21")]


def test_the_same_file_taken_in_meanwhile_changes_nothing(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a_2026-11-20.jsonl", conversation(feedback=[event()]), b"{torn")
    ids: list[str] = []
    made = meanwhile(monkeypatch, lambda: ids.append(run([path], Recipe(), home)["id"]))
    done = run([path], Recipe(), home)
    assert (done["id"], done["stored"], done["updated"], done["quarantined"]) == (ids[0], 0, 0, 1)
    assert len(rows(home, "batches")) == 1 and made == [1, 2, 1]


def test_a_day_that_was_stopped_meanwhile_keeps_no_text_of_a_conversation_without_consent(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = write(tmp_path / "a_2026-11-20.jsonl", conversation(consent=False))
    bad = write(tmp_path / "b_2026-11-20.jsonl", conversation(messages=[message("m1", "gone", "user", "my secret")]))

    def stopped() -> None:
        with pytest.raises(threshold.Stopped):
            run([bad], STRICT, home)
        assert rows(home, "quarantine", "text") != [(None,)]

    meanwhile(monkeypatch, stopped)
    run([gone], Recipe(), home)
    assert rows(home, "quarantine", "text") == [(None,)]
    run([write(tmp_path / "c_2026-11-20.jsonl", conversation("c2"))], Recipe(), home)


def test_feedback_on_a_call_that_came_meanwhile_finds_it(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call = {
        "id": "call-1",
        "function_name": "helpdesk",
        "variant_name": "champion",
        "episode_id": "e-1",
        "input": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Where is my parcel?"}]}]},
        "output": [{"type": "text", "text": "On its way."}],
        "timestamp": "2026-11-20T08:00:00Z",
    }
    thumb = {"id": "f-1", "target_id": "call-1", "metric_name": "helpful", "value": True, "timestamp": "2026-11-20T09:00:00Z"}
    calls, thumbs = write(tmp_path / "calls_2026-11-20.jsonl", call), write(tmp_path / "thumbs_2026-11-20.jsonl", thumb)
    made = meanwhile(monkeypatch, lambda: run([calls], Recipe(), home, format="tensorzero"))
    done = run([thumbs], Recipe(), home, format="tensorzero")
    assert (done["stored"], done["quarantined"], made) == (1, 0, [1, 2, 1])


def test_a_batch_s_place_is_given_back_by_one_that_failed(home: Settings, tmp_path: Path) -> None:
    from pipeline import lake
    from pipeline.ingest import places

    with lake.connect(home) as con:
        with places.reserved(con, home) as first, places.reserved(con, home) as second:
            assert (first, second) == (1, 2)
        with places.reserved(con, home) as again:
            assert again == 1
    run([write(tmp_path / "a_2026-11-20.jsonl", conversation())], Recipe(), home)
    with lake.connect(home) as con, places.reserved(con, home) as after:
        assert after == 2


def test_a_batch_without_a_block_stands_where_its_number_says(home: Settings, tmp_path: Path) -> None:
    """Homes from before blocks: their batches have none."""
    from pipeline import lake

    path = write(tmp_path / "a_2026-11-20.jsonl", conversation(), b"{torn")
    first = run([path], Recipe(), home)
    with lake.connect(home) as con:
        con.execute("update ingest.batches set block = null")
    (lineage.folder(home, first["id"]) / "manifest.json").unlink()
    assert run([path], Recipe(), home)["quarantine"] == first["quarantine"]
    sealed = (lineage.folder(home, first["id"]) / "quarantine.jsonl").read_text()
    assert [json.loads(line)["reason"] for line in sealed.splitlines()] == [first["quarantine"][0]["reason"]]


def test_an_erasure_and_a_clean_up_wait_until_no_batch_is_being_made(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_is_alone() -> None:
        with pytest.raises(Transient, match="ingest-making has been locked"), turns.alone(home):
            pass
        with turns.making(home), turns.commit(home):
            pass  # another batch may

    monkeypatch.setattr(lineage, "LOCK_WAIT_S", 0.3)
    meanwhile(monkeypatch, nobody_is_alone)
    run([write(tmp_path / "a_2026-11-20.jsonl", conversation())], Recipe(), home)
    with turns.alone(home), pytest.raises(Transient, match="ingest-making has been locked"):
        run([write(tmp_path / "b_2026-11-20.jsonl", conversation("c2"))], Recipe(), home)
