"""What the rules hear in single turns: the stage's own SQL over hand-made conversations of three turns, without a lake."""

from collections.abc import Sequence
from typing import Any

from pipeline import lake
from pipeline.mine import implicit, implicit_rules
from tests.mine.world import DAY

ASKED, ANSWERED = "Tell me about the moon.", "The moon has two craters, said one book."
Exchange = tuple[str, str, str]
TABLES = """
    attach ':memory:' as mine;
    create schema ingest;
    create table ingest.conversations (conversation_id varchar, user_hash varchar, app varchar, consent boolean);
    create table ingest.messages (conversation_id varchar, message_id varchar, parent_id varchar, position integer, role varchar, content varchar, day date);
    create table mine.touched (conversation_id varchar);
"""


def exchange(said: str, asked: str = ASKED, answered: str = ANSWERED) -> Exchange:
    return asked, answered, said


def listening(exchanges: Sequence[Exchange]) -> Any:
    """A connection in which the exchanges are labelled: conversation n is the nth exchange."""
    import duckdb

    con = duckdb.connect()
    con.execute(TABLES)
    con.executemany("insert into ingest.conversations values (?, 'ann', 'chat', true)", [[str(n)] for n in range(len(exchanges))])
    rows: list[list[object]] = []
    for n, texts in enumerate(exchanges):
        for place, (role, text) in enumerate(zip(("user", "assistant", "user"), texts, strict=True)):
            rows.append([str(n), f"m{place}", f"m{place - 1}" if place else None, place, role, text, DAY])
    con.executemany("insert into ingest.messages values (?, ?, ?, ?, ?, ?, ?)", rows)
    return con


def heard(*exchanges: Exchange) -> list[dict[str, implicit.Heard]]:
    """For each exchange what its last turn says, by class."""
    found: list[dict[str, implicit.Heard]] = [{} for _ in exchanges]
    for h in implicit.listened(listening(exchanges), DAY, None).heard:
        found[int(h.conversation_id)][h.signal] = h
    return found


def standing(*exchanges: Exchange) -> list[set[str]]:
    """For each exchange the rules that hit and that no guard holds back."""
    con = listening(exchanges)
    lake.run(con, "mine/implicit_turns", day=DAY, only=None)
    rules = implicit_rules.table()
    implicit.label(con, rules)
    held = {tuple(row) for row in con.execute("select conversation_id, guard from mine.guarded").fetchall()}
    guards = {r.id: rules.guards_of(r) for r in rules.rules} | {id: g for id, (_, g) in implicit.REPEATS.items()}
    found: list[set[str]] = [set() for _ in exchanges]
    for conversation, rule in con.execute("select conversation_id, rule from mine.hits").fetchall():
        if not any((conversation, g) in held for g in guards[rule]):
            found[int(conversation)].add(rule)
    return found


def classes(*said: str | Exchange) -> list[set[str]]:
    """For each turn the classes that become signals."""
    return [set(h) for h in heard(*(exchange(s) if isinstance(s, str) else s for s in said))]
