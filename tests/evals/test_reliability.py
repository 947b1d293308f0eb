"""A lesson weighed by reliability beats one that believes everything, at the noise of real users; seeds are fixed, so this is a figure and no dice."""

import math
import statistics

import numpy as np
import pytest

from evals import reliability as trial
from pipeline.mine.reliability import LEAST

SEEDS = 25


def learnt(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted logistic regression with a unit ridge, by Newton's method."""
    found = np.zeros(x.shape[1])
    for _ in range(12):
        p = 1 / (1 + np.exp(-np.clip(x @ found, -30, 30)))
        slope = x.T @ (weights * (p - y)) + found
        curve = (x * (weights * p * (1 - p))[:, None]).T @ x + np.eye(len(found))
        found -= np.linalg.solve(curve, slope)
    return found


@pytest.mark.parametrize("rows", [200, 800])
def test_weighted_beats_unweighted_at_thirty_percent_noise(rows: int) -> None:
    assert sum(trial.SHARES[k] * n for k, n in trial.KINDS.items()) == pytest.approx(0.3, abs=0.02)
    gains = []
    for seed in range(SEEDS):
        draw = np.random.default_rng(1000 + seed)
        truth, x, tests = draw.normal(size=20), draw.normal(size=(rows, 20)), draw.normal(size=(2000, 20))
        kinds = draw.choice(list(trial.SHARES), rows, p=list(trial.SHARES.values()))
        y = (x @ truth > 0) ^ (draw.random(rows) < np.array([trial.KINDS[k] for k in kinds]))
        known = trial.believed(trial.audited(seed), trial.agreed(trial.votes(seed, items=150)))
        weights = np.array([max(LEAST, 2 * known[k] - 1) for k in kinds])
        scores = [np.mean((tests @ learnt(x, y, w) > 0) == (tests @ truth > 0)) for w in (weights / weights.mean(), np.ones(rows))]
        gains.append(float(scores[0] - scores[1]))
    sure = statistics.fmean(gains) - 1.96 * statistics.stdev(gains) / math.sqrt(SEEDS)
    assert sure > 0.01, gains
