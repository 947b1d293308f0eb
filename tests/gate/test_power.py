"""How many items show how small a drop: the sums of gate.md, section 5."""

import math

import pytest
from scipy import optimize, stats

from pipeline.gate.power import items_at_least, items_to_certify, items_to_detect, smallest_detectable_drop


def test_items_to_detect_are_the_worked_ones():
    assert [items_to_detect(0.01, 0.05), items_to_detect(0.02, 0.05), items_to_detect(0.02, 0.10)] == [3090, 771, 1544]
    assert items_to_detect(0.04, 0.08, alpha=0.0025) == 663


def test_items_to_certify_are_the_worked_ones():
    assert [items_to_certify(0.02, 0.05), items_to_certify(0.02, 0.10), items_to_certify(0.01, 0.08)] == [773, 1546, 4947]
    assert items_to_certify(0.02, 0.10, power=0.90) == 2141


def test_fewer_items_than_these_never_certify():
    assert [items_at_least(m) for m in (0.02, 0.01, 0.03, 0.05)] == [133, 268, 88, 52]


@pytest.mark.parametrize(
    ("n", "psi", "alpha", "points"),
    [
        (500, 0.08, 0.05, 3.139),
        (1319, 0.10, 0.05, 2.163),
        (1500, 0.10, 0.05, 2.029),
        (12343, 0.10, 0.05, 0.708),
        (500, 0.08, 0.0025, 4.601),
        (1500, 0.08, 0.0025, 2.662),
    ],
)
def test_smallest_detectable_drop_is_the_worked_one_and_the_root_of_its_equation(n, psi, alpha, points):
    found = smallest_detectable_drop(n, psi, alpha)
    assert 100 * found == pytest.approx(points, abs=5e-4)
    za, zb = stats.norm.isf(alpha), stats.norm.isf(0.2)
    root = optimize.brentq(lambda d: d * math.sqrt(n) - za * math.sqrt(psi) - zb * math.sqrt(psi - d * d), 0, math.sqrt(psi))
    assert found == pytest.approx(root, abs=1e-9)


def test_without_a_flip_psi_is_taken_as_one_flip():
    assert smallest_detectable_drop(500, 0.0) == smallest_detectable_drop(500, 1 / 500)


def test_a_handful_of_items_can_prove_nothing():
    assert smallest_detectable_drop(2, 1.0) == 1.0
    assert smallest_detectable_drop(0, 0.0) == 1.0
