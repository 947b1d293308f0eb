"""The key pass keeps enough of everything else, for any sizes."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pipeline.mix import replay, schedule
from tests.mix.rows import general, sft

GIVEN = "pairs-20261110-00000000"
SIZES = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.integers(0, 120), min_size=1)


def tasks(sizes: dict[str, int]) -> dict[str, list[dict]]:
    return {t: [sft(f"{t}{i}", task=t) for i in range(n)] for t, n in sizes.items()}


def pool(n: int) -> list[dict]:
    return [r | {"task": "general", "pairs": None} for r in general(n)]


@given(SIZES, st.sets(st.sampled_from("abcd")), st.integers(0, 400), st.integers(0, 2))
def test_key_tasks_stand_whole_beside_the_least_share_of_every_other(
    sizes: dict[str, int], key: set[str], general_rows: int, seed: int
) -> None:
    made = schedule.key_pass(tasks(sizes), pool(general_rows), key, GIVEN, share=1 / 256, rows=64, seed=seed)
    counts = Counter(r["task"] for r in made.rows)
    keyed = {t for t in key if sizes.get(t)}
    if not keyed:
        assert not made.rows and made.why
        return
    assert {t: counts[t] for t in keyed} == {t: sizes[t] for t in keyed}
    for task, has in (sizes | {"general": general_rows}).items():
        if task not in keyed:
            assert counts[task] >= has / 256 and counts[task] >= min(64, has)
            assert counts[task] == max(math.ceil(has / 256), min(64, has))
            assert not has or made.beside[task].shortfall == max(0, 64 - has)
    assert max(Counter(r["example_id"] for r in made.rows).values()) == 1
    assert {(r["phase"], r["pass"]) for r in made.rows} == {("key", 2)}


def test_a_large_task_keeps_a_256th() -> None:
    assert replay.at_least(256 * 100, 1 / 256, 64) == 100 and replay.at_least(257, 1 / 256, 0) == 2
    assert replay.shortfall(10, 1 / 256, 64) == 54 and replay.shortfall(0, 1 / 256, 0) == 0


@given(SIZES, st.integers(0, 50), st.integers(0, 5))
def test_the_main_phase_holds_every_row_once_and_each_general_repeat(sizes: dict[str, int], n: int, seed: int) -> None:
    rows = [r for group in tasks(sizes).values() for r in group]
    repeats = [(r, k) for r in pool(n) for k in range(2)]
    made = schedule.main(rows, repeats, GIVEN, seed)
    wanted = Counter([r["example_id"] for r in rows] + [r["example_id"] for r, _ in repeats])
    assert Counter(r["example_id"] for r in made) == wanted
    assert {r["part"] for r in made} == ({"domain"} if rows else set()) | ({"general"} if n else set())


def test_order_is_a_lot_by_seed_and_mixes_the_tasks() -> None:
    rows = [r for group in tasks({"a": 30, "b": 30}).values() for r in group]
    orders = [[r["example_id"] for r in schedule.main(rows, [], GIVEN, seed)] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    first_half = Counter(id[0] for id in orders[0][:30])
    assert 8 <= first_half["a"] <= 22, "thirty of sixty by lot: outside this range once in 10,000"


def test_rows_of_other_pairs_are_replay() -> None:
    made = schedule.main([sft("new"), sft("old", pairs="pairs-20261109-00000000")], [], GIVEN, 1)
    assert {r["example_id"]: r["part"] for r in made} == {"new": "domain", "old": "replay"}
