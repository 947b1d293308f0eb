"""What `mine` believes of six days of simulated feedback, whose truth was planted by somebody else."""

from pathlib import Path

import pytest

from evals import simulated_feedback
from evals.simulated_feedback import Told

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "truth").is_dir(), reason="../shared/data/truth is absent")
def test_what_is_believed_was_meant_and_a_brigade_weighs_little(tmp_path: Path) -> None:
    events = simulated_feedback.told(DATA, tmp_path)
    assert len(events) == 573
    tp, fp, fn = simulated_feedback.counts(e for e in events if e.truth != "brigade")
    assert tp / (tp + fp) >= 0.95 and tp / (tp + fn) >= 0.88
    brigade = sum(e.weight for e in events if e.truth == "brigade")
    assert 0 < brigade <= 0.05 * sum(e.weight for e in events)


def test_a_line_counts_events_and_weighs_them() -> None:
    events = [
        Told("a", "edit", "honest", 1.0),
        Told("b", "edit", "noise:x", 0.5),
        Told("c", "edit", "honest", 0.0),
        Told("d", "edit", "brigade", 0.0),
    ]
    assert simulated_feedback.counts(events) == (1, 1, 1)
    assert simulated_feedback.line("edit", events).startswith("| edit | 4 | 0.50 (1/2) ")
    assert simulated_feedback.line("edit", events).endswith("| 0.67 |")
