"""What one lesson changed, laid on the model in service, is Wc + s (W - W0): as an adapter where both are, as full weights elsewhere."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel

from pipeline import lineage, service, weights
from pipeline.recipe import Recipe, Training
from pipeline.settings import Settings
from pipeline.train import run
from tests.train import conftest, lessons
from tests.train.test_run import serve

Weights = dict[str, torch.Tensor]
HALF = Recipe(training=Training(scale=0.5, start="champion"))
FULL = {"full_finetune": True, "learning_rate": 1e-2}


def taught(place: Settings, task: str, recipe: Recipe | None = None, **values: Any) -> str:
    rows = [r for r in lessons.standard() if r["task"] == task]
    return str(run.run(lessons.mix(place, rows={"sft": rows}, **values), recipe or Recipe(), place)["id"])


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> tuple[Settings, dict[str, str]]:
    """A home with two tasks, each taught as an adapter (of different ranks) and as full weights."""
    place = conftest.at(tmp_path_factory.mktemp("laid") / "home", tiny)
    of = {"person": {"lora_rank": 2}, "intent": {}}
    made = {f"{task} adapter": taught(place, task, **values) for task, values in of.items()}
    return place, made | {f"{task} full": taught(place, task, **FULL) for task in of}


def whole(place: Settings, id: str) -> Weights:
    """A model's weights as peft itself lays the adapter into them."""
    base = weights.base(service.origin(place), torch.float32)
    folder = service.model_folder(place, id)
    if id == "origin":
        return base.state_dict()
    model = (
        PeftModel.from_pretrained(base, folder).merge_and_unload() if weights.is_adapter(folder) else weights.base(folder, torch.float32)
    )
    return dict(model.state_dict())


@pytest.mark.parametrize("kinds", [("adapter", "adapter"), ("adapter", "full"), ("full", "adapter"), ("full", "full")])
def test_a_change_is_laid_on_the_model_in_service(models: tuple[Settings, dict[str, str]], kinds: tuple[str, str]) -> None:
    place, made = models
    champion, other = made[f"person {kinds[0]}"], made[f"intent {kinds[1]}"]
    serve(place, champion)
    done = run.run(other, HALF, place)
    begun, served, learnt, laid = (whole(place, id) for id in ("origin", champion, other, done["id"]))
    for name, tensor in laid.items():
        wanted = served[name].double() + 0.5 * (learnt[name].double() - begun[name].double())
        torch.testing.assert_close(tensor.double(), wanted, atol=2e-6, rtol=1e-5, msg=name)
    assert any(not torch.equal(laid[n], served[n]) for n in laid) and any(not torch.equal(laid[n], learnt[n]) for n in laid)
    assert weights.is_adapter(service.model_folder(place, done["id"])) is (kinds == ("adapter", "adapter"))
    weights.load(place, done["id"])[1].apply_chat_template([{"role": "user", "content": "hi"}])
    assert not (place.home / "work" / done["id"]).exists() and run.run(other, HALF, place) == done


def test_it_is_sealed_as_a_child_of_both(models: tuple[Settings, dict[str, str]]) -> None:
    place, made = models
    champion, other = made["person adapter"], made["intent adapter"]
    serve(place, champion)
    sealed = lineage.manifest(place, run.run(other, HALF, place)["id"])
    assert sealed["parents"] == [other, champion] and sealed["start"] == sealed["laid_on"] == champion
    mixes = {p for model in (champion, other) for p in lineage.manifest(place, model)["parents"]}
    assert len(mixes) == 2 and mixes <= set(lineage.ancestors(place, sealed["id"])), "what both were taught is known of it"
    plain = run.run(other, Recipe(training=Training(scale=0.5)), place)["id"]
    assert plain != sealed["id"] and lineage.manifest(place, plain)["start"] == "origin"


def test_its_lesson_is_that_of_what_was_laid_however_often_it_was_scaled(models: tuple[Settings, dict[str, str]]) -> None:
    place, made = models
    serve(place, made["person adapter"])
    half = run.run(made["intent adapter"], Recipe(training=Training(scale=0.5)), place)["id"]
    laid = run.run(half, HALF, place)["id"]
    assert lineage.lesson(place, laid) == lineage.manifest(place, made["intent adapter"])["parents"][0]
    assert lineage.lesson(place, made["person adapter"]) == lineage.manifest(place, made["person adapter"])["parents"][0]


def test_laid_on_the_origin_it_is_the_model_at_that_strength(place: Settings) -> None:
    other = taught(place, "intent", epochs=1)
    assert run.run(other, HALF, place) == run.run(other, Recipe(training=Training(scale=0.5)), place)


def test_a_hotfix_at_half_strength_is_half_way_from_the_model_that_it_continues(models: tuple[Settings, dict[str, str]]) -> None:
    place, made = models
    champion = made["person adapter"]
    serve(place, champion)
    fix = taught(place, "intent", Recipe(training=Training(start="champion")), epochs=1)
    done = run.run(fix, HALF, place)["id"]
    began, ended, half = (whole(place, id) for id in (champion, fix, done))
    for name, tensor in half.items():
        torch.testing.assert_close(tensor.double(), (began[name].double() + ended[name].double()) / 2, atol=2e-6, rtol=1e-5, msg=name)
    assert lineage.manifest(place, done)["parents"] == [fix] and weights.is_adapter(service.model_folder(place, done))


def test_a_strength_of_what_was_laid_leads_back_to_the_model_in_service(models: tuple[Settings, dict[str, str]]) -> None:
    place, made = models
    serve(place, made["person adapter"])
    laid = run.run(made["intent full"], HALF, place)["id"]
    quarter = whole(place, run.run(laid, Recipe(training=Training(scale=0.5)), place)["id"])
    begun, served, learnt = (whole(place, id) for id in ("origin", made["person adapter"], made["intent full"]))
    for name, tensor in quarter.items():
        wanted = served[name].double() + 0.25 * (learnt[name].double() - begun[name].double())
        torch.testing.assert_close(tensor.double(), wanted, atol=2e-6, rtol=1e-5, msg=name)
