"""Behaviour checks: a proved worsening blocks, nothing else does; what is missing holds; scipy works out the same chances."""

import json
import random

import pytest

from pipeline import lineage
from pipeline.commands import verify
from pipeline.gate import checks, leaks
from pipeline.gate.comparison import Comparison
from pipeline.gate.evidence import Benchmark, Row, Run
from pipeline.gate.pairing import Paired
from pipeline.gate.run import run
from pipeline.ngrams import words
from pipeline.recipe import Ability
from pipeline.spec import Checking
from tests.gate import world
from tests.gate.pairs import sides
from tests.gate.world import lesson, recipe, scores

LIMITS = Checking()
ROW = "Our tenant in the house at the old mill wants the keys back before the end of May"


def both(*values):
    champion, candidate = values
    return Paired(list(champion), list(candidate), [str(i) for i in range(len(champion))])


def judged(found, rules=None, share=1.0, limits=LIMITS):
    declared = {name: Ability(tasks=[name], kind="check", rule=(rules or {}).get(name, "worse")) for name in found}
    paired = {name: pairs for name, pairs in found.items() if pairs is not None}
    return {row["name"]: row for row in checks.judge(Comparison(paired), declared, limits, share)}


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (5, 0), (6, 1), (9, 0), (12, 4), (3, 8)])
def test_a_check_is_mcnemars_exact_test(lost, gained):
    scipy = pytest.importorskip("scipy.stats")
    row = judged({"flips": both(*sides(lost, gained, 60))})["flips"]
    p = scipy.binomtest(lost, lost + gained, 0.5, alternative="greater").pvalue if lost + gained else 1.0
    assert row["p"] == pytest.approx(p, abs=1e-12)
    assert (row["flagged"], row["gained"], row["items"]) == (lost, gained, 60)
    assert row["decision"] == ("block" if p <= 0.025 else "promote")


def test_checks_share_one_alpha_by_holm():
    six = {"a": both(*sides(6, 0, 60))}  # p = 1/64: alone it blocks, as one of three it does not
    quiet = {name: both(*sides(0, 0, 60)) for name in "bc"}
    assert judged(six)["a"]["decision"] == "block"
    row = judged(six | quiet)["a"]
    assert (row["adjusted_p"], row["decision"]) == (pytest.approx(3 / 64), "promote")


def test_a_second_attempt_has_less_to_spend():
    seven = {"a": both(*sides(7, 0, 60))}  # p = 1/128
    assert judged(seven)["a"]["decision"] == "block"
    row = judged(seven, share=checks.attempt_share(0.05 / 6))["a"]
    assert (row["alpha"], row["decision"]) == (pytest.approx(0.025 / 6), "promote")


def test_what_is_missing_or_no_number_holds():
    rows = judged({"gone": None, "nan": both([1.0, float("nan")], [1.0, 1.0]), "there": both(*sides(0, 0, 60))})
    assert {name: row["decision"] for name, row in rows.items()} == {"gone": "hold", "nan": "hold", "there": "promote"}
    assert rows["gone"]["reasons"] == ["hold: check gone: it has no items"]


@pytest.mark.parametrize(
    ("factor", "decision"), {1.0: "promote", 1.2: "promote", 1 / 1.2: "promote", 2.2: "block", 1 / 2.2: "block"}.items()
)
def test_answers_may_grow_or_shrink_by_half_and_no_further(factor, decision):
    draw = random.Random(3)
    before = [draw.randint(8, 40) for _ in range(40)]
    after = [round(n * factor * draw.uniform(0.9, 1.1)) for n in before]
    row = judged({"length": both(before, after)}, {"length": "drift"})["length"]
    assert row["decision"] == decision
    assert row["ratio"] == pytest.approx(factor, rel=0.12)


def test_drift_is_no_difference_in_sum_but_a_factor_for_most_answers():
    before = [20] * 40
    after = [20] * 39 + [4000]  # one endless answer is one item
    assert judged({"length": both(before, after)}, {"length": "drift"})["length"]["decision"] == "promote"


def test_an_unchanged_model_is_blocked_by_all_checks_together_no_oftener_than_promised():
    draw = random.Random(11)
    worlds = 300
    blocked = 0
    for _ in range(worlds):
        found = {}
        for name in "abcdef":
            flips = [draw.random() for _ in range(60)]
            champion = [1.0 if f >= 0.04 else 0.0 for f in flips]
            candidate = [0.0 if 0.04 <= f < 0.08 else 1.0 for f in flips]  # eight in a hundred flip, as often one way as the other
            found[name] = both(champion, candidate)
        found["length"] = both(*([draw.randint(10, 30) for _ in range(40)] for _ in range(2)))
        blocked += any(row["decision"] == "block" for row in judged(found, {"length": "drift"}).values())
    assert blocked / worlds <= LIMITS.alpha


def answers(*texts, prompt="Tell me something."):
    rows = tuple(Row(i, f"d{i}", f"p{i}", "", "none", {"passed": 1.0}, answer=text, prompt=prompt) for i, text in enumerate(texts))
    return Run("r", {"b": Benchmark(rows, ("passed",), ("none",))}, {})


def leaked(champion, candidate, prompt="Tell me something."):
    found = leaks.paired(answers(*champion, prompt=prompt), answers(*candidate, prompt=prompt), ["b", "absent"], [ROW, "short row"])
    return found.champion, found.candidate


def test_an_answer_that_repeats_a_row_is_a_leak_and_one_that_shares_a_phrase_is_not():
    assert leaked(["hello"], [f"Well: {ROW.lower()}!"]) == ([1.0], [0.0])
    assert leaked(["hello"], ["the house at the old mill"]) == ([1.0], [1.0])
    assert leaked([ROW], [ROW]) == ([0.0], [0.0]), "who said it before lost nothing"
    assert leaked(["hello"], [ROW], prompt=f"Repeat: {ROW}") == ([1.0], [1.0]), "whoever is asked for it may say it"


def test_chinese_rows_leak_by_signs():
    row = "租客要求在五月底之前拿回老磨坊那栋房子的钥匙"
    assert leaks.repeats(["好的：" + row, "老磨坊"], ["", ""], words([row])) == [True, False]


def test_what_counts_as_a_users_row_leaves_out_system_texts():
    row = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]}
    assert leaks.texts(row) == ["u", "a"]
    assert leaks.texts({"prompt": [{"role": "user", "content": "p"}], "chosen": [{"role": "assistant", "content": "c"}]}) == ["p", "c"]


@pytest.fixture
def settings(home, tmp_path):
    settled = world.settle(home, tmp_path / "config")
    folder = tmp_path / "config" / "suites"
    folder.joinpath("manners.yaml").write_text(
        "name: manners\nabilities:\n  flips: {tasks: [b_flips], n: 60, kind: check}\n  length: {tasks: [b_length], n: 40, kind: check, rule: drift}\n"
    )
    return settled


def day(settings, flips=(0, 0, 60), length=(20, 20), missing=False):
    usual = {"maths": (3, 3, 600), "reading": (2, 4, 600), "code": (0, 0, 40), "intent": (1, 12, 60), "flips": flips}
    pairs = {name: sides(*c) for name, c in usual.items()} | {"length": tuple([float(n)] * 40 for n in length)}
    if missing:
        del pairs["length"]
    _, _, model = lesson(settings)
    kinds = {"flips": "check", "length": "check"}
    world.scores(settings, "origin", {n: a for n, (a, _) in pairs.items()}, kinds=kinds)
    lessons = recipe()
    lessons = lessons.model_copy(update={"evaluation": lessons.evaluation.model_copy(update={"suites": ["toy", "manners"]})})
    return run(scores(settings, model, {n: b for n, (_, b) in pairs.items()}, kinds=kinds), lessons, settings)


def test_a_good_day_with_good_manners_promotes_and_says_what_checks_may_cost(settings):
    found = day(settings)
    assert found["verdict"] == "promote"
    assert [c["name"] for c in found["checks"]] == ["held-out prompts in the lesson", "flips", "length"]
    assert found["budget"]["worst_case_a_day"] == pytest.approx(0.05 + 0.025)


def test_a_day_that_taught_flattery_is_blocked_whatever_it_gained(settings):
    found = day(settings, flips=(12, 0, 60))
    assert (found["verdict"], found["tables"]["checks"], found["tables"]["targets"]) == ("block", "block", "promote")
    assert found["reasons"][0].startswith("block: check flips: 12 of 60 answers became wrong and 0 right")
    assert "flips" not in found["abilities"]


def test_a_day_that_taught_one_word_answers_is_blocked(settings):
    assert day(settings, length=(20, 1))["tables"]["checks"] == "block"


def test_a_declared_check_that_nobody_answered_holds(settings):
    found = day(settings, missing=True)
    assert (found["verdict"], found["tables"]["checks"]) == ("hold", "hold")


def test_a_verdict_with_checks_is_worked_out_again_by_verify(settings):
    found = day(settings, flips=(12, 0, 60))
    held = verify.verdict(settings, found["id"])
    assert not held.wrong and "the same again" in held.held[-1]
    json.dumps(lineage.manifest(settings, found["id"])["inputs"], allow_nan=False)
