"""Lost against kept: the permutation test and its interval, held against scipy and against arithmetic."""

import numpy as np
import pytest

from pipeline.causes.contrast import contrasts


def test_the_p_value_is_that_of_scipys_permutation_test() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    lost, kept = rng.normal(0.4, 1, (30, 1)), rng.normal(0, 1, (40, 1))
    found = contrasts(lost, kept)
    theirs = stats.permutation_test((lost[:, 0], kept[:, 0]), lambda x, y: x.mean() - y.mean(), alternative="greater", rng=1)
    assert found is not None
    assert found[0].p == pytest.approx(theirs.pvalue, abs=0.012)
    assert found[0].difference == pytest.approx(theirs.statistic)


def test_a_shuffle_of_nothing_is_named_in_one_of_twenty_tries_at_most() -> None:
    rng = np.random.default_rng(5)
    shown = sum(bool(found and found[0].shown) for found in (contrasts(rng.random((20, 1)), rng.random((20, 1))) for _ in range(200)))
    assert shown <= 18  # ten of 200 are expected; more than 18 come in one of a hundred runs


def test_many_tasks_share_one_alpha() -> None:
    rng = np.random.default_rng(7)
    lost, kept = rng.normal(0.5, 1, (40, 1)), rng.normal(0, 1, (40, 1))
    alone = contrasts(lost, kept)
    beside = contrasts(np.repeat(lost, 8, 1), np.repeat(kept, 8, 1))
    assert alone and beside and beside[0].interval[0] < alone[0].interval[0] and beside[0].p == alone[0].p


def test_the_interval_holds_a_planted_difference() -> None:
    rng = np.random.default_rng(11)
    found = contrasts(rng.normal(2.0, 1, (60, 1)), rng.normal(0, 1, (60, 1)))
    assert found and found[0].shown and found[0].interval[0] < 2.0 < found[0].interval[1]


def test_four_items_are_no_evidence() -> None:
    assert contrasts(np.ones((4, 1)), np.zeros((50, 1))) is None
