"""The planted world is the oracle of other tests, so it must be right itself: gold is granted, prompts differ, truths are told."""

import json
import random
from datetime import UTC, date, datetime

import pytest

from pipeline.demo import talk, users
from pipeline.demo.run import CONFIG, GOOD_DAY, GOOD_TURNS, SEEDS
from pipeline.demo.users import HOSTILE_USER, Turn
from pipeline.demo.world import wishes

TASKS = ("person_json", "ticket_queue")


@pytest.mark.parametrize("task", TASKS)
def test_the_gold_answer_is_granted_and_another_is_not(task: str) -> None:
    for wish in wishes(task, 50, 1):
        assert wish.granted(wish.gold) and not wish.granted("no") and not wish.granted(f"Sure: {wish.gold}")
        assert wish.granted(users.mistaken(wish, random.Random(0))) is False


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_gives_the_same_wishes_and_all_prompts_differ(task: str) -> None:
    first, again, other = wishes(task, 80, 1), wishes(task, 80, 1), wishes(task, 80, 2)
    assert first == again and first != other
    assert len({w.prompt for w in first}) == 80


def test_json_that_differs_only_in_white_space_is_granted() -> None:
    wish = wishes("person_json", 1, 1)[0]
    assert wish.granted(json.dumps(json.loads(wish.gold), indent=2))


@pytest.mark.parametrize("task", TASKS)
def test_no_user_writes_a_held_out_prompt(task: str) -> None:
    rows = [json.loads(x) for x in (CONFIG / "heldout" / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()]
    held = frozenset(r["messages"][-1]["content"] for r in rows)
    assert len(held) == len(rows) == 60
    assert not held & {w.prompt for w in wishes(task, 84, 1, held)}


def test_a_day_is_a_native_log_and_every_event_has_its_truth() -> None:
    asked = wishes("person_json", GOOD_TURNS, SEEDS[GOOD_DAY])
    crowd = talk.crowd(GOOD_DAY, len(asked))
    rng, at = random.Random(1), datetime(2026, 11, 16, 8, tzinfo=UTC)
    events, truths = [], []
    for n, (user, wish) in enumerate(zip(crowd, asked, strict=True)):
        row, truth = users.line(Turn(user, wish, "no idea"), n, at, "origin", rng)
        assert [m["role"] for m in row["messages"]] == ["system", "user", "assistant"]
        events += row["feedback"]
        truths += truth
    assert {e["event_id"] for e in events} == {t["event_id"] for t in truths} and len(events) > GOOD_TURNS / 2
    assert not any("truth" in e for e in events), "the log must not tell what the truth file knows"
    edits = {t["event_id"]: t for t in truths if t["kind"] == "edit" and t["truth"] == "honest"}
    assert edits and all(t["text"] == t["gold"] for t in edits.values())
    assert {t["truth"] for t in truths if t["user"] == HOSTILE_USER} == {"hostile"}


def test_tomorrows_crowd_is_new() -> None:
    today, tomorrow = set(talk.crowd(date(2026, 11, 16), 40)), set(talk.crowd(date(2026, 11, 17), 40))
    assert today & tomorrow == {HOSTILE_USER}
