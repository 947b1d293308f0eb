"""What the lesson was for: target tasks, by the examples of gate.md, section 8."""

import pytest

from pipeline.gate import targets
from pipeline.gate.paired import Pairs
from pipeline.gate.targets import judge


@pytest.mark.parametrize(
    ("gained", "lost", "p", "verdict"),
    [
        (9, 2, 0.032715, "promote"),
        (12, 4, 0.038406, "promote"),
        (5, 0, 0.03125, "promote"),
        (4, 0, 0.0625, "hold"),
        (9, 4, 0.133423, "hold"),
    ],
)
def test_a_gain_is_proved_by_the_exact_test(gained, lost, p, verdict):
    found = judge({"intent": Pairs.counts(lost, gained, 60)}, {"intent"}, 0.05)
    assert found["tasks"]["intent"]["p"] == pytest.approx(p, abs=5.1e-7)
    assert found["verdict"] == verdict


def test_without_a_better_target_there_is_no_reason_to_change():
    found = judge({"intent": Pairs.counts(2, 3, 60)}, {"intent"}, 0.05)
    assert found["verdict"] == "hold"
    assert "no reason to change" in found["reasons"][0]


def test_two_targets_pay_for_two_chances():
    pairs = {"a": Pairs.counts(0, 5, 60), "b": Pairs.counts(0, 0, 60)}
    found = judge(pairs, {"a", "b"}, 0.05)
    assert found["tasks"]["a"]["adjusted_p"] == pytest.approx(0.0625)
    assert found["verdict"] == "hold"
    assert judge({"a": Pairs.counts(0, 6, 60), "b": Pairs.counts(0, 0, 60)}, {"a", "b"}, 0.05)["verdict"] == "promote"


def test_one_better_target_does_not_buy_a_worse_one():
    pairs = {"a": Pairs.counts(0, 20, 200), "b": Pairs.counts(20, 0, 200)}
    found = judge(pairs, {"a", "b"}, 0.05)
    assert found["verdict"] == "block"
    assert found["tasks"]["b"]["decision"] == "block"
    assert any(r.startswith("block: target b got worse: 20 lost and 0 gained of 200 items") for r in found["reasons"])


def test_a_proved_loss_inside_the_margin_is_no_block():
    assert judge({"b": Pairs.counts(20, 5, 3000), "a": Pairs.counts(0, 9, 100)}, {"a"}, 0.02)["verdict"] == "promote"


def test_noninferior_needs_every_large_target_to_certify():
    large, small = Pairs.counts(5, 5, 2000), Pairs.counts(1, 1, 40)
    assert judge({"a": large, "b": small}, set(), 0.02, need="noninferior")["verdict"] == "promote"
    assert judge({"a": Pairs.counts(30, 30, 500), "b": small}, set(), 0.02, need="noninferior")["verdict"] == "hold"
    assert judge({"b": small}, set(), 0.02, need="noninferior")["verdict"] == "hold"


def test_a_hotfix_must_mend_its_own_task():
    pairs = {"mended": Pairs.counts(1, 2, 60), "other": Pairs.counts(0, 12, 60)}
    assert judge(pairs, {"mended"}, 0.05, need="superior")["verdict"] == "promote"
    found = judge(pairs, {"mended"}, 0.05, need="named")
    assert found["verdict"] == "hold"
    assert "the mended task is not shown to be better" in found["reasons"][-1]


def test_no_held_out_item_is_no_reason_to_change():
    found = judge({}, set(), 0.05)
    assert found["verdict"] == "hold"
    assert "no held-out items" in found["reasons"][0]


def test_judged_answers_are_compared_by_sign_flips():
    better = Pairs((-0.5,) * 12 + (0.0,) * 20, binary=False)
    found = judge({"writing": better}, {"writing"}, 0.05)
    assert found["tasks"]["writing"]["p"] == pytest.approx(0.5**12)
    assert found["verdict"] == "promote"


def test_turns_of_one_conversation_are_not_independent_proofs():
    d, talks = (-1.0,) * 6 + (0.0,) * 24, (0,) * 6 + tuple(range(1, 25))
    assert judge({"talk": Pairs(d)}, {"talk"}, 0.05)["verdict"] == "promote"
    assert judge({"talk": Pairs(d, True, talks)}, {"talk"}, 0.05)["verdict"] == "hold"


def test_later_attempts_have_less_error_to_spend():
    pairs = {"intent": Pairs.counts(2, 9, 60)}
    assert judge(pairs, {"intent"}, 0.05)["verdict"] == "promote"
    assert judge(pairs, {"intent"}, 0.05, alpha=targets.ALPHA / 6)["verdict"] == "hold"


def test_a_task_of_the_model_in_service_that_the_lesson_leaves_out_may_block():
    pairs = {"taught": Pairs.counts(0, 30, 80), "served": Pairs.counts(40, 0, 60)}
    found = judge(pairs, {"taught"}, 0.05, kept={"served"})
    assert found["verdict"] == "block" and found["tasks"]["served"]["rule"] == "kept"
    assert any("target served, which the model in service was taught and this lesson leaves out, got worse" in r for r in found["reasons"])


def test_what_the_lesson_leaves_out_is_no_reason_to_change_and_costs_its_targets_nothing():
    served = {"served": Pairs.counts(0, 20, 60)}
    alone = judge({"taught": Pairs.counts(0, 5, 60)}, {"taught"}, 0.05)["tasks"]["taught"]
    found = judge({"taught": Pairs.counts(0, 5, 60)} | served, {"taught"}, 0.05, kept={"served"})
    assert found["verdict"] == "promote" and found["tasks"]["taught"]["adjusted_p"] == alone["adjusted_p"]
    assert judge({"taught": Pairs.counts(0, 3, 60)} | served, {"taught"}, 0.05, kept={"served"})["verdict"] == "hold"
