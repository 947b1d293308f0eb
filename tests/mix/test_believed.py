"""A row's weight and a pair's doubt reach the lesson, and no user has more than the share of a task, whatever the day."""

from datetime import timedelta

import pytest

from pipeline.mix import believed, tables
from pipeline.mix import run as mix
from pipeline.settings import Settings
from tests.mix.rows import DAY, dpo, seal, sft
from tests.mix.test_run import house, lesson, table

__all__ = ["house"]  # the fixture


def test_a_user_who_comes_every_day_is_held_to_the_share_of_the_lesson() -> None:
    loud = [sft(f"m{n}", user_hash="mallory", day=DAY - timedelta(days=n)) for n in range(30)]
    quiet = [sft(f"q{n}", user_hash=f"u{n}") for n in range(45)]
    rows = believed.leveled([*loud, *quiet], 0.1)
    weights = [r["weight"] for r in rows if r["user_hash"] == "mallory"]
    assert sum(weights) == pytest.approx(5, abs=1e-3) and len(weights) == 30  # 5 of 50: no row is lost
    assert {r["weight"] for r in rows if r["user_hash"] != "mallory"} == {1.0}


def test_tasks_are_held_apart_and_a_hotfix_and_the_general_pool_are_nobodys() -> None:
    rows = [sft(f"m{n}", user_hash="mallory") for n in range(30)] + [sft(f"q{n}", task="other", user_hash=f"u{n}") for n in range(30)]
    fixes = [sft(f"f{n}", user_hash="boss", source="hotfix") for n in range(9)] + [sft("g", user_hash=None, source="general")]
    assert {r["weight"] for r in believed.leveled([*rows, *fixes], 0.1)} == {1.0}, "alone in its task nobody is too loud"


def test_a_pairs_doubt_becomes_its_smoothing() -> None:
    rows = [dpo("a", evidence='{"reliability": {"right": 0.8}}'), dpo("b"), dpo("c", evidence='{"reliability": {"right": 0.4}}')]
    assert [believed.doubt(r) for r in rows] == [pytest.approx(0.2), 0.0, 0.0]
    written = tables.table("dpo", [rows[0] | {"smoothing": believed.doubt(rows[0])}]).to_pylist()
    assert written[0]["smoothing"] == pytest.approx(0.2) and written[0]["weight"] == 1.0


def test_counts_say_who_is_loudest() -> None:
    rows = [sft("a", user_hash="u1", weight=3.0), sft("b", user_hash="u2", weight=1.0), sft("g", user_hash=None)]
    assert believed.counts({"sft": rows})["sft"] == {"rows": 2, "weight": 4.0, "users": 2, "largest_share": 0.75, "gini": 0.25}


def test_weight_and_smoothing_stand_in_the_sealed_lesson_where_the_trainer_reads_them(house: Settings) -> None:
    rows = [sft(f"s{i}", "yes" if i % 2 else "no", user_hash=f"u{i % 10}") for i in range(10)]
    loud = [sft(f"m{i}", "yes" if i % 2 else "no", user_hash="mallory") for i in range(30)]
    pairs = [dpo(f"d{i}", evidence='{"reliability": {"right": 0.75}}' if i else "{}") for i in range(4)]
    made = mix.run(seal(house, DAY, {"sft": rows + loud, "dpo": pairs}), lesson(), house)
    told = {r["example_id"]: r for r in table(house, made["id"], "sft")}
    share = 2 / 11  # eleven users are too few for a tenth each: twice an equal share
    assert sum(told[f"m{i}"]["weight"] for i in range(30)) == pytest.approx(share / (1 - share) * 10, abs=1e-3)
    assert {r["example_id"]: r["smoothing"] for r in table(house, made["id"], "dpo")} == {"d0": 0.0, "d1": 0.25, "d2": 0.25, "d3": 0.25}
    assert made["voices"]["sft"]["largest_share"] == pytest.approx(share, abs=1e-4) and made["voices"]["sft"]["users"] == 11
