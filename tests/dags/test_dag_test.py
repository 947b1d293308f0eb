"""Whole runs of `daily_retrain` in one process, with a scripted child in the place of the stages: every road that a day can take."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
STAGES = ["ingest", "mine", "mix", "train", "evaluate", "gate", "report"]
GOOD = {
    "ingest": {"id": "logs-1"},
    "forget": {"id": None},
    "mine": {"id": "pairs-1", "enough": True, "examples": 9, "pairs": 9, "unpaired": 0},
    "mix": {"id": "mix-1", "method": "sft"},
    "train": {"id": "model-1"},
    "evaluate": {"id": "scores-1"},
    "gate": {"id": "verdict-1"},
    "report": {"id": "report-1"},
    "request": {
        "id": "report-1",
        "decides": "gate",
        "subject": "PROMOTE: model-1",
        "markdown": "a table",
        "verdict_id": "verdict-1",
        "repair": "by_hand",
    },
    "promote": {"id": "release-1"},
}
"""What each command prints when all goes well."""

Road = Callable[..., tuple[dict[str, str], list[str]]]


@pytest.fixture
def road(airflow: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Road:
    """Run the day with these words of the commands instead of the good ones; gives the steps' states and the commands, in order."""

    def take(**said: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
        from airflow.dag_processing.dagbag import DagBag

        for name, words in (GOOD | said).items():
            (tmp_path / f"{name}.json").write_text(json.dumps(words))
        child = tmp_path / "python"
        child.write_text(f'#!/bin/sh\necho "$3 $4" >> {tmp_path}/calls\nexec cat {tmp_path}/"$3".json\n')
        child.chmod(child.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("EQUIPOISE_PYTHON", str(child))
        monkeypatch.setenv("EQUIPOISE_INBOX", "/inbox/{day}")
        dag = DagBag(str(ROOT / "dags" / "daily_retrain.py")).dags["daily_retrain"]
        run = dag.test(run_conf={"day": "2026-11-16"}, mark_success_pattern="approve.*")  # a real approval would wait for ever
        calls = (tmp_path / "calls").read_text().splitlines()
        assert run.state == "success", {ti.task_id: ti.state for ti in run.get_task_instances()}
        return {ti.task_id: ti.state for ti in run.get_task_instances()}, calls

    return take


def test_a_promoted_model_goes_in_service_and_nobody_is_asked(road: Road) -> None:
    states, calls = road()
    parents = ["/inbox/2026-11-16", "logs-1", "pairs-1", "mix-1", "model-1", "scores-1", "verdict-1"]
    day = [*map(" ".join, zip(STAGES, parents, strict=True)), "request report-1", "promote report-1"]
    assert calls == [day[0], "forget --due", *day[1:]]
    assert states["promote"] == "success"
    assert states["approve"] == states["blocked"] == "skipped"


def test_a_held_model_waits_for_a_person(road: Road) -> None:
    states, calls = road(request=GOOD["request"] | {"decides": "person"})
    assert states["approve"] == "success", "this run stands in for the person"
    assert states["promote"] == states["blocked"] == "skipped"
    assert "promote report-1" not in calls


def test_a_blocked_model_ends_green_and_nobody_is_asked(road: Road) -> None:
    states, calls = road(request=GOOD["request"] | {"decides": "nobody"})
    assert states["blocked"] == "success"
    assert states["approve"] == states["promote"] == states["record"] == states["repair"] == "skipped"
    assert calls[-1] == "request report-1"


def test_a_blocked_model_is_asked_why_and_repaired_where_the_recipe_says_so(road: Road) -> None:
    states, calls = road(
        gate={"id": "verdict-1", "verdict": "block"},
        attribute={"id": "verdict-1"},
        request=GOOD["request"] | {"decides": "nobody", "repair": "auto"},
        repair={"report": "report-2"},
    )
    assert calls[calls.index("gate scores-1") + 1] == "attribute verdict-1"
    assert calls[-2:] == ["repair verdict-1", "request report-2"], "what needs a person waits for one"
    assert states["repair"] == "success" and states["promote"] == "skipped"


@pytest.mark.parametrize(
    ("said", "last"),
    [
        ({"mine": {"id": "pairs-1", "enough": False, "examples": 0, "pairs": 0, "unpaired": 0}}, "mine"),
        ({"mix": {"id": "mix-1", "method": "none"}}, "mix"),
    ],
    ids=["too little feedback", "nothing to train on"],
)
def test_a_day_without_a_lesson_ends_green_and_skips_the_rest(said: dict[str, Any], last: str, road: Road) -> None:
    states, calls = road(**said)
    done = STAGES.index(last)
    assert [c.split()[0] for c in calls] == ["ingest", "forget", *STAGES[1 : done + 1]]
    assert {states[s] for s in [*STAGES[done:], "approve", "promote", "blocked", "record"]} == {"skipped"}


def test_shards_take_in_parts_and_one_ingest_of_the_whole_follows(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQUIPOISE_SHARDS", "3")
    states, calls = road()
    assert [c for c in calls if c.startswith("ingest")] == ["ingest /inbox/2026-11-16"] * 4
    assert calls[:4] == ["ingest /inbox/2026-11-16"] * 4 and states["shard"] == "success"


def test_without_shards_one_process_takes_all(road: Road) -> None:
    states, calls = road()
    assert [c for c in calls if c.startswith("ingest")] == ["ingest /inbox/2026-11-16"] and states["shard"] == "skipped"


def test_rows_are_measured_before_they_are_mixed_where_the_recipe_asks_for_it(
    road: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "config" / "recipes" / "daily.yaml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text("name: daily\nmixing: {measure_rows: true}\n")
    monkeypatch.setenv("EQUIPOISE_CONFIG", str(tmp_path / "config"))
    states, calls = road()
    mixed = calls.index("mix pairs-1")
    assert calls[mixed - 2 : mixed] == ["mine logs-1", "evaluate --rows"] and states["measure"] == "success"
