"""Earlier days are looked up: no lesson twice, no test that was taught, and a shelf that may be lost at any time."""

import json
import random
import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline import lineage, people
from pipeline.mine import prints, remembered, shelf, splits
from pipeline.mine.prints import Said
from pipeline.mine.shelf import Span
from pipeline.mix import history
from pipeline.recipe import Task
from pipeline.settings import Settings
from tests.mine.test_leaks import LONG, changed, edited, question
from tests.mine.world import ALL, DAY, Row, configured, mine, table, take_in

pytestmark = pytest.mark.slow  # several days in every test

CARD = Task(name="help", match={"app": "chat"})
SPLIT = ALL.model_copy(update={"heldout_share": 0.2})


@pytest.fixture
def house(home: Settings, tmp_path: Path) -> Settings:
    return configured(home, tmp_path / "config", CARD)


def day(house: Settings, number: int, *talks: Row, **options: object) -> Row:
    when = DAY + timedelta(days=number)
    return mine(house, take_in(house, *talks, day=when), tasks=["help"], **options)


def named(house: Settings, result: Row, reason: str) -> list[str]:
    return [json.loads(r["evidence"])["like"] for r in table(house, result["id"], "dropped") if r["reason"] == reason]


def test_a_lesson_of_an_earlier_day_is_not_given_again_and_is_named(house: Settings) -> None:
    first = day(house, 0, edited("c1", "ann", LONG, fix="At the desk."))
    second = day(house, 1, edited("c2", "eve", f"{LONG} please", fix="At the desk."), edited("c3", "joe", "And the red one?", fix="No."))
    [row] = table(house, first["id"], "sft")
    assert f"{first['id']}/{row['example_id']}" in named(house, second, "near_duplicate")
    assert [r["conversation_id"] for r in table(house, second["id"], "sft")] == ["c3"]
    assert lineage.manifest(house, second["id"])["compared_with"] == [first["id"]]


def test_the_users_last_word_is_told_again_when_it_changed_between(house: Settings) -> None:
    for number, (user, fix) in enumerate([("ann", "At the desk."), ("eve", "At the gate."), ("joe", "At the desk.")]):
        found = day(house, number, edited(f"c{number}", user, f"{LONG} {'please ' * number}", fix=fix))
        assert found["examples"] == 1, number


def test_what_was_taught_is_no_test_and_what_is_a_test_is_not_taught(house: Settings) -> None:
    draw = random.Random(1)
    taught, tested = question(draw), question(draw)
    held = [u for u in map(str, range(60)) if splits.drawn(people.user_hash(house, u), 0.2)]
    ann = next(u for u in map(str, range(60)) if u not in held)
    day(house, 0, edited("c1", ann, taught, fix="one"), edited("h1", held[0], tested, fix="two"), mining=SPLIT)
    talks = [edited("h2", held[1], f"{taught} again", fix="three"), edited("c2", ann, f"{tested} again", fix="four")]
    later = day(house, 1, *talks, mining=SPLIT)
    assert (later["examples"], later["heldout"]) == (0, 0)
    assert later["dropped"]["taught_before"] == 1 and later["dropped"]["held_out_near"] >= 1


def test_a_lost_shelf_is_made_again_and_gives_the_same_bytes(house: Settings) -> None:
    draw = random.Random(2)
    asked = [question(draw) for _ in range(12)]
    for number in range(2):
        day(house, number, *(edited(f"c{number}-{n}", f"u{n}", changed(draw, q), fix=f"fix {n}") for n, q in enumerate(asked)))
    logs = take_in(
        house, *(edited(f"z{n}", f"u{n}", changed(draw, q), fix=f"fix {n}") for n, q in enumerate(asked)), day=DAY + timedelta(2)
    )
    made = mine(house, logs, tasks=["help"])
    files = lineage.manifest(house, made["id"])["files"]
    shutil.rmtree(house.home / "cache" / "similar")
    (lineage.folder(house, made["id"]) / "manifest.json").unlink()
    assert mine(house, logs, tasks=["help"])["id"] == made["id"]
    assert lineage.manifest(house, made["id"])["files"] == files
    assert made["dropped"]["near_duplicate"] > 0


def test_the_pairs_that_are_looked_back_on_are_those_that_mix_looks_back_on() -> None:
    draw = random.Random(3)
    sealed = []
    for n in range(40):
        of = date(2026, 11, 1) + timedelta(days=draw.randrange(12))
        hotfix = draw.random() < 0.2
        facts = {"name": draw.choice(["daily", "other"]), "mining": {"only": "hotfix" if hotfix else None}}
        times = {"started": f"2026-11-20T00:00:{n:02}", "finished": f"2026-11-20T00:01:{n:02}"}
        sealed.append({"id": f"pairs-{of:%Y%m%d}-{n:08x}", "day": of.isoformat(), "recipe": facts} | times)
    for max_days in (None, 5):
        given = {"id": "pairs-20261110-ffffffff", "day": "2026-11-10", "recipe": {"name": "daily"}, "started": "", "finished": ""}
        today = [m["id"] for m in sealed if m["day"] == "2026-11-10"]
        mixed = set(history.parents(given, sealed, max_days)) - {given["id"], *today}
        found = remembered.earlier(sealed, date(2026, 11, 10), "daily", max_days)
        assert {id for ids in found.values() for id in ids} == mixed and mixed


def test_spans_cover_each_day_once_and_tomorrow_keeps_most_of_them() -> None:
    days = {date(2026, 1, 1) + timedelta(days=n): [f"p{n}"] for n in range(100)}

    def cut(until: int) -> list[tuple[str, ...]]:
        chosen = dict(list(days.items())[:until])
        whole = Span.all(chosen).whole(min(chosen).toordinal(), max(chosen).toordinal())
        return [tuple(span.ids) for span in whole]

    for until in range(1, 100):
        assert [id for span in cut(until) for id in span] == [f"p{n}" for n in range(until)]
        assert len(cut(until)) <= 14
    fresh = [len(set(cut(n + 1)) - set(cut(n))) for n in range(1, 99)]
    assert sum(fresh) / len(fresh) <= 1.5


def test_a_merged_box_finds_what_its_parts_find(tmp_path: Path) -> None:
    draw = random.Random(5)
    asked = [question(draw) for _ in range(60)]
    boxes = []
    for part in range(3):
        said = [Said("help", q, "", (q,)) for q in asked[part * 20 : part * 20 + 20]]
        rows = [{"example_id": f"{part}-{n}", "kind": "sft", "task": "help", "lesson": n} for n in range(20)]
        boxes.append(shelf.single(tmp_path, f"pairs-{part}", part, rows, prints.prints(said, 0.05)))
    whole = shelf.merged(tmp_path, [(f"pairs-{n}", n) for n in range(3)], boxes)
    wanted = np.sort(prints.prints([Said("help", q, "", (q,)) for q in asked[10:50]], 0.05).keys.ravel())
    found = sorted(zip(*(a.tolist() for a in whole.find("bands", wanted)), strict=True))
    single = [
        (w, part, r) for part, box in enumerate(boxes) for w, _, r in zip(*(a.tolist() for a in box.find("bands", wanted)), strict=True)
    ]
    assert found == sorted(single) and len({(part, r) for _, part, r in found}) == 40
    assert whole.counts["help"].prompts == 60 and whole.ids == ["pairs-0", "pairs-1", "pairs-2"]


def test_an_answer_that_differs_in_a_sign_is_another_lesson() -> None:
    def of(text: str, kind: str = "sft", label: bool | None = None) -> int:
        return remembered.lesson(kind, label, [{"content": text, "tool_calls": None}])

    assert of("x = 1") == of("x  =\n1") and len({of("x = 1"), of("x = -1"), of("x = 1", "kto", True), of("x = 1", "kto", False)}) == 4
