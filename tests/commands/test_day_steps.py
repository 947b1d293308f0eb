"""A day by hand runs the stages in order, with a scripted child in their place; rows are measured before they are mixed where a recipe asks."""

import json
import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipeline.commands import day
from pipeline.settings import Settings

SAID = {
    "ingest": {"id": "logs-1"},
    "forget": {"id": None},
    "mine": {"id": "pairs-1", "enough": True, "examples": 9, "pairs": 9, "unpaired": 0},
    "mix": {"id": "mix-1", "method": "none", "why": "collect more"},
    "evaluate": {"id": "scores-1"},
}


@pytest.mark.parametrize(("wanted", "steps"), [("true", ["evaluate --rows", "mix pairs-1"]), ("false", ["mix pairs-1"])])
def test_the_days_rows_are_measured_before_they_are_mixed_where_the_recipe_asks(
    home: Settings, tmp_path: Path, wanted: str, steps: list[str]
) -> None:
    recipe = tmp_path / "config" / "recipes" / "daily.yaml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text(f"name: daily\nmixing: {{measure_rows: {wanted}}}\ngate: {{may_hold: true}}\n")
    for name, words in SAID.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(words))
    child = tmp_path / "python"
    child.write_text(f'#!/bin/sh\necho "$3 $4" >> {tmp_path}/calls\nexec cat {tmp_path}/"$3".json\n')
    child.chmod(child.stat().st_mode | stat.S_IXUSR)
    made = day.run(date(2026, 11, 20), ["x.jsonl"], "daily", replace(home, config=tmp_path / "config", python=str(child)))
    assert (tmp_path / "calls").read_text().splitlines() == ["ingest x.jsonl", "forget --due", "mine logs-1", *steps]
    assert made["ended"].startswith("nothing to train on") and made.get("measure") == ("scores-1" if wanted == "true" else None)
    assert "evaluate" not in made, "that is the model's"
