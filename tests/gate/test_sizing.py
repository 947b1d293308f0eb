"""`equipoise power`: a suite of the size it names does what it says."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

from evals.gate_worlds import BLOCK, PROMOTE, Suite, draw, judged
from pipeline.__main__ import main
from pipeline.commands import power
from pipeline.errors import BadInput
from pipeline.gate.run import run
from pipeline.gate.sizing import Wanted, plan, share
from pipeline.recipe import Recipe
from tests.gate import world
from tests.gate.test_run import _day
from tests.gate.world import recipe


@pytest.fixture
def settings(home, tmp_path):
    return world.settle(home, tmp_path / "config")


def test_one_ability_needs_the_worked_items():
    found = plan({"maths": Wanted(500, 0.02, 0.05)}, None, 0.05, 0.8)["abilities"]["maths"]
    assert (found["to_certify"], found["to_detect"]) == (773, 771)


def test_a_suite_of_the_planned_size_promotes_unchanged_models_as_often_as_planned():
    margin, pooled = 0.03, 0.01
    found = plan({f"a{k}": Wanted(None, margin, 0.08) for k in range(6)}, Wanted(None, pooled, 0.08), 0.05, 0.8)
    n = max(found["abilities"]["a0"]["to_certify"], found["pooled"]["to_certify"] // 6)
    suite = Suite(6, n, 0.08, margin, pooled)
    lost, gained = draw(np.random.default_rng(3), suite, np.zeros(6), 4000)
    assert judged(suite, lost, gained).share(PROMOTE) >= 0.8 - 0.02


def test_a_suite_of_the_planned_size_proves_a_lost_margin_as_often_as_planned():
    found = plan({f"a{k}": Wanted(None, 0.05, 0.08) for k in range(6)}, Wanted(None, 0.05, 0.08), 0.05, 0.8)
    suite = Suite(6, found["abilities"]["a0"]["to_detect"], 0.08, 0.05, 0.05)
    lost, gained = draw(np.random.default_rng(4), suite, np.array([0.05, 0, 0, 0, 0, 0]), 4000)
    assert (judged(suite, lost, gained).rows[:, 0] == BLOCK).mean() == pytest.approx(0.8, abs=0.05)  # the exact test is discrete


def test_looks_need_what_gate_md_measured():
    found = share(2000, Wanted(None, 0.02, 0.10), 0.05, 0.05, 4)
    assert found["unchanged"]["asked"] == pytest.approx(0.73, abs=0.01)
    assert found["fallen"]["right"] == pytest.approx(0.87, abs=0.01)


def test_one_look_is_the_fixed_design():
    found = share(2000, Wanted(None, 0.02, 0.10), 0.05, 0.05, 1)
    assert found["unchanged"]["asked"] == 1
    assert found["fallen"]["right"] == pytest.approx(stats.norm.sf(stats.norm.isf(0.05) - 0.02 / np.sqrt(0.1 / 2000)), abs=1e-6)


def test_flips_come_from_what_was_judged_here_and_a_blocked_model_is_left_out(settings):
    assert power.flips(settings) == {}
    run(_day(settings, "a"), recipe(), settings)
    assert power.flips(settings)["maths"] == (6, 600, 1)
    run(_day(settings, "b", maths=(300, 5, 600)), recipe(), settings)
    assert power.flips(settings)["maths"] == (6, 600, 1)
    found = power.run(recipe(), settings, None, None, 0.05, 0.8)
    assert (found["abilities"]["maths"]["psi"], found["abilities"]["maths"]["psi_from"]) == (0.01, "1 verdict")
    assert "code" not in found["abilities"]  # report-only certifies nothing, so nothing is planned for it
    assert found["abilities"]["maths"]["margin"] == 0.05
    given = power.run(recipe(), settings, 0.02, 0.05, 0.05, 0.8)
    assert (given["abilities"]["maths"]["psi_from"], given["abilities"]["maths"]["margin"]) == ("given", 0.02)


def test_the_pace_is_the_median_of_long_evaluations(settings):
    def scored(n, asked, seconds):
        world.seal(settings, f"scores-20261120-0000000{n}", [], counts={"asked": asked}, started="2026-11-20T08:00:00+00:00", finished=f"2026-11-20T08:{seconds // 60:02}:{seconds % 60:02}+00:00")  # fmt: skip

    assert power.seconds_an_item(settings) is None
    for n, (asked, seconds) in enumerate([(100, 100), (100, 300), (200, 400), (10, 1000)]):
        scored(n, asked, seconds)
    assert power.seconds_an_item(settings) == {"seconds": 2.0, "evaluations": 3}


def test_the_command_plans_the_shipped_lesson(home, capsys, monkeypatch):
    monkeypatch.setattr("pipeline.settings.load", lambda: home)
    assert main(["power", "--looks", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["abilities"]["knowledge"]) >= {"n", "psi", "margin", "to_certify", "to_detect", "least_margin", "seconds", "looks"}
    assert found["chance"] < 0.5  # the starter suite says so itself: may_hold
    assert main(["power", "--margin", "2"]) == 65
    assert "--margin is 2" in capsys.readouterr().err


def test_a_plan_needs_an_ability_that_certifies(home):
    folder = home.home / "config" / "suites"
    folder.mkdir(parents=True)
    (folder / "small.yaml").write_text("name: small\nabilities: {a: {tasks: [t], report_only: true}}\n")
    lesson = Recipe.model_validate({"evaluation": {"suites": ["small"]}})
    with pytest.raises(BadInput, match="no ability of its suites certifies"):
        power.run(lesson, dataclasses.replace(home, config=folder.parent), None, None, 0.05, 0.8)
