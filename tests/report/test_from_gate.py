"""Gate, report and promote in a row on sealed scores: what the gate writes is what the report shows and what promotion obeys."""

import json
import shutil

import pytest
import yaml

from pipeline import lineage, recipe, service, settings
from pipeline.gate import run as gate
from pipeline.promote import policy
from pipeline.promote import run as promote
from pipeline.report import run as report
from tests import lineage_world
from tests.lineage_parts import ABILITIES, FLIPS, MARGINS


@pytest.fixture
def house(home, tmp_path, monkeypatch):
    """A home with a suite and a task card of its own."""
    config = tmp_path / "config"
    suite = {"name": "small", "abilities": {a: {"tasks": [f"equipoise_{a}"], "metric": "acc", "n": 150} for a in ABILITIES}}
    for kind, name, facts in (("suites", "small", suite), ("tasks", "person_json", {"name": "person_json", "key": True})):
        (config / kind).mkdir(parents=True)
        (config / kind / f"{name}.yaml").write_text(yaml.safe_dump(facts))
    monkeypatch.setenv("EQUIPOISE_CONFIG", str(config))
    return settings.load()


@pytest.mark.parametrize("verdict", ["promote", "hold", "block"])
def test_the_three_rooms_agree(house, verdict):
    margin, pool = MARGINS[verdict]
    margins = {"margin": margin, "pooled_margin": pool, "origin_margin": margin, "origin_pooled_margin": pool, "may_hold": True}
    lesson = recipe.Recipe.model_validate({"tasks": ["person_json"], "gate": margins, "evaluation": {"suites": ["small"]}})
    world = lineage_world.build(house, verdict, lesson=lesson)
    shutil.rmtree(lineage.folder(house, world.verdict))
    judged = gate.run(world.scores["candidate"], lesson, house)
    assert judged["verdict"] == verdict
    made = report.run(judged["id"], lesson, house)
    facts = json.loads((lineage.folder(house, made["id"]) / "report.json").read_text())
    assert {r["name"]: (r["lost"], r["gained"]) for r in facts["references"][0]["rows"]} == dict(
        zip(ABILITIES, FLIPS[verdict], strict=True)
    )
    assert [t["name"] for t in facts["targets"]["rows"]] == ["person_json"]
    assert facts["feasibility"]["chance"] == judged["feasibility"]["chance"]
    assert len(facts["references"]) == 1, "the champion is the origin and the margins are equal: one table says it"
    if verdict == "promote":
        assert promote.run(made["id"], lesson, house)["in_service"]
        assert service.champion(house) == world.model
    else:
        with pytest.raises(policy.Blocked if verdict == "block" else policy.NeedsPerson):
            promote.run(made["id"], lesson, house)
