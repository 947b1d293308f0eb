"""Checks of the gate upon itself (gate.md, section 10): unchanged models, swaps, planted losses."""

import json

import numpy as np
import pytest
from scipy import stats

from pipeline.gate.intervals import tango, wald
from pipeline.gate.paired import mcnemar
from pipeline.gate.verdict import judge
from tests.gate.pairs import suite


def _world(draw, n, psi, drops):
    """One simulated suite: a share psi of the items flips, lost more often than gained by the planted drop."""
    champion, candidate = {}, {}
    for name, drop in drops.items():
        kind = draw.random(n)
        lost, flipped = kind < (psi + drop) / 2, kind < psi
        base = draw.random(n) < 0.6
        champion[name] = np.where(flipped, lost, base).astype(float).tolist()
        candidate[name] = np.where(flipped, ~lost, base).astype(float).tolist()
    return champion, candidate


def test_the_same_values_twice_lose_nothing_and_promote_where_there_are_enough():
    a, _ = suite({"one": (0, 0, 133)})
    row = judge(a, a).abilities["one"]
    z2 = stats.norm.ppf(0.95) ** 2
    assert (row["lost"], row["gained"], row["p"], row["decision"]) == (0, 0, 1.0, "promote")
    assert row["interval"] == pytest.approx([-z2 / (133 + z2), z2 / (133 + z2)], abs=1e-9)


def test_an_unchanged_model_in_a_noisy_harness_is_hardly_ever_blocked():
    draw = np.random.default_rng(1)
    names = [str(k) for k in range(10)]
    found = [judge(*_world(draw, 500, 0.02, dict.fromkeys(names, 0.0)), margin=0.05) for _ in range(400)]
    proved = sum(any(r["adjusted_p"] <= 0.025 for r in [*f.abilities.values(), f.pooled]) for f in found)
    assert sum(f.verdict == "block" for f in found) <= 0.05 * 400
    assert proved <= 0.05 * 400  # measured .024


@pytest.mark.slow
def test_an_unchanged_model_is_blocked_in_less_than_one_of_a_hundred_worlds():
    draw = np.random.default_rng(2)
    names = [str(k) for k in range(10)]
    blocked = sum(judge(*_world(draw, 500, 0.02, dict.fromkeys(names, 0.0)), margin=0.05).verdict == "block" for _ in range(1000))
    assert blocked < 10


def test_with_thirty_flips_p_is_below_five_percent_in_the_exact_share():
    share = sum(stats.binom.pmf(lost, 30, 0.5) for lost in range(31) if mcnemar(lost, 30 - lost) <= 0.05)
    assert share == pytest.approx(0.049369, abs=5e-7)


def test_a_planted_loss_of_eight_points_is_blocked():
    draw = np.random.default_rng(3)
    drops = {"maths": 0.08, "reading": 0.0, "code": 0.0, "facts": 0.0}
    blocked = sum(judge(*_world(draw, 500, 0.12, drops), margin=0.05).verdict == "block" for _ in range(200))
    assert blocked >= 198


def test_a_seesaw_is_found_that_the_mean_score_hides():
    draw = np.random.default_rng(4)
    drops = {"maths": 0.04} | {str(k): -0.005 for k in range(9)}
    found = [judge(*_world(draw, 1500, 0.08, drops), margin=0.03) for _ in range(60)]
    assert sum(f.verdict == "block" for f in found) >= 57  # measured .997 of worlds
    assert sum(f.pooled["drop"] > 0.01 for f in found) <= 2


def test_textbook_interval_would_certify_from_nothing_and_the_score_interval_does_not():
    assert wald(0.0, 0.0, 100)[1] == 0.0
    assert tango(0, 0, 100)[1] > 0.02


@pytest.mark.slow
@pytest.mark.parametrize(
    ("drop", "block", "promote"),
    [(0.0, 0.033, 0.732), (0.007, 0.415, 0.160)],
    ids=["no change", "0.7 points everywhere"],
)
def test_measured_chances_of_ten_abilities_of_500_items(drop, block, promote):
    draw = np.random.default_rng(5)
    verdicts = [judge(*_world(draw, 500, 0.08, {str(k): drop for k in range(10)}), margin=0.05).verdict for _ in range(800)]
    assert verdicts.count("block") / 800 == pytest.approx(block, abs=0.055)
    assert verdicts.count("promote") / 800 == pytest.approx(promote, abs=0.055)


def test_equal_inputs_give_equal_bytes_even_where_draws_are_needed():
    draw = np.random.default_rng(6)
    a = {"judge": (draw.integers(0, 11, 300) / 10).tolist()}
    b = {"judge": (draw.integers(0, 11, 300) / 10).tolist()}
    assert json.dumps(judge(a, b)) == json.dumps(judge(a, b))
