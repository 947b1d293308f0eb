"""Could this gate ever say yes? The table of gate.md, section 4."""

import math

import pytest
from scipy import stats

from pipeline.errors import BadRecipe
from pipeline.gate import feasibility
from pipeline.gate.feasibility import chance_to_certify, margin_for, plan, require
from pipeline.recipe import Ability, Gate

WIDE = {"origin_margin": 0.9, "origin_pooled_margin": 0.9}  # so wide that the origin's table never stands in the way


def _suite(k: int, n: int | None) -> dict[str, Ability]:
    return {f"a{i}": Ability(tasks=[f"t{i}"], n=n) for i in range(k)}


@pytest.mark.parametrize(
    ("n", "margin", "chance", "near"),
    [
        (500, 0.02, 0.001, 0.002),
        (500, 0.03, 0.05, 0.02),
        (500, 0.05, 0.73, 0.02),
        (1500, 0.02, 0.22, 0.02),
        (1500, 0.03, 0.92, 0.02),
        (1500, 0.05, 0.997, 0.005),
    ],
)
def test_ten_abilities_promote_an_unchanged_model_as_often_as_measured(n, margin, chance, near):
    gate = Gate(margin=margin, pooled_margin=0.01, plan_psi=0.08, **WIDE)
    assert plan(_suite(10, n), gate)["chance"] == pytest.approx(chance, abs=near)


@pytest.mark.parametrize(
    ("margin", "pooled", "psi", "chance"),
    [(0.02, 0.01, 0.1, 0.0), (0.05, 0.02, 0.1, 0.05), (0.05, 0.02, 0.2, 0.0), (0.10, 0.04, 0.1, 0.86), (0.10, 0.04, 0.2, 0.38), (0.15, 0.06, 0.1, 1.0), (0.15, 0.06, 0.2, 0.95)],
)  # fmt: skip
def test_six_abilities_of_150_items_promote_about_as_often_as_measured(margin, pooled, psi, chance):
    gate = Gate(margin=margin, pooled_margin=pooled, plan_psi=psi, **WIDE)
    assert plan(_suite(6, 150), gate)["chance"] == pytest.approx(chance, abs=0.06)  # the formula takes rows as independent and normal


@pytest.mark.parametrize(("abilities", "points"), [(10, [5.0, 3.5, 2.9, 2.0]), (6, [4.7, 3.4, 2.7, 1.9]), (1, [3.7, 2.6, 2.1, 1.5])])
def test_margins_for_nine_in_ten_are_the_worked_ones(abilities, points):
    found = [100 * margin_for(n, abilities, 0.08) for n in (500, 1000, 1500, 3000)]
    assert found == pytest.approx(points, abs=0.06)


def test_a_pooled_point_is_certified_as_often_as_worked():
    assert chance_to_certify(5000, 0.01, 0.08) == pytest.approx(0.80, abs=0.005)
    assert chance_to_certify(15000, 0.01, 0.08) == pytest.approx(0.996, abs=0.001)


def test_fewer_items_than_no_bound_can_do_without_have_no_chance():
    assert chance_to_certify(132, 0.02, 1e-6) == 0.0
    assert chance_to_certify(133, 0.02, 1e-6) > 0.99


def test_the_origin_multiplies_in():
    free, bound = (
        plan(_suite(6, 1500), Gate(margin=0.03, **extra))["chance"]
        for extra in (WIDE, {"origin_margin": 0.03, "origin_pooled_margin": 0.9})
    )
    alone = math.prod(row["origin_chance"] for row in plan(_suite(6, 1500), Gate(margin=0.03, origin_margin=0.03))["rows"].values())
    assert bound == pytest.approx(free * alone, rel=1e-12)
    assert bound < free


def test_report_only_and_shown_abilities_do_not_count():
    suite = _suite(2, 3000)
    small = suite | {"humaneval": Ability(tasks=["h"], n=164, report_only=True), "writing": Ability(tasks=["w"], n=10, kind="report")}
    gate = Gate(margin=0.03, pooled_margin=0.02)
    assert plan(small, gate)["chance"] == pytest.approx(plan(suite, gate)["chance"], abs=0.01)
    assert "writing" not in plan(small, gate)["rows"]
    only = {"humaneval": Ability(tasks=["h"], n=164, report_only=True)}
    assert plan(only, gate)["chance"] == 0.0


def test_a_single_ability_has_no_pooled_row():
    assert plan(_suite(1, 1000), Gate())["pooled"] is None


def test_an_undeclared_size_gives_no_chance_and_refuses_nothing():
    planned = plan(_suite(3, None), Gate())
    assert planned["chance"] is None
    require(planned, Gate(), "daily")
    assert "does not declare" in feasibility.sentence(planned)


def test_margins_below_what_the_suite_can_show_are_a_bad_recipe():
    gate = Gate(margin=0.02)
    planned = plan(_suite(6, 150), gate)
    with pytest.raises(BadRecipe, match=r"recipe daily: an unchanged model would be promoted with probability 0\.00 .*may_hold: true"):
        require(planned, gate, "daily")
    require(planned, gate.model_copy(update={"may_hold": True}), "daily")


def test_the_demos_margins_fit_its_items():
    gate = Gate(margin=0.15, pooled_margin=0.06, origin_margin=0.15, origin_pooled_margin=0.06)
    assert plan(_suite(6, 150), gate)["chance"] > 0.95


def test_a_margin_for_an_ability_that_is_not_there_is_a_bad_recipe():
    with pytest.raises(BadRecipe, match=r"gate\.margins names mathz, which no suite"):
        plan(_suite(2, 1000), Gate(margins={"mathz": 0.05}))
    with pytest.raises(ValueError, match="less than 1"):
        Gate(origin_margins={"a0": 3})


def test_looks_certify_by_the_bound_of_the_last_one():
    abilities = {n: Ability(tasks=[n], n=500) for n in "abcdefghij"}
    gate = Gate(margin=0.05, pooled_margin=0.01, origin_margin=0.9, origin_pooled_margin=0.9, plan_psi=0.08)
    at_once, in_four = (feasibility.plan(abilities, gate, looks)["rows"]["a"]["chance"] for looks in (1, 4))
    # Phi(.05 / sqrt(.08 / 500) - z), z 1.645 at once and 1.733 at the last of four looks
    assert at_once == pytest.approx(stats.norm.cdf(0.05 / math.sqrt(0.08 / 500) - 1.644854), abs=1e-4)
    assert in_four == pytest.approx(stats.norm.cdf(0.05 / math.sqrt(0.08 / 500) - 1.733), abs=1e-4)


def test_a_cap_and_a_half_leave_so_many_items():
    declared = {"maths": Ability(tasks=["m"], n=1000), "code": Ability(tasks=["c"], n=164), "own": Ability(tasks=["o"])}
    assert {n: a.n for n, a in feasibility.asked(declared, "all", 300).items()} == {"maths": 300, "code": 164, "own": None}
    assert {n: a.n for n, a in feasibility.asked(declared, "held", 300).items()} == {"maths": 300, "code": 82, "own": None}
