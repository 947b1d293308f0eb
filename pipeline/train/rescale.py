"""A trained model at another strength: `equipoise train MODEL-ID` with `training.scale` gives W0 + s dW, and nothing is trained.

Between the model that training began with (0) and the candidate (1) lies less of what was learnt and less of what was forgotten (WiSE-FT,
arXiv 2109.01903; for LoRA adapters peft issue 1940). With `training.start: champion` what was learnt is laid on the model in service instead,
which keeps what it knows: Wc + s dW (task arithmetic, arXiv 2212.04089). An adapter of LoRA keeps its A and has its B scaled, for the product
B A is linear in B (DoRA's is not: it normalises what it adds); several are one adapter, side by side. All else is counted on full weights.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from pipeline import lineage, service, weights
from pipeline.errors import BadInput, BadRecipe
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from pipeline.train import arithmetic, methods

VERSION = 1  # raise it when the same model and scale should yield other weights

KEPT = ("method", "loss", "preference", "warnings", "origin_sha", "trained_tokens", "device", "processes")
"""Facts of the training that hold at any strength."""


def run(model: str, recipe: Recipe, settings: Settings) -> dict[str, Any]:
    """Make the model that this one is at `training.scale`. Running it twice changes nothing."""
    parent, scale = lineage.require(settings, model, "model"), recipe.training.scale
    if scale is None:
        raise BadRecipe(f"recipe {recipe.name}: {model} is trained already; say training.scale to change its strength, or name a mix-… id")
    why = unfit(settings, model)
    if why:
        raise BadInput(f"{model} cannot be scaled: {why}; train the lesson again at a lower learning rate instead")
    begun = parent["start"]
    onto = service.champion(settings) if recipe.training.start == "champion" else begun
    laid = [] if onto == begun else [onto]
    id = lineage.name("model", lineage.day_of(model), "scale", model, VERSION, scale, *laid)
    parents, scratch = [model, *(m for m in laid if m != "origin")], lineage.scratch(settings, id)
    with lineage.making(settings, id, parents=parents, recipe=recipe.model_dump(mode="json")) as work:
        if work is not None:
            said = f"what {model} learnt, at {scale:g} of its strength" + (f", laid on {onto}" if laid else "")
            put(settings, onto, begun, model, scale, work.folder / "adapter", scratch)
            _beside(lineage.folder(settings, model), work.folder, {"from": model, "scale": scale} | ({"onto": onto} if laid else {}), said)
            work.extra |= {k: parent[k] for k in KEPT if k in parent} | {
                "scale": scale,
                "scaled_from": model,
                "seconds": 0.0,
                "start": onto,
            }
            work.extra |= {"laid_on": onto} if laid else {}
            work.counts |= parent["counts"]
            say(f"{id}: {said}")
    shutil.rmtree(scratch, ignore_errors=True)
    sealed = lineage.manifest(settings, id)
    return {"id": id, "method": sealed["method"], "seconds": 0.0, "loss": {t: ends["final"] for t, ends in sealed["loss"].items()}}


def put(settings: Settings, onto: str, begun: str, model: str, scale: float, target: Path, scratch: Path) -> None:
    """Write the weights onto + s (model - begun): as an adapter where all that is added are plain ones, as full weights elsewhere."""
    places = {id: service.model_folder(settings, id) for id in (onto, begun, model)}
    if all(weights.is_adapter(place) and not unfit_adapter(place) for id, place in places.items() if id != "origin"):
        shares = dict.fromkeys(places, 0.0)
        for id, share in ((onto, 1.0), (begun, -scale), (model, scale)):
            shares[id] += share
        shares = {id: share for id, share in shares.items() if share and id != "origin"}
        if len(shares) > 1:
            return arithmetic.summed(settings, shares, target)
        return arithmetic.scaled(places[model], target, shares[model])
    origin = service.origin(settings)
    for id, place in places.items():
        if place != origin and weights.is_adapter(place):
            places[id] = scratch / id
            if not places[id].exists():
                methods.merged(origin, place, scratch / f"{id}.draft")
                (scratch / f"{id}.draft").rename(places[id])
    arithmetic.moved(places[onto], places[begun], places[model], target, scale)
    methods.words(origin, target)


def unfit(settings: Settings, model: str) -> str | None:
    """Why a model's weights are not linear in one factor, or None where they are."""
    manifest, folder = lineage.manifest(settings, model), service.model_folder(settings, model)
    start = manifest["start"]
    if start != "origin" and not lineage.sealed(settings, start):
        return f"it was trained from {start}, which is not in this home"
    if weights.is_adapter(folder):
        return unfit_adapter(folder)
    if start == "origin" and manifest["origin_sha"] != service.origin_sha(settings):
        return "all its weights were trained from another origin than today's"
    return None


def unfit_adapter(adapter: Path) -> str | None:
    """Why an adapter's change of the weights is not linear in its B, or None where it is."""
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    if config.get("peft_type") != "LORA":
        return f"its adapter is {config.get('peft_type')}, and scaling is exact for LoRA alone"
    if config.get("use_dora"):
        return "its adapter is DoRA, whose weights are normalised after they are added"
    beside = [k for k in ("modules_to_save", "trainable_token_indices") if config.get(k)] + (
        ["bias"] if config.get("bias") != "none" else []
    )
    return f"its adapter trains {beside[0]} beside the LoRA product" if beside else None


def _beside(old: Path, new: Path, scaled: dict[str, Any], said: str) -> None:
    """Plan and losses of the training that these weights come from; the plan says what was done since."""
    plan = yaml.safe_load((old / "plan.yaml").read_text(encoding="utf-8"))
    head = f"# What {scaled['from']} was trained with; what it learnt was then scaled by `equipoise train` with training.scale.\n"
    text = yaml.safe_dump(plan | {"scaled": scaled}, allow_unicode=True, sort_keys=False, width=140)
    (new / "plan.yaml").write_text(head + text, encoding="utf-8")
    shutil.copy2(old / "losses.parquet", new / "losses.parquet")
    (new / "train.log").write_text(f"nothing was trained: {said}\n", encoding="utf-8")
