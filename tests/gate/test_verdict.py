"""From numbers to a verdict: the worked suite of gate.md, section 4, and everything that must hold."""

import json
import math

import pytest

from pipeline.gate.verdict import judge
from tests.gate.pairs import sides, suite

WORKED = {
    "maths": (30, 10, 500),
    "reading": (22, 18, 500),
    "knowledge": (21, 17, 500),
    "code": (4, 3, 164),
    "instructions": (15, 18, 500),
}
FIELDS = {"n", "lost", "gained", "drop", "interval", "p", "adjusted_p", "margin", "smallest_detectable_drop", "decision", "report_only"}
MMLU = {"mmlu": (675, 593, 12343)}
BIG = {"a": (20, 20, 3000), "b": (18, 22, 3000), "c": (25, 20, 3000)}


def test_worked_suite_gives_its_rows():
    found = judge(*suite(WORKED), margin=0.05).abilities
    assert list(found) == list(WORKED)
    assert [row["p"] for row in found.values()] == pytest.approx([0.001111, 0.317914, 0.313551, 0.5, 0.756575], abs=5.1e-7)
    assert [row["adjusted_p"] for row in found.values()] == pytest.approx([0.005554, 1, 1, 1, 1], abs=5.1e-7)
    ends = [(0.01990, 0.06206), (-0.01318, 0.02956), (-0.01266, 0.02906), (-0.02390, 0.03750), (-0.02572, 0.01336)]
    for row, wanted in zip(found.values(), ends, strict=True):
        assert row["interval"] == pytest.approx(wanted, abs=5.1e-6)
    assert [row["decision"] for row in found.values()] == ["block", "promote", "promote", "promote", "promote"]


def test_worked_suite_pools_to_a_block_at_one_point():
    pooled = judge(*suite(WORKED), margin=0.05, pooled_margin=0.01).pooled
    assert (pooled["lost"], pooled["gained"], pooled["n"]) == (92, 66, 2164)
    assert (pooled["drop"], pooled["p"]) == pytest.approx((0.012015, 0.023185), abs=5.1e-7)
    assert pooled["interval"] == pytest.approx((0.002481, 0.021707), abs=5.1e-7)
    assert pooled["decision"] == "block"
    assert pooled["mean_drop"] == pytest.approx((0.04 + 0.008 + 0.008 + 1 / 164 - 0.006) / 5)


def test_worked_suite_at_two_points_blocks_holds_and_promotes():
    found = judge(*suite(WORKED), margin=0.02)
    assert [row["decision"] for row in found.abilities.values()] == ["block", "hold", "hold", "hold", "promote"]
    assert found.verdict == "block"


@pytest.mark.parametrize(("margin", "verdict"), [(0.02, "promote"), (0.01, "block"), (0.005, "block")])
def test_a_proved_drop_that_is_shown_small_is_promoted(margin, verdict):
    assert judge(*suite(MMLU), margin=margin).verdict == verdict


def test_strict_blocks_every_proved_drop():
    found = judge(*suite(MMLU), margin=0.02, strict=True)
    assert found.verdict == "block"
    assert "strict" in found.reasons[0]


def test_one_ability_has_no_pooled_row_and_spends_all_of_alpha():
    found = judge(*suite({"a": (20, 10, 500)}), margin=0.02)  # p = .049
    assert found.pooled is None
    assert found.verdict == "block"
    assert judge(*suite({"a": (20, 10, 500), "b": (0, 0, 5000)}), margin=0.02).abilities["a"]["decision"] == "hold"


def test_every_row_has_the_fields_that_scripts_read():
    found = judge(*suite(WORKED))
    for row in found.abilities.values():
        assert set(row) == FIELDS
    assert set(found.pooled) >= FIELDS
    assert set(found) == {"verdict", "abilities", "pooled", "reasons", "unpaired"}
    assert found["verdict"] == found.verdict


def test_smallest_detectable_drop_is_that_of_the_rows_own_share_of_alpha():
    ten = {str(k): (20, 20, 500) for k in range(10)}
    assert judge(*suite(ten)).abilities["0"]["smallest_detectable_drop"] == pytest.approx(0.04601, abs=5e-6)  # alpha .0025
    assert judge(*suite({"one": (20, 20, 500)})).abilities["one"]["smallest_detectable_drop"] == pytest.approx(
        0.03139, abs=5e-6
    )  # alpha .05


def test_enough_even_items_promote():
    found = judge(*suite(BIG))
    assert found.verdict == "promote"
    assert found.reasons[0].startswith("promote: each of 3 abilities")


def test_an_ability_has_its_own_margin():
    assert judge(*suite(BIG), margin=0.002, margins=dict.fromkeys(BIG, 0.02)).verdict == "promote"
    assert judge(*suite(BIG), margins={"a": 0.002}).abilities["a"]["decision"] == "hold"


def test_report_only_is_excused_from_certifying():
    with_small = BIG | {"humaneval": (2, 2, 164)}
    assert judge(*suite(with_small)).verdict == "hold"
    found = judge(*suite(with_small), report_only={"humaneval"})
    assert found.verdict == "promote"
    assert any("humaneval is report-only and cannot certify" in r for r in found.reasons)


def test_report_only_still_blocks_a_crash():
    assert judge(*suite(BIG | {"humaneval": (40, 0, 164)}), report_only={"humaneval"}).verdict == "block"


def test_no_row_left_to_certify_holds():
    found = judge(*suite(BIG), report_only=set(BIG))
    assert found.pooled["decision"] == "promote"
    assert found.verdict == "hold"


def test_report_only_is_never_inferred():
    ten = {str(k): (20, 20, 500) for k in range(10)}
    found = judge(*suite(ten), margin=0.02)
    assert found.pooled["decision"] == "promote"
    assert found.verdict == "hold"


def _without(name, values):
    return {k: v for k, v in values.items() if k != name}


def test_a_missing_ability_holds_whichever_side_lacks_it():
    a, b = suite(BIG)
    for found in (judge(a, _without("c", b)), judge(_without("c", a), b)):
        assert found.verdict == "hold"
        assert found.abilities["c"]["decision"] == "hold"
        assert any("c: missing from the" in r for r in found.reasons)
    assert judge(a, _without("c", b)).unpaired == {"only_a": 3000, "only_b": 0}


@pytest.mark.parametrize(
    "value", [math.nan, None, "N/A", math.inf, 1.5, -0.1], ids=["nan", "none", "text", "infinite", "above one", "below zero"]
)
def test_a_value_that_is_no_share_holds_and_says_so(value):
    a, b = suite(BIG)
    b["c"][7] = value
    found = judge(a, b)
    assert found.verdict == "hold"
    assert any("c: 1 of the candidate's 3000 values" in r for r in found.reasons)


def test_unequal_length_holds():
    a, b = suite(BIG)
    b["c"].pop()
    found = judge(a, b)
    assert found.verdict == "hold"
    assert any("cannot be paired" in r for r in found.reasons)


def test_an_ability_without_items_holds():
    a, b = suite(BIG)
    assert judge(a | {"d": []}, b | {"d": []}).verdict == "hold"
    assert judge({}, {}).verdict == "hold"


def test_what_is_incomplete_may_block_and_cannot_promote():
    a, b = suite(BIG)
    found = judge(a, b, incomplete={"a": "task x is missing"})
    assert (found.verdict, found.abilities["a"]["decision"]) == ("hold", "hold")
    assert "hold: a: task x is missing" in found.reasons
    assert judge(*suite(BIG | {"a": (400, 0, 3000)}), incomplete={"a": "task x is missing"}).verdict == "block"


def test_a_proved_block_stands_although_another_ability_is_missing():
    a, b = suite(BIG | {"a": (400, 0, 3000)})
    assert judge(a, _without("c", b)).verdict == "block"


def test_yes_and_no_may_be_booleans():
    a, b = suite(BIG)
    plain = judge(a, b)
    assert judge({k: [bool(x) for x in v] for k, v in a.items()}, b) == plain


def test_values_between_nought_and_one_are_judged_without_a_binomial():
    a = {"ifeval": [0.5, 1.0, 0.75, 0.25] * 100}
    worse = {"ifeval": [0.25, 0.75, 0.5, 0.0] * 100}
    assert judge(a, worse, margin=0.05).verdict == "block"
    assert judge(a, a, margin=0.05).verdict == "promote"
    assert judge(a, a, margin=0.01).verdict == "hold"


def test_clusters_widen_the_interval():
    a, b = suite({"reading": (30, 10, 500)})
    found = judge(a, b, clusters={"reading": [i // 10 for i in range(500)]})
    assert found.abilities["reading"]["interval"][1] > judge(a, b).abilities["reading"]["interval"][1]
    assert found.verdict == "hold"  # all losses stand in three passages: no longer proved


def test_equal_inputs_give_equal_bytes():
    assert json.dumps(judge(*suite(WORKED))) == json.dumps(judge(*suite(WORKED)))


def test_a_judgement_is_plain_json():
    a, b = suite(WORKED)
    assert json.loads(json.dumps(judge(a, _without("code", b)), allow_nan=False))["verdict"] == "block"


def test_too_few_items_are_given_as_the_reason():
    found = judge(*suite({"small": (0, 0, 132)}))
    assert found.verdict == "hold"
    assert "132 items can never show a drop below 2.0 points, it takes 133" in found.reasons[0]
    assert judge(*suite({"small": (0, 0, 133)})).verdict == "promote"


def test_sides_make_the_counts_they_are_asked_for():
    a, b = sides(3, 2, 10)
    assert (sum(x > y for x, y in zip(a, b, strict=True)), sum(x < y for x, y in zip(a, b, strict=True)), len(a)) == (3, 2, 10)
