"""Gradients are computed in batches that are written down: what a kill costs, and what a batch holds."""

import numpy as np
import pytest

from pipeline import weights
from pipeline.evaluate import gradients
from pipeline.evaluate.gradients import Text
from pipeline.recipe import Recipe

TEXTS = [Text("row", f"x-{n}", "task", ((tuple(range(100)), (1, 2) * (1 + n % 3), 1.0),)) for n in range(40)]


class Counting:
    """A sketch whose gradient is the text's own length; it dies after so many batches."""

    batches, dies_after = 0, 99

    def __init__(self, model: object):
        pass

    def gradients(self, texts: list) -> np.ndarray:
        if Counting.batches >= Counting.dies_after:
            raise KeyboardInterrupt
        Counting.batches += 1
        return np.array([[len(parts[0][1])] for parts in texts], np.float32)

    def close(self) -> None:
        pass


@pytest.fixture
def counting(monkeypatch):
    Counting.batches, Counting.dies_after = 0, 99
    monkeypatch.setattr(gradients, "Sketch", Counting)
    monkeypatch.setattr(weights, "load", lambda *_: (None, None))
    return Counting


def test_a_kill_costs_one_batch_and_the_lines_stay_in_their_order(home, tmp_path, counting) -> None:
    counting.dies_after = 2
    with pytest.raises(KeyboardInterrupt):
        gradients._at(home, "origin", Recipe(), TEXTS, tmp_path)
    counting.dies_after = 99
    found = gradients._at(home, "origin", Recipe(), TEXTS, tmp_path)
    assert counting.batches == len(list(gradients._batches(TEXTS)))
    assert found[:, 0].tolist() == [len(t.parts[0][1]) for t in TEXTS]


def test_no_batch_holds_more_tokens_than_memory_is_planned_for() -> None:
    parts = list(gradients._batches(TEXTS))
    assert sorted(t.name for p in parts for t in p) == sorted(t.name for t in TEXTS)
    assert all(len(p) * max(t.tokens for t in p) <= gradients.TOKENS_AT_ONCE for p in parts)
    assert [max(t.tokens for t in p) for p in parts] == sorted((max(t.tokens for t in p) for p in parts), reverse=True)


def test_a_text_longer_than_a_batch_stands_alone() -> None:
    long = Text("row", "long", "task", ((tuple(range(2000)), (1,), 1.0),))
    assert [[t.name for t in p] for p in gradients._batches([long, TEXTS[0]])] == [["long"], ["x-0"]]
