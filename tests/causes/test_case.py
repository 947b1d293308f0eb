"""Which lesson is taken apart where the candidate's strength was changed after it was taught."""

from typing import Any

import pytest

from pipeline import lineage
from pipeline.commands import attribution_ways
from pipeline.commands.attribution_case import Case
from pipeline.recipe import Recipe, Training
from pipeline.settings import Settings

DAY = "20261120"
SERVED = {"start": "model-x", "laid_on": "model-x"}


def model(settings: Settings, end: str, training: Training, **facts: Any) -> str:
    id = f"model-{DAY}-{end:>08}"
    recipe = Recipe(training=training).model_dump(mode="json")
    with lineage.making(settings, id, parents=[], recipe=recipe) as work:
        assert work is not None
        work.extra |= {"start": "origin"} | facts
    return id


@pytest.fixture
def case(home: Settings) -> Case:
    """A lesson, its half laid on the model in service, and a half of that."""
    taught = model(home, "a", Training(learning_rate=3e-4))
    half = model(home, "b", Training(learning_rate=3e-4, scale=0.5, start="champion"), scaled_from=taught, **SERVED)
    last = model(home, "c", Training(scale=0.5), scaled_from=half, **SERVED)
    found = Case(home, "verdict", lambda *_: {}, 1)
    found.__dict__ |= {"facts": {"candidate": last, "champion": "model-x"}, "parts": {"one": 5, "two": 5}}
    return found


def test_the_lesson_is_the_one_that_was_taught_whatever_was_scaled_since(case: Case) -> None:
    assert case.lesson.training == Training(learning_rate=3e-4)


def test_what_was_laid_on_another_model_is_not_taught_anew_without_it(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribution_ways, "_sealed", lambda *_: {})
    assert attribution_ways.retrain(case) == {}
    assert case.tried["A"].startswith("not tried: what the lesson changed was laid on model-x")
