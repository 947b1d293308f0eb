"""Day after day: what the origin's test may spend, and what promotions may lose before a person looks (gate.md, section 7)."""

import json
import math
from datetime import UTC, datetime

import pytest
from scipy import stats

from pipeline import chain, lineage
from pipeline.commands import anchor, status
from pipeline.gate import budget, history
from pipeline.gate.run import run
from pipeline.recipe import Gate
from tests.gate import world
from tests.gate.world import DAY, lesson, recipe, scores, seal


@pytest.fixture
def settings(home, tmp_path):
    return world.settle(home, tmp_path / "config")


def _table(drop=0.0, p=1.0, pooled=None, **rows):
    found = {
        n: {"drop": d, "adjusted_p": q, "report_only": False, "decision": "promote"} for n, (d, q) in ({"maths": (drop, p)} | rows).items()
    }
    return {
        "abilities": found,
        "pooled": pooled and {"drop": pooled[0], "adjusted_p": pooled[1], "report_only": False, "decision": "promote"},
    }


def test_a_window_of_sixty_days_tests_at_the_worked_z():
    assert stats.norm.isf(budget.alpha_today(0.05, 60, 1)) == pytest.approx(3.144, abs=5e-4)
    assert sum(budget.alpha_today(0.05, 60, day) for day in range(60)) == pytest.approx(0.05)


def test_without_a_window_all_days_to_come_spend_what_one_test_may():
    assert [budget.alpha_today(0.05, None, t) for t in (1, 2, 3)] == pytest.approx([0.05 / 2, 0.05 / 6, 0.05 / 12])
    assert math.fsum(budget.alpha_today(0.05, None, t) for t in range(1, 100_001)) == pytest.approx(0.05, abs=1e-6)


def test_promotions_are_charged_with_what_they_were_proved_to_lose():
    table = _table(0.015, 0.001, reading=(0.02, 0.3), code=(-0.05, 1.0), pooled=(0.01, 0.002))
    assert budget.charges(table, every=False) == {"maths": 0.015, "reading": 0.0, "code": 0.0, "all items": 0.01}
    assert budget.charges(table, every=True) == {"maths": 0.015, "reading": 0.02, "code": 0.0, "all items": 0.01}


def test_a_candidate_that_would_overdraw_holds_and_the_words_say_by_how_much():
    spent = [_table(0.015, 0.001)] * 2
    assert budget.account(_table(0.010, 0.001), spent, Gate())["decision"] == "promote"  # 1.5 + 1.5 + 1.0 of 4 points, to the last bit
    over = budget.account(_table(0.011, 0.001), spent, Gate())
    assert over["decision"] == "hold"
    assert over["rows"]["maths"] == {"budget": 0.04, "spent": 0.03, "charge": 0.011, "left": 0.0, "overdrawn": True}
    assert over["reasons"][0].startswith("hold: maths: 3.0 of 4.0 points are lost since the origin was set, this candidate would add 1.1")


def test_who_adds_nothing_is_not_held_for_what_others_spent():
    assert budget.account(_table(0.0), [_table(0.05, 0.001)], Gate())["decision"] == "promote"


def test_a_budget_is_the_margin_against_the_origin_unless_the_recipe_says_so():
    gate = Gate(origin_margin=0.06, origin_margins={"code": 0.1}, origin_pooled_margin=0.03)
    assert [budget.of(gate, n) for n in ("maths", "code", "all items")] == [0.06, 0.1, 0.03]
    said = Gate(origin_budget=0.02, origin_pooled_budget=0.01, origin_margins={"code": 0.1})
    assert [budget.of(said, n) for n in ("maths", "code", "all items")] == [0.02, 0.02, 0.01]


def _promote(settings, found, stem):
    """Put a candidate in service as promote does: report, release, current.json."""
    report = seal(settings, f"report-{DAY}-{stem}1111111", [found["id"]])
    seal(settings, f"release-{DAY}-{stem}2222222", [report, found["candidate"]], model=found["candidate"])
    (settings.home / "current.json").write_text(json.dumps({"model": found["candidate"]}))


def _candidate(settings, stem, maths, intent):
    """A candidate that lost so many of 600 maths items; all its other answers are the origin's but the gains on intent."""
    model = lesson(settings, stem)[2]
    values = {n: [1.0] * k for n, k in (("reading", 600), ("code", 40), ("writing", 20))}
    values["maths"] = [0.0] * maths + [1.0] * (600 - maths)
    values["intent"] = [1.0] * intent + [0.0] * (60 - intent)
    return scores(settings, "origin" if stem == "origin" else model, values)


@pytest.fixture
def two_promoted(settings):
    """Twice 2.3 points of maths were lost and shown small: 4.7 of 6 points are spent."""
    _candidate(settings, "origin", 0, 10)
    first = run(_candidate(settings, "a", 14, 22), recipe(), settings)
    _promote(settings, first, "a")
    second = run(_candidate(settings, "b", 14, 34), recipe(), settings)
    _promote(settings, second, "b")
    assert (first["verdict"], second["verdict"]) == ("promote", "promote")
    return settings


def test_losses_shown_small_one_by_one_are_held_when_their_sum_is_not(two_promoted):
    found = run(_candidate(two_promoted, "c", 14, 46), recipe(), two_promoted)
    assert found["tables"] == {"champion": "promote", "origin": "promote", "targets": "promote", "checks": "promote", "budget": "hold"}
    assert found["verdict"] == "hold"
    assert found["budget"]["rows"]["maths"]["spent"] == pytest.approx(28 / 600)
    assert len(found["budget"]["promotions"]) == 2
    assert "since the origin was set" in found["reasons"][0]


def test_a_new_anchor_starts_a_new_account(two_promoted):
    given = _candidate(two_promoted, "c", 14, 46)
    held = run(given, recipe(), two_promoted)
    anchor = {"model": "/origin", "sha": "x", "since": datetime.now(UTC).isoformat(), "reason": "looked at the sum", "by": "mei"}
    (two_promoted.home / "origin.json").write_text(json.dumps(anchor))
    again = run(given, recipe(), two_promoted)
    assert (held["verdict"], again["verdict"]) == ("hold", "promote")
    assert held["id"] != again["id"]
    assert again["budget"]["anchor"]["reason"] == "looked at the sum"
    assert lineage.manifest(two_promoted, again["id"])["inputs"]["past"]["anchor"]["by"] == "mei"
    assert again["budget"]["rows"]["maths"]["spent"] == 0


def test_the_origin_is_tested_at_a_sixtieth_once_the_champion_is_another(two_promoted):
    found = run(_candidate(two_promoted, "c", 0, 46), recipe(), two_promoted)
    assert found["budget"]["alpha"] == pytest.approx(0.05 / 60)
    assert found["budget"]["worst_case_a_day"] == pytest.approx(0.05 + 0.05 / 60)
    assert "with probability 5.08% at most (0.08% of it against the origin)" in found["text"]
    ever, today = found["origin"]["abilities"]["reading"], found["abilities"]["reading"]
    assert ever["smallest_detectable_drop"] > today["smallest_detectable_drop"]
    assert ever["interval"] == today["interval"]  # certifying is not spread: a model may not be waved through once in sixty days


def test_where_the_champion_is_the_origin_the_two_tables_are_one_test(settings):
    _candidate(settings, "origin", 0, 10)
    found = run(_candidate(settings, "a", 0, 22), recipe(), settings)
    assert found["budget"]["alpha"] == found["budget"]["worst_case_a_day"] == 0.05


def test_days_are_counted_where_alpha_is_spent_without_a_window(two_promoted, monkeypatch):
    found = run(_candidate(two_promoted, "c", 0, 46), recipe(origin_window=None), two_promoted)
    assert found["budget"]["alpha"] == pytest.approx(0.05 / 2)  # other verdicts of the same day are no earlier day
    monkeypatch.setattr(world, "DAY", "20261121")
    later = run(_candidate(two_promoted, "d", 0, 46), recipe(origin_window=None), two_promoted)
    assert later["budget"]["alpha"] == pytest.approx(0.05 / 6)


def test_setting_the_origin_is_a_decision_on_record(tiny, home):
    first = anchor.run(tiny, "a start", "mei", home)
    anchor.run(tiny, "looked at the sum", None, home)
    book = chain.load(home.home / "decisions.jsonl")
    assert [(d["action"], d["who"], d["note"]) for d in chain.read(book)] == [
        ("anchor", "mei", "a start"),
        ("anchor", "a person", "looked at the sum"),
    ]
    assert chain.broken(book) is None
    assert history.anchored(home)["since"] > first["since"]
    assert status.run(home)["decisions"]["last"]["action"] == "anchor"
