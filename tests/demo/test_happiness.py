"""The demo's claim about happier users is the gate's own paired interval with its sign turned."""

import pytest

from pipeline.demo.happiness import compared


def test_lost_and_gained_are_counted_by_pair() -> None:
    facts = compared([True, False, False, True], [True, True, False, False])
    assert (facts["lost"], facts["gained"], facts["before_share"], facts["after_share"]) == (1, 1, 0.5, 0.5)


def test_the_interval_is_tangos_turned_to_gains() -> None:
    """(20, 10, 500) of the published table, read as a loss of satisfaction: drop .002071 .. .039281."""
    before = [True] * 20 + [False] * 10 + [True] * 470
    after = [False] * 20 + [True] * 10 + [True] * 470
    low, high = compared(before, after)["interval"]
    assert low == pytest.approx(-0.039281, abs=1e-6) and high == pytest.approx(-0.002071, abs=1e-6)
