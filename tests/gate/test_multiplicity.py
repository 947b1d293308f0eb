"""Adjusted p values against the worked suite, the definitions and scipy."""

import pytest
from scipy import stats

from pipeline.gate.multiplicity import benjamini_hochberg, holm

WORKED = {"maths": 0.001111, "reading": 0.317914, "knowledge": 0.313551, "code": 0.5, "instructions": 0.756575}


def test_holm_gives_the_worked_values():
    assert list(holm(WORKED).values()) == pytest.approx([0.005554, 1, 1, 1, 1], abs=2e-6)


def test_holm_never_falls_behind_a_smaller_p():
    assert holm({"a": 0.01, "b": 0.011, "c": 0.9}) == pytest.approx({"a": 0.03, "b": 0.03, "c": 0.9})


def test_benjamini_hochberg_gives_the_worked_values_and_scipys():
    found = list(benjamini_hochberg(WORKED).values())
    assert found == pytest.approx([0.005554, 0.529857, 0.529857, 0.625, 0.756575], abs=2e-6)
    assert found == pytest.approx(stats.false_discovery_control(list(WORKED.values())).tolist(), rel=1e-12)


def test_no_test_is_adjusted_to_nothing():
    assert holm({}) == benjamini_hochberg({}) == {}
