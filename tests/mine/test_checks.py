"""Each check finds the row that breaks its sentence, and nothing in a good batch."""

import datetime

import pytest

from pipeline.lake import SQL

GOOD = """
attach ':memory:' as mine;
create schema ingest;
create table ingest.conversations as select 'c1' as conversation_id, true as consent union all select 'c2', true;
create table mine.states as select 'c1' as conversation_id, 'e1' as event_id, date '2026-11-20' as day;
create table outcomes as select 'c1' as conversation_id, 'e1' as event_id;
create table taught as select 'x1' as example_id, 'edit' as source, 'c1' as conversation_id, 'ann' as unit, 'ben' as voice, 'sky' as prompt;
create table heldout as select 'x2' as example_id, 'edit' as source, 'c2' as conversation_id, 'eve' as unit, 'eve' as voice, 'sea' as prompt;
create table dropped as select 'tie' as reason;
"""

BROKEN = {
    "every_event_of_the_day_ends_in_a_row_or_a_reason": ["delete from outcomes"],
    "every_reason_is_of_the_closed_list": ["insert into dropped values ('because')"],
    "no_held_out_conversation_or_prompt_is_trained_on": [
        "update heldout set conversation_id = 'c1'",
        "update heldout set prompt = 'sky'",
        "update heldout set unit = 'ann'",
        "update heldout set unit = 'ben'",
    ],
    "no_user_is_over_the_cap": ["insert into taught select * replace ('x3' as example_id) from taught"],
    "no_row_is_made_without_consent": ["update ingest.conversations set consent = false where conversation_id = 'c1'"],
    "no_example_id_is_given_twice": ["update heldout set example_id = 'x1'"],
}
CASES = [(name, breaking) for name, ways in BROKEN.items() for breaking in ways]
VALUES = {"day": datetime.date(2026, 11, 20), "cap": 1, "reasons": ["tie"]}


def found(check: str, *breaking: str) -> list[tuple]:
    import duckdb

    con = duckdb.connect()
    con.execute(GOOD)
    for statement in breaking:
        con.execute(statement)
    statement = con.extract_statements((SQL / "checks" / "mine" / f"{check}.sql").read_text(encoding="utf-8"))[0]
    return con.execute(statement, {n: VALUES[n] for n in statement.named_parameters}).fetchall()


@pytest.mark.parametrize(("check", "breaking"), CASES)
def test_a_check_finds_what_breaks_its_sentence(check: str, breaking: str) -> None:
    assert found(check, breaking)


def test_a_good_batch_passes_every_check() -> None:
    assert set(BROKEN) == {p.stem for p in (SQL / "checks" / "mine").glob("*.sql")}
    assert not any(found(check) for check in BROKEN)
