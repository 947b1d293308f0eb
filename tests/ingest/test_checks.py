"""Every check of sql/checks/ingest is a sentence, and finds the row that breaks it."""

from collections.abc import Iterator

import pytest

from pipeline import lake
from pipeline.errors import Permanent
from pipeline.settings import Settings
from tests.ingest.world import conversation, event, ingest

FIRST = 10**9
CONVERSATION = "insert into ingest.conversations by name select date '2026-11-20' as day, 2 * 10**9 as arrived, "
MESSAGE = "insert into ingest.messages by name select date '2026-11-20' as day, "
FEEDBACK = "insert into ingest.feedback by name select date '2026-11-20' as day, 2 * 10**9 as arrived, true as current, "
BROKEN = {
    "every_conversation_stands_once": CONVERSATION + "'c1' as conversation_id, true as consent",
    "every_message_stands_once_and_has_its_parent": MESSAGE + "'c1' as conversation_id, 'm1' as message_id",
    "every_message_has_its_conversation": MESSAGE + "'gone' as conversation_id, 'm1' as message_id",
    "every_event_has_one_current_state": FEEDBACK + "'c1' as conversation_id, 'f1' as event_id",
    "no_tombstone_keeps_a_text": FEEDBACK + "'t1' as conversation_id, 'f9' as event_id, 'said' as text",
    "no_raw_address_is_stored": MESSAGE + "'c1' as conversation_id, 'm9' as message_id, 'to bob@example.com' as content",
    "no_raw_user_is_stored": FEEDBACK + "'c1' as conversation_id, 'f9' as event_id, 'u-9' as user_hash",
    "every_row_has_its_day": CONVERSATION.replace("date '2026-11-20'", "null::date") + "'c9' as conversation_id, true as consent",
    "the_batches_form_one_chain": "insert into ingest.batches by name select 'x' as logs_id, 'gone' as previous, 2 as number",
}


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """One lake with a good conversation and a tombstone for all checks; each test takes back what it broke."""
    from pipeline import settings

    place = tmp_path_factory.mktemp("checks") / "home"
    home = Settings(**(settings.load().__dict__ | {"home": place, "data": str(place / "lake" / "data"), "lake": "sqlite:"}))
    ingest(home, conversation(feedback=[event()]), conversation("t1", consent=False))
    with lake.connect(home) as con:
        yield con


def test_a_good_batch_passes_every_check(con: object) -> None:
    lake.check(con, "ingest", first=FIRST, next=9 * FIRST, day="2026-11-20")


@pytest.mark.parametrize("sentence", BROKEN)
def test_a_check_finds_what_breaks_its_sentence(con: object, sentence: str) -> None:
    with pytest.raises(Permanent, match=sentence.replace("_", " ")):
        with lake.transaction(con):
            con.execute(BROKEN[sentence])  # type: ignore[attr-defined]
            lake.check(con, "ingest", first=FIRST, next=9 * FIRST, day="2026-11-20")


@pytest.mark.parametrize(
    ("broken", "why"), [("'m1' as message_id", "stands twice"), ("'m9' as message_id, 'gone' as parent_id", "its parent is missing")]
)
def test_a_check_that_is_run_in_parts_finds_what_breaks_its_sentence_in_any_of_them(con: object, broken: str, why: str) -> None:
    with pytest.raises(Permanent, match=f"has its parent.*{why}"):
        with lake.transaction(con):
            con.execute(MESSAGE + "'c1' as conversation_id, " + broken)  # type: ignore[attr-defined]
            lake.check(con, "ingest", parts=7, first=FIRST, next=9 * FIRST, day="2026-11-20")


def test_a_message_that_lost_its_parent_is_found_in_a_conversation_that_did_not_arrive_now(con: object) -> None:
    with pytest.raises(Permanent, match="its parent is missing"):
        with lake.transaction(con):
            con.execute(MESSAGE + "'c1' as conversation_id, 'm9' as message_id, 'gone' as parent_id")  # type: ignore[attr-defined]
            lake.check(con, "ingest", first=9 * FIRST, next=10 * FIRST, day="2026-11-20")
    with lake.transaction(con):
        con.execute(MESSAGE + "'c1' as conversation_id, 'm9' as message_id, 'm1' as parent_id")  # type: ignore[attr-defined]
        lake.check(con, "ingest", first=9 * FIRST, next=10 * FIRST, day="2026-11-20")
        con.execute("delete from ingest.messages where message_id = 'm9'")  # type: ignore[attr-defined]


def test_every_check_has_a_row_that_breaks_it() -> None:
    assert sorted(p.stem for p in (lake.SQL / "checks" / "ingest").glob("*.sql")) == sorted(BROKEN)
