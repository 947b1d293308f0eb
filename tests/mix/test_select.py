"""Caps, balance and quotas, by arithmetic."""

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.mix.select import fill, select
from pipeline.recipe import Answer, Task
from tests.mix.rows import DAY, sft

LABELS = Task(name="intent", labels={"a": "", "b": "", "c": ""}, answer=Answer(format="label"), cap=30)
groups = st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 60), min_size=1)


@given(groups, st.integers(0, 120))
def test_all_places_are_given_while_there_are_rows(has: dict[str, int], places: int) -> None:
    got = fill(has, places)
    assert sum(got.values()) == min(places, sum(has.values()))
    assert all(0 <= got[g] <= has[g] for g in has)


@given(groups, st.integers(0, 120))
def test_no_label_is_above_its_balanced_share_unless_the_others_are_exhausted(has: dict[str, int], places: int) -> None:
    got = fill(has, places)
    for g in has:
        assert all(got[g] <= got[o] + 1 or got[o] == has[o] for o in has), (g, got)


def test_shares_are_met_exactly_where_rows_suffice() -> None:
    quotas = {"boundary": 0.3, "hard": 0.3, "easy": 0.4}
    assert fill({"boundary": 99, "hard": 99, "easy": 99}, 10, quotas) == {"boundary": 3, "easy": 4, "hard": 3}
    assert fill({"boundary": 1, "hard": 99, "easy": 99}, 10, quotas) == {"boundary": 1, "easy": 5, "hard": 4}


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(1, 40))
def test_a_task_never_exceeds_its_cap_and_nothing_is_lost(a: int, b: int, c: int, cap: int) -> None:
    rows = [sft(f"{label}{i}", label) for label, n in (("a", a), ("b", b), ("c", c)) for i in range(n)]
    kept, dropped = select(rows, LABELS.model_copy(update={"cap": cap}))
    assert len(kept) == min(cap, len(rows))
    assert Counter(r["example_id"] for r in kept) + Counter(r["example_id"] for r, _ in dropped) == Counter(r["example_id"] for r in rows)


def test_newest_then_hardest_rows_are_kept() -> None:
    card = Task(name="intent", cap=3)
    old = DAY - timedelta(days=1)
    rows = [
        sft("praised today", source="thumb"),
        sft("corrected today", source="edit"),
        sft("chosen today", source="choose"),
        sft("corrected before", source="edit", day=old),
        sft("corrected today, doubtful", source="edit", weight=0.5),
    ]
    assert [r["example_id"] for r in select(rows, card)[0]] == ["corrected today", "corrected today, doubtful", "chosen today"]


def test_a_measured_hardness_goes_before_the_signal() -> None:
    rows = [
        sft("signal", source="choose"),
        sft("measured", source="edit") | {"hardness": 0.5},
        sft("known", source="edit") | {"hardness": 2.5},
    ]
    assert [r["example_id"] for r in select(rows, Task(name="intent", cap=2))[0]] == ["known", "signal"]
    rows = [sft("signal", source="edit"), sft("measured", source="thumb") | {"hardness": 3.5}]
    assert [r["example_id"] for r in select(rows, Task(name="intent", cap=1))[0]] == ["measured"]


def test_labels_are_balanced_under_the_cap() -> None:
    rows = [sft(f"{label}{i}", label) for label, n in (("a", 100), ("b", 20), ("c", 4)) for i in range(n)]
    kept, _ = select(rows, LABELS)
    assert Counter(r["messages"][-1]["content"] for r in kept) == {"a": 13, "b": 13, "c": 4}


def test_quotas_hold_where_every_rows_class_is_known_and_not_otherwise() -> None:
    card = Task(name="intent", cap=10, quotas={"boundary": 0.3, "hard": 0.3, "easy": 0.4})
    classes = {f"{c}{i}": c for c in ("boundary", "hard", "easy") for i in range(20)}
    rows = [sft(id) | {"difficulty": c} for id, c in classes.items()]
    kept, _ = select(rows, card)
    assert Counter(classes[r["example_id"]] for r in kept) == {"boundary": 3, "hard": 3, "easy": 4}
    half = [row if row["difficulty"] != "easy" else sft(row["example_id"]) for row in rows]
    assert [r["example_id"] for r in select(half, card)[0]] == sorted(classes)[:10], "newest and hardest first instead"


def test_no_user_says_more_than_the_cap_and_a_hotfix_is_nobodys() -> None:
    rows = [sft(f"loud{i}", user_hash="loud") for i in range(9)] + [sft(f"fix{i}", user_hash=None) for i in range(5)] + [sft("quiet")]
    kept, dropped = select(rows, Task(name="intent"), max_rows_per_user=3)
    assert Counter(r["user_hash"] for r in kept) == {"loud": 3, None: 5, "u-quiet": 1}
    assert {why for _, why in dropped} == {"over the cap of its user"}
