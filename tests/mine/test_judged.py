"""Verdicts of people reach the next batch: their rows weigh less where people found them wrong, and the pairs' id says that it knew."""

import json
from datetime import date, timedelta

from pipeline.audit import book, cases, found
from pipeline.audit.book import Verdict
from pipeline.audit.found import Cell
from pipeline.settings import Settings
from tests.mine import world

NEXT = world.DAY + timedelta(days=1)
FORMS = {world.DAY: "What about {} then?", NEXT: "Please explain to my little sister how {} came to be so very cheap."}
TOPICS = ["rivers", "kettles", "tulips", "quarries", "jets", "harps", "lenses", "moths", "ferries", "wheat", "salt", "bridges"]


def day(of: date) -> list[world.Row]:
    """Twelve edits by twelve users."""
    return [
        world.talk(
            f"{of}-{n}",
            world.turn("q", None, "user", FORMS[of].format(topic)),
            world.turn("a", "q", "assistant", "Nobody knows."),
            user_id=f"u{n}",
            feedback=[world.said("edit", text=f"Ask the {topic} people of {of}, they know.")],
        )
        for n, topic in enumerate(TOPICS)
    ]


def judged(home: Settings, pairs: str, table: str, wrong: int) -> None:
    rows = [c for c in cases.of(home, pairs) if c.table == table]
    said = [
        Verdict("2026-11-21", "ann", pairs, c.id, c.table, c.rule, c.task, 3, "wrong" if n < wrong else "right") for n, c in enumerate(rows)
    ]
    book.add(home, said)


def test_what_people_found_wrong_weighs_less_the_next_day(home: Settings) -> None:
    first = str(world.mine(home, world.take_in(home, *day(world.DAY)))["id"])
    before = world.take_in(home, *day(NEXT), day=NEXT)
    innocent = world.mine(home, before, dry_run=True)["id"]
    judged(home, first, "sft", wrong=4)
    assert found.counts(home) == {Cell("edit/sft", "chat", "one word"): (8, 12)}
    second = world.mine(home, before)
    assert second["id"] != innocent and second["id"] == world.mine(home, before)["id"], "known verdicts are part of the id"
    p = (10 + 8) / (10 + 12)  # judgement's ten right rows, and eight of twelve that people found right
    rows = world.table(home, str(second["id"]), "sft")
    assert {r["weight"] for r in rows} == {round(2 * p - 1, 4)} and len(rows) == 12
    assert {json.loads(r["evidence"])["reliability"]["right"] for r in rows} == {round(p, 4)}
    assert {r["weight"] for r in world.table(home, str(second["id"]), "dpo")} == {1.0}
    assert second["reliability"][0] | {"low": 0, "high": 0} == {"rule": "edit/sft", "app": "chat", "users": "one word", "right": 8.0, "cases": 12.0, "low": 0, "high": 0}  # fmt: skip


def test_a_case_that_people_quarrel_about_and_pairs_that_are_gone_count_for_nothing(home: Settings) -> None:
    pairs = str(world.mine(home, world.take_in(home, *day(world.DAY)))["id"])
    judged(home, pairs, "sft", wrong=0)
    some = next(c for c in cases.of(home, pairs) if c.table == "sft")
    book.add(home, [Verdict("2026-11-21", "ben", pairs, some.id, "sft", some.rule, some.task, 3, "wrong")])
    book.add(home, [Verdict("2026-11-21", "ben", "pairs-20261119-0a0a0a0a", "case-0", "sft", "edit/sft", "other", 3, "wrong")])
    assert found.counts(home) == {Cell("edit/sft", "chat", "one word"): (11, 11)}


def test_where_nobody_judged_nothing_is_counted(home: Settings) -> None:
    assert found.counts(home) == {}
