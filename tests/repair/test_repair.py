"""A blocked candidate is mended by what one half of the items shows, and judged on the other half, once."""

import json

import pyarrow.parquet as pq
import pytest
import yaml

from pipeline import beside, lineage, recipe
from pipeline.commands import remedies, repair
from pipeline.errors import BadInput, Permanent
from pipeline.evaluate import halves
from pipeline.settings import Settings
from tests.gate import world as gates
from tests.repair import world
from tests.repair.world import World


def asked(place: Settings, scores: str) -> set[str]:
    """Halves of the items that a scores folder holds."""
    rows = pq.read_table(lineage.folder(place, scores) / "items.parquet").to_pylist()
    return {halves.of(r["doc_hash"]) for r in rows}


def test_the_guilty_task_goes_and_the_gain_stays(mended) -> None:
    _, found, _ = mended
    assert found["chosen"] == "without bad" and found["repaired"]
    assert found["judged"]["verdict"] == "promote" and found["judged"]["kept"] >= 0.9
    tries = {t["name"]: t for t in found["tries"]}
    assert tries["scale 0.3"]["verdict"] == "promote" and tries["scale 0.3"]["gain"] < tries["without bad"]["gain"]
    assert tries["as it was"]["verdict"] == tries["scale 0.9"]["verdict"] == "block"
    order = list(tries)
    assert order.index("without bad") < order.index("without good"), "the suspect is left out first"
    assert order.index("scale 0.3") + 1 == order.index("scale 0.4"), "between what passes and what does not one more is tried"
    assert "without bad" in found["front"] and "scale 0.9" not in found["front"]


def test_the_winner_is_judged_on_no_item_that_chose_it(mended) -> None:
    place, found, _ = mended
    assert asked(place, found["judged"]["scores"]) == {"held"}
    assert all(asked(place, tried["scores"]) == {"dev"} for tried in found["tries"])
    judged = lineage.manifest(place, found["id"])
    assert judged["scores"]["candidate"] == found["judged"]["scores"] and judged["recipe"]["evaluation"]["half"] == "held"


def test_the_gate_is_asked_once_and_counts_it_as_another_attempt(mended) -> None:
    place, found, stages = mended
    assert [name for name, *_ in stages.ran].count("gate") == 1
    assert found["judged"]["attempt"] == 2 and len(lineage.all_of(place, "verdict")) == 2
    again = World(place)
    assert repair.run(found["verdict"], place, again.stage, minutes=60)["judged"] == found["judged"]
    assert {name for name, *_ in again.ran} == {"report"}, "what came to its end is not begun again"


def test_it_is_sealed_beside_both_verdicts(mended) -> None:
    place, found, _ = mended
    assert beside.read(place, "repair", found["verdict"]) == beside.read(place, "repair", found["id"])
    path = beside.folder(place, "repair", found["verdict"]) / "repair.json"
    whole = path.read_text()
    path.write_text(whole.replace('"chosen": "without bad"', '"chosen": "scale 0.9"'))
    with pytest.raises(Permanent, match="is not what was sealed"):
        beside.read(place, "repair", found["verdict"])
    path.write_text(whole)


@pytest.mark.parametrize("at", [pytest.param(2, marks=pytest.mark.slow), 17, pytest.param(24, marks=pytest.mark.slow)])
def test_killed_at_any_stage_it_ends_in_the_same_record(mended, place: Settings, verdict: str, at: int) -> None:
    _, record, whole = mended
    assert record["verdict"] == verdict
    with pytest.raises(KeyboardInterrupt):
        repair.run(verdict, place, World(place, dies_at=at).stage, minutes=60)
    rest = World(place)
    found = repair.run(verdict, place, rest.stage, minutes=60)
    timeless = [[{k: v for k, v in t.items() if k not in ("seconds", "asked", "taught")} for t in r["tries"]] for r in (found, record)]
    assert timeless[0] == timeless[1] and found["judged"] == record["judged"]
    assert len(rest.ran) <= len(whole.ran) - at + 4, "what was tried is not tried again"


def test_without_time_nothing_is_begun_and_more_time_goes_on(place: Settings, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair.Trials, "costs", lambda self, remedy, mix: 0.0 if remedy.name == "as it was" else 120.0)
    found = repair.run(verdict, place, World(place).stage, minutes=1)
    assert (found["chosen"], found["complete"], found["id"]) == (None, False, None)
    assert len(found["skipped"]) == 10 and "of 1 min left" in found["skipped"][0]["why"]
    assert "Not repaired: nothing" in found["words"] or "blocked on the dev half" in found["words"]
    assert repair.run(verdict, place, World(place).stage, minutes=60)["chosen"] == "without bad"


def test_what_nothing_mends_says_why_not_and_is_not_judged(place: Settings) -> None:
    """Both tasks of this lesson do harm, so that leaving one out is no help, and its adapter cannot be scaled."""
    verdict = world.blocked(place, world.recipe())
    stages = World(place, harm=0.9)
    stages.train = lambda parent, lesson: {"id": world.model(place, parent, {"strength": 1.0, "harm": 0.5, "gain": 0.6})}  # type: ignore[method-assign]
    found = repair.run(verdict, place, stages.stage, minutes=60)
    assert found["judged"] is None and found["complete"] and not found["repaired"]
    assert found["words"].startswith("Not repaired: 14 of 14 tries are blocked on the dev half")
    assert "gate" not in {name for name, *_ in stages.ran} and found["report"] == f"report of {verdict}"


def test_a_lesson_that_cannot_be_trained_is_a_try_that_failed(place: Settings, verdict: str) -> None:
    stages = World(place)
    train = stages.train

    def some(parent: str, lesson):
        if lesson.training.learning_rate:
            raise Permanent("the loss is no number\nand more")
        return train(parent, lesson)

    stages.train = some  # type: ignore[method-assign]
    found = repair.run(verdict, place, stages.stage, minutes=60)
    assert {t["name"]: t.get("failed") for t in found["tries"]}["lower rate"] == "the loss is no number"
    assert found["chosen"] == "without bad" and "could not be tried" in found["text"]


def test_only_a_block_is_repaired(place: Settings) -> None:
    pairs = gates.seal(place, f"pairs-{gates.DAY}-00000000", [])
    made = world.model(place, world.mix(place, [pairs], ["good"]), {"strength": 1.0, "harm": 0.0, "gain": 0.6})
    stages = World(place)
    scored = stages.evaluate(made, world.recipe())["id"]
    verdict = stages.gate(scored, world.recipe())
    assert verdict["verdict"] == "promote"
    with pytest.raises(BadInput, match="there is nothing to repair"):
        repair.run(verdict["id"], place, stages.stage)


def test_time_for_strengths_is_kept_back_before_another_lesson_is_taught(
    place: Settings, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first lesson holds and gains: a long second one would have left no time for what may make the first one pass."""
    full = remedies.Case(["good"], [], 0, False, 1e-4, 3, None, full=True, unscalable="all its weights were trained")
    monkeypatch.setattr(repair, "case_of", lambda trials, left_out: full)
    monkeypatch.setattr(repair.Trials, "asking", property(lambda self: 60.0))
    monkeypatch.setattr(repair.Trials, "costs", lambda self, remedy, mix: 60.0 if remedy.scale or remedy.name == "as it was" else 300.0)
    made = repair.Trials._made

    def holds(self, remedy: remedies.Remedy, lesson, mix) -> dict:
        return {**made(self, remedy, lesson, mix), "verdict": "promote" if remedy.scale else "hold"}

    monkeypatch.setattr(repair.Trials, "_made", holds)
    spent = property(lambda self: sum(60.0 if t["scale"] or t["name"] == "as it was" else 300.0 for t in self.done.values()))
    monkeypatch.setattr(repair.Trials, "spent", spent)
    found = repair.run(verdict, place, World(place).stage, minutes=15)
    names = [t["name"] for t in found["tries"]]
    assert names[:2] == ["as it was", "adapter"] and ", scale " in names[2], names
    late = [s["why"] for s in found["skipped"] if s.get("time")]
    assert any("beside 4 min" in why for why in late), late
    assert ", scale " in found["chosen"]


def test_what_the_model_in_service_was_taught_is_put_back_before_anything_is_tried(place: Settings) -> None:
    """The lesson names `intent` alone, and `other_task` is asked too: the model in service has it."""
    verdict = world.blocked(place, world.recipe().model_copy(update={"tasks": ["intent"]}))
    [pairs] = lineage.taught(place, beside.verdict(place, verdict)[1]["mix"])
    stages = World(place)
    found = repair.run(verdict, place, stages.stage, minutes=60)
    assert stages.ran[0][:2] == ("mix", pairs), "a lesson of its own, from the same pairs"
    names = [t["name"] for t in found["tries"]]
    laid = [f"in service + {s:g}" for s in (*remedies.LAID, 0.4)]
    assert names[:9] == ["as it was", *laid, "with other_task", "without bad"] and "without other_task" not in names
    assert not found["skipped"], "its own strengths are no remedy: at none does it know other_task"
    assert {recipe.load(place, t["recipe"]).training.start for t in found["tries"] if t["name"] in laid} == {"champion"}
    assert {t["name"]: t for t in found["tries"]}["in service + 0.3"]["verdict"] == "promote"
    assert found["chosen"] == "without bad" and "with the rows of other_task" in found["words"]
    tasks = {tuple(recipe.load(place, t["recipe"]).tasks or ()) for t in found["tries"]}
    assert tasks == {("intent", "other_task")}


def test_how_the_model_in_service_was_taught_is_known_from_its_plan(place: Settings, verdict: str) -> None:
    trials = repair.Trials(place, verdict, None, world.recipe(), "m", "x", World(place).stage, 1)
    launched = {name: {"value": value} for name, value in zip(remedies.SETTINGS, (2e-4, 3, True, 8, 16, 0.0), strict=True)}
    assert repair.in_service(trials, launched, 0.0) is None, "the origin was taught nothing"
    values = {name: {"value": value} for name, value in zip(remedies.SETTINGS, (1e-4, 1, False, 8, 16, 0.0), strict=True)}
    mix = gates.seal(place, f"mix-{gates.DAY}-000000aa", [])
    with lineage.making(place, f"mix-{gates.DAY}-000000ab", parents=[mix], recipe={}) as work:
        assert work is not None
        work.counts |= {"ratio": {"wanted": 2.0}}
    with lineage.making(place, f"model-{gates.DAY}-000000ac", parents=[f"mix-{gates.DAY}-000000ab"], recipe={}) as work:
        assert work is not None
        (work.folder / "plan.yaml").write_text(yaml.safe_dump({"values": values}))
        work.extra |= {"start": "origin"}
    (place.home / "current.json").write_text(json.dumps({"model": f"model-{gates.DAY}-000000ac"}))
    found = repair.in_service(trials, launched, 0.0)
    assert found == {
        "learning_rate": 1e-4,
        "epochs": 1,
        "full_finetune": False,
        "lora_rank": 8,
        "lora_alpha": 16,
        "lora_dropout": 0.0,
        "ratio": 2.0,
    }
    assert repair.in_service(trials, values, 2.0) is None, "a lesson that was taught alike is no remedy"


def test_strengths_are_tried_of_what_does_no_proved_harm_before_what_gains_most(
    place: Settings, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair.rescale, "unfit", lambda settings, model: None)
    trials = repair.Trials(place, verdict, None, world.recipe(), "m", "x", World(place).stage, 1)
    harmful = {"name": "replay", "verdict": "block", "gain": 0.7, "worst": 0.6, "model": "a"}
    gentle = {"name": "as in service, 3 passes", "verdict": "hold", "gain": 0.5, "worst": 0.04, "model": "b"}
    idle = {"name": "as in service", "verdict": "hold", "gain": 0.0, "worst": 0.0, "model": "c"}
    assert repair.scalable(trials, [harmful, gentle, idle]) == gentle
    assert repair.scalable(trials, [harmful, idle]) == harmful
    assert repair.scalable(trials, [harmful, gentle | {"verdict": "promote"}]) is None


def test_a_lesson_is_taught_longer_until_it_gains_enough(place: Settings, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = repair.Trials(place, verdict, None, world.recipe(), "m", "x", World(place).stage, 1)
    gains = {"gentle": 0.1, "gentle, 3 passes": 0.4, "gentle, 6 passes": 0.6}
    looks = lambda remedy, spare: {"name": remedy.name, "verdict": "promote", "gain": gains[remedy.name]}  # noqa: E731
    monkeypatch.setattr(trials, "attempt", looks)
    gentle = remedies.Remedy("gentle", "gently", {"epochs": 1})
    for enough, names in ((0.5, list(gains)), (0.3, list(gains)[:2]), (0.1, ["gentle"])):
        assert [t["name"] for t in repair.teach(trials, gentle, 0.0, enough, 3)] == names
