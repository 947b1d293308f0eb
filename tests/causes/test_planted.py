"""A planted harmful task is found by real stages on a tiny model; out of minutes it leaves what it found, and goes on from there."""

import json

import pytest

from evals import attribution, planted_lesson
from pipeline import beside, lineage, service
from pipeline.causes import told
from pipeline.commands import attribute, lessons
from pipeline.report import run as report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    return tmp_path_factory.mktemp("planted")


@pytest.fixture
def blocked(place, home):
    """The candidate of seed 0, blocked."""
    origin = planted_lesson.make_origin(place / "origin")
    return planted_lesson.build(place, origin, 0, home)


def test_without_minutes_it_says_so_and_later_goes_on_to_the_same_record(blocked) -> None:
    settings, stage = blocked.settings, lessons.here(blocked.settings)
    early = attribute.run(blocked.verdict, settings, stage, "BD", 0)
    assert early["tried"]["B"].startswith("stopped for time") and not early["abilities"]["capitals"]["evidence"].get("B")
    late = attribute.run(blocked.verdict, settings, stage, "BCD", 60)
    row = late["abilities"]["capitals"]
    assert row["culprit"]["task"] == blocked.guilty and row["culprit"]["method"] == "B"
    assert row["figures"]["D"] == early["abilities"]["capitals"]["figures"]["D"]
    path = beside.folder(settings, "attribution", blocked.verdict) / "culprits.json"
    before = path.read_bytes(), len(lineage.all_of(settings, "model"))
    attribute.run(blocked.verdict, settings, stage, "BCD", 60)
    assert (path.read_bytes(), len(lineage.all_of(settings, "model"))) == before, "a second run changes nothing"


def test_the_record_holds_no_text_of_rows_or_items(blocked) -> None:
    attribute.run(blocked.verdict, blocked.settings, lessons.here(blocked.settings), "CD", 60)
    text = (beside.folder(blocked.settings, "attribution", blocked.verdict) / "culprits.json").read_text()
    assert "Capital of" not in text and not any(city in text for city in planted_lesson.CITIES)


def test_what_attribution_makes_is_in_nobodys_way(blocked) -> None:
    """Slices, their models and their answers stand beside the day's own; gate and report go on from theirs."""
    from pipeline.errors import BadInput
    from pipeline.gate import run as gate

    found = attribute.run(blocked.verdict, blocked.settings, lessons.here(blocked.settings), "CB", 60)
    assert service.champion(blocked.settings) == "origin"
    made = [i for i in found["made_of"] if i.startswith("scores-")]
    assert made
    lesson = attribute.Case(blocked.settings, blocked.verdict, lessons.here(blocked.settings), 1).lesson
    for scores in made:
        with pytest.raises(BadInput):
            gate.run(scores, lesson, blocked.settings)
    page = report.run(blocked.verdict, lesson, blocked.settings)
    facts = json.loads((lineage.folder(blocked.settings, page["id"]) / "report.json").read_text())
    assert facts["causes"]["abilities"][0]["task"] == blocked.guilty


@pytest.mark.parametrize("seed", [1, 2])
def test_the_planted_task_is_named_whichever_harm_it_does(place, home, seed) -> None:
    found = attribution.one(place, seed, "BCD")
    assert found["culprit"] == found["guilty"]
    assert set(found["named"]) <= set(told.METHODS)
