"""The stage: sealed scores in, a sealed verdict out."""

import json
import subprocess
import sys

import pytest

from pipeline import lineage
from pipeline.commands.compare import compare
from pipeline.errors import BadInput, BadRecipe, Permanent
from pipeline.gate.run import run
from tests.gate import world
from tests.gate.pairs import sides
from tests.gate.world import DAY, lesson, recipe, scores, seal


@pytest.fixture
def settings(home, tmp_path):
    return world.settle(home, tmp_path / "config")


def _values(**counts):
    """Reference's and candidate's values: nothing changed in the suite, a gain on the target, unless told otherwise."""
    usual = {"maths": (3, 3, 600), "reading": (2, 4, 600), "code": (0, 0, 40), "writing": (1, 0, 20), "intent": (1, 12, 60)}
    both = {name: sides(*c) for name, c in (usual | counts).items() if c}
    return {n: a for n, (a, _) in both.items()}, {n: b for n, (_, b) in both.items()}


def _day(settings, stem="a", rows=None, pairs=None, candidate_extra=None, **counts):
    """A first day: the champion is the origin. Returns the candidate's scores id."""
    before, after = _values(**counts)
    _, _, model = lesson(settings, stem, rows, pairs)
    if not any(m["model"] == "origin" for m in lineage.all_of(settings, "scores")):
        scores(settings, "origin", before)
    return scores(settings, model, after, **(candidate_extra or {}))


def test_a_good_day_promotes_with_reasons(settings):
    found = run(_day(settings), recipe(), settings)
    assert found["verdict"] == "promote"
    assert found["tables"] == {"champion": "promote", "origin": "promote", "targets": "promote", "checks": "promote", "budget": "promote"}
    assert found["champion"] == "origin"
    assert found["candidate"].startswith("model-")
    assert set(found["scores"]) == {"candidate", "champion", "origin"}
    assert found["day"] == "2026-11-20"
    assert found["mix"].startswith("mix-")
    assert found["targets"]["intent"]["rule"] == "superior"
    assert any("target intent is better" in r for r in found["reasons"])
    assert 0 < found["feasibility"]["chance"] <= 1
    assert "PROMOTE" in found["text"]


def test_what_is_returned_is_what_was_sealed_and_twice_is_once(settings):
    given = _day(settings)
    first = run(given, recipe(), settings)
    sealed = json.loads((lineage.folder(settings, first["id"]) / "verdict.json").read_text())
    assert {k: v for k, v in first.items() if k != "text"} == sealed
    stamp = (lineage.folder(settings, first["id"]) / "manifest.json").stat().st_mtime_ns
    assert run(given, recipe(), settings) == first
    assert (lineage.folder(settings, first["id"]) / "manifest.json").stat().st_mtime_ns == stamp
    assert lineage.manifest(settings, first["id"])["parents"] == [given]


def test_a_seesaw_is_blocked_although_its_target_is_superior(settings):
    found = run(_day(settings, maths=(80, 5, 600)), recipe(), settings)
    assert found["verdict"] == "block"
    assert found["tables"]["targets"] == "promote"
    assert found["reasons"][0].startswith("block: against the origin: maths: 80 lost and 5 gained of 600 items")


@pytest.mark.parametrize(
    ("intent", "other_task", "verdict"),
    [
        ((1, 12, 60), (40, 0, 60), "block"),
        ((3, 4, 60), (0, 30, 60), "hold"),  # a gain of it is no reason to change
        ((1, 12, 60), (1, 1, 60), "promote"),
    ],
)
def test_a_task_in_service_that_the_lesson_leaves_out_may_block_and_is_no_reason_to_change(settings, intent, other_task, verdict):
    found = run(_day(settings, intent=intent, other_task=other_task), recipe().model_copy(update={"tasks": ["intent"]}), settings)
    assert found["verdict"] == found["tables"]["targets"] == verdict
    assert (found["targets"]["other_task"]["rule"], found["targets"]["intent"]["rule"]) == ("kept", "superior")
    told = "target other_task, which the model in service was taught and this lesson leaves out, got worse"
    assert any(told in r for r in found["reasons"]) == (verdict == "block")


def test_a_day_that_teaches_nothing_has_no_reason_to_change(settings):
    found = run(_day(settings, intent=(3, 4, 60)), recipe(), settings)
    assert found["verdict"] == "hold"
    assert "no reason to change" in found["reasons"][0]


def test_a_day_without_held_out_items_holds(settings):
    assert run(_day(settings, intent=None), recipe(), settings)["verdict"] == "hold"


def test_report_only_is_excused_and_shown_abilities_never_gate(settings):
    found = run(_day(settings, code=(2, 2, 40), writing=(20, 0, 20)), recipe(), settings)
    assert found["verdict"] == "promote"
    assert found["abilities"]["code"]["report_only"]
    assert "writing" not in found["abilities"]
    assert found["shown"]["writing"] == {"n": 20, "champion": 1.0, "candidate": 0.0}


def test_a_declared_ability_that_nobody_answered_holds(settings):
    before, after = _values(reading=None)
    _, _, model = lesson(settings)
    scores(settings, "origin", before)
    found = run(scores(settings, model, after), recipe(), settings)
    assert found["verdict"] == "hold"
    assert any("b_reading is missing from the results of the champion and the candidate" in r for r in found["reasons"])


def test_a_value_that_is_no_number_holds(settings):
    before, after = _values()
    after["maths"][4] = None
    _, _, model = lesson(settings)
    scores(settings, "origin", before)
    assert run(scores(settings, model, after), recipe(), settings)["verdict"] == "hold"
    after["maths"][4], after["intent"][4] = 1.0, None
    _, _, other = lesson(settings, "b")
    found = run(scores(settings, other, after), recipe(), settings)
    assert found["verdict"] == "hold"


def test_many_small_losses_are_stopped_by_the_origin(settings):
    before, now = _values(maths=(40, 0, 600), intent=(0, 12, 60))
    origin = scores(settings, "origin", before)
    _, _, champion = lesson(settings, "champion")
    today = scores(settings, champion, now)
    (settings.home / "current.json").write_text(json.dumps({"model": champion, "release": "release-x", "verdict": "v"}))
    after = {n: list(v) for n, v in now.items()}
    after["maths"][100:108] = [0.0] * 8  # eight more: shown small against the champion, five points and more against the origin
    after["intent"] = [1.0] * 60
    before_intent = [0.0] * 9 + [1.0] * 51
    now["intent"] = before_intent
    _, _, model = lesson(settings, "b")
    found = run(scores(settings, model, after), recipe(), settings)
    assert (found["champion"], found["scores"]["champion"], found["scores"]["origin"]) == (champion, today, origin)
    assert found["tables"]["champion"] == "promote"
    assert found["tables"]["origin"] == "block"
    assert found["verdict"] == "block"
    assert any("against the origin: maths" in r for r in found["reasons"])
    assert found["origin"]["abilities"]["maths"]["margin"] == 0.06
    assert found["suspects"] == ["maths"]


def test_a_champion_without_scores_on_these_items_is_a_refusal(settings):
    given = _day(settings)
    (settings.home / "current.json").write_text(json.dumps({"model": f"model-{DAY}-00000000"}))
    with pytest.raises(Permanent, match=r"has no scores on the items of scores-.*run `equipoise evaluate model-"):
        run(given, recipe(), settings)


@pytest.mark.parametrize("name", ["template_sha", "backend", "dtype", "batch_size"])
def test_unequal_evidence_is_refused_in_words(settings, name):
    given = _day(settings, candidate_extra={"settings": world.SETTINGS | {name: "other"}})
    with pytest.raises(Permanent, match=r"cannot be compared with .*(?s:.)*differs: .* against other"):
        run(given, recipe(), settings)
    assert not lineage.all_of(settings, "verdict")


def test_signs_that_the_candidate_is_no_new_model_are_told(settings):
    given = _day(settings, candidate_extra={"canary": "adapter not applied?", "weights": world.sha("origin")})
    told = run(given, recipe(), settings)["warnings"]
    assert len(told) == 2
    assert "weights are the champion's" in told[0]
    assert "adapter not applied?" in told[1]


def test_the_origin_is_no_candidate(settings):
    _day(settings)
    origin = next(m["id"] for m in lineage.all_of(settings, "scores") if m["model"] == "origin")
    with pytest.raises(BadInput, match="the origin's own scores"):
        run(origin, recipe(), settings)


def test_margins_that_the_suite_can_never_show_are_a_bad_recipe(settings):
    with pytest.raises(BadRecipe, match="may_hold"):
        run(_day(settings), recipe(margin=0.01, may_hold=False), settings)


def test_held_out_prompts_that_the_lesson_has_seen_do_not_prove_a_gain(settings):
    seen = [
        {
            "task": "intent",
            "source": "edit",
            "messages": [{"role": "user", "content": f"intent {i}?"}, {"role": "assistant", "content": "y"}],
        }
        for i in range(13)
    ]
    found = run(_day(settings, rows=seen), recipe(), settings)  # all 13 flips are on prompts that stand in the mix
    assert found["checks"][0]["flagged"] == 13
    assert found["tables"]["targets"] == "promote"
    assert found["tables"]["checks"] == "hold"
    assert found["verdict"] == "hold"
    assert any("without the 13 of 60 held-out prompts that the lesson has seen" in r for r in found["reasons"])


def test_a_hotfix_must_mend_its_own_task(settings):
    row = {
        "task": "other_task",
        "source": "hotfix",
        "messages": [{"role": "user", "content": "hey"}, {"role": "assistant", "content": "y"}],
    }
    given = _day(settings, rows=[row], other_task=(1, 2, 60))
    assert run(given, recipe(), settings)["verdict"] == "promote"
    found = run(given, recipe("hotfix"), settings)
    assert found["verdict"] == "hold"
    assert {t: r["rule"] for t, r in found["targets"].items()} == {"intent": "noninferior", "other_task": "superior"}


def test_a_second_attempt_at_the_same_data_has_less_error_to_spend(settings):
    one = _day(settings, "a")
    first = run(one, recipe(), settings)
    pairs = lineage.all_of(settings, "pairs")[0]["id"]
    _, after = _values()
    after["intent"] = [0.0, *[1.0] * 9, *[0.0] * 4, *[1.0] * 46]  # 2 lost, 9 gained: p = .033, enough for a first attempt
    two = scores(settings, lesson(settings, "b", pairs=pairs)[2], after)
    second = run(two, recipe(), settings)
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert second["targets"]["intent"]["p"] == pytest.approx(0.032715, abs=5e-7)
    assert second["verdict"] == "hold"
    assert any("attempt 2 at the same data" in r for r in second["reasons"])
    assert run(one, recipe(), settings)["id"] == first["id"]
    assert run(two, recipe(), settings)["id"] == second["id"]


def test_other_data_is_no_second_attempt(settings):
    run(_day(settings, "a"), recipe(), settings)
    assert run(_day(settings, "b"), recipe(), settings)["attempt"] == 1


def test_a_promoted_candidate_keeps_the_verdict_that_promoted_it(settings):
    given = _day(settings)
    first = run(given, recipe(), settings)
    report = seal(settings, f"report-{DAY}-11111111", [first["id"]])
    seal(settings, f"release-{DAY}-22222222", [report, first["candidate"]])
    (settings.home / "current.json").write_text(json.dumps({"model": first["candidate"]}))
    assert run(given, recipe(), settings) == first
    assert len(lineage.all_of(settings, "verdict")) == 1


def test_another_recipe_is_another_verdict(settings):
    given = _day(settings)
    assert run(given, recipe(), settings)["id"] != run(given, recipe(strict=True), settings)["id"]


def test_the_verdict_holds_no_number_that_is_none(settings):
    found = run(_day(settings, intent=None, maths=(600, 0, 600)), recipe(), settings)
    json.dumps(found, allow_nan=False)


def test_scores_ids_can_be_compared_by_hand(settings):
    given = _day(settings, maths=(80, 5, 600))
    origin = next(m["id"] for m in lineage.all_of(settings, "scores") if m["model"] == "origin")
    found = compare(origin, given, settings, margin=0.05)
    assert found["verdict"] == "block"
    assert list(found["abilities"]) == ["maths", "reading", "code"]


def test_the_gate_needs_no_torch(settings):
    given = _day(settings)
    code = (
        "import sys, dataclasses, pathlib; from pipeline import settings; from pipeline.gate.run import run; from tests.gate import world;"
        "s = dataclasses.replace(settings.load(), home=pathlib.Path(sys.argv[1]), config=pathlib.Path(sys.argv[2]));"
        "run(sys.argv[3], world.recipe(), s);"
        "heavy = {'torch', 'transformers', 'lm_eval', 'scipy'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(settings.home), str(settings.config), given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
