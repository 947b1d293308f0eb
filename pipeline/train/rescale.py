"""A trained model at another strength: `equipoise train MODEL-ID` with `training.scale` gives W0 + s dW, and nothing is trained.

Between the model that training began with (0) and the candidate (1) lies less of what was learnt and less of what was forgotten (WiSE-FT,
arXiv 2109.01903; for LoRA adapters peft issue 1940). An adapter of LoRA keeps its A and has its B scaled, for the product B A is linear in B
(DoRA's is not: it normalises what it adds). Where all weights were trained, each is taken s of the way from where it began.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from pipeline import lineage, service, weights
from pipeline.errors import BadInput, BadRecipe
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings

VERSION = 1  # raise it when the same model and scale should yield other weights

KEPT = ("method", "loss", "preference", "warnings", "origin_sha", "start", "trained_tokens", "device", "processes")
"""Facts of the training that hold at any strength."""
UP = ("lora_B", "lora_embedding_B")
DOWN = ("lora_A", "lora_embedding_A")


def run(model: str, recipe: Recipe, settings: Settings) -> dict[str, Any]:
    """Make the model that this one is at `training.scale`. Running it twice changes nothing."""
    parent, scale = lineage.require(settings, model, "model"), recipe.training.scale
    if scale is None:
        raise BadRecipe(f"recipe {recipe.name}: {model} is trained already; say training.scale to change its strength, or name a mix-… id")
    why = unfit(settings, model)
    if why:
        raise BadInput(f"{model} cannot be scaled: {why}; train the lesson again at a lower learning rate instead")
    source = service.model_folder(settings, model)
    id = lineage.name("model", lineage.day_of(model), "scale", model, VERSION, scale)
    with lineage.making(settings, id, parents=[model], recipe=recipe.model_dump(mode="json")) as work:
        if work is not None:
            target = work.folder / "adapter"
            if weights.is_adapter(source):
                scaled(source, target, scale)
            else:
                interpolated(service.model_folder(settings, parent["start"]), source, target, scale)
            _beside(lineage.folder(settings, model), work.folder, model, scale)
            work.extra |= {k: parent[k] for k in KEPT if k in parent} | {"scale": scale, "scaled_from": model, "seconds": 0.0}
            work.counts |= parent["counts"]
            say(f"{id}: what {model} learnt, at {scale:g} of its strength")
    sealed = lineage.manifest(settings, id)
    return {"id": id, "method": sealed["method"], "seconds": 0.0, "loss": {t: ends["final"] for t, ends in sealed["loss"].items()}}


def unfit(settings: Settings, model: str) -> str | None:
    """Why a model's weights are not linear in one factor, or None where they are."""
    manifest, folder = lineage.manifest(settings, model), service.model_folder(settings, model)
    start = manifest["start"]
    if weights.is_adapter(folder):
        return unfit_adapter(folder) or (f"it continues {start}, whose own adapter would be scaled too" if start != "origin" else None)
    # full weights are trained from full weights alone (`beginning` in train.run), so that there is a straight way back
    if start == "origin":
        same = manifest["origin_sha"] == service.origin_sha(settings)
        return None if same else "all its weights were trained from another origin than today's"
    return None if lineage.sealed(settings, start) else f"all its weights were trained from {start}, which is not in this home"


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


def scaled(source: Path, target: Path, scale: float) -> None:
    """Copy an adapter with its B tensors times the scale: A, rank and alpha stay, so every server reads it as before."""

    def at(name: str, tensor: Any) -> Any:
        if not any(f".{part}" in name for part in (*UP, *DOWN)):
            raise BadInput(
                f"{source} holds {name}, which is no LoRA factor: it cannot be scaled; train again at a lower learning rate instead"
            )
        return tensor * scale if any(f".{part}" in name for part in UP) else tensor

    _copied(source, target, at)


def interpolated(start: Path, source: Path, target: Path, scale: float) -> None:
    """Copy a model with each of its weights s of the way from where training began: start + s (trained - start), counted in float32.

    Both hold the same tensors by name and shape, else BadInput names the first that differs; the trained model's types and files stay.
    """
    from safetensors import safe_open

    where: dict[str, Path] = {}
    for path in sorted(start.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            where |= dict.fromkeys(file.keys(), path)

    def at(name: str, tensor: Any) -> Any:
        if name not in where:
            raise BadInput(f"{start} has no {name}, which {source} holds: there is no way between the two to go; train again instead")
        with safe_open(where[name], "pt") as file:
            begun = file.get_tensor(name)
        if begun.shape != tensor.shape:
            raise BadInput(f"{name} is {tuple(begun.shape)} in {start} and {tuple(tensor.shape)} in {source}: train again instead")
        return begun.float().lerp(tensor.float(), scale).to(tensor.dtype) if tensor.is_floating_point() else tensor

    _copied(source, target, at)


def _copied(source: Path, target: Path, change: Callable[[str, Any], Any]) -> None:
    """A model's folder with every tensor changed; names, files and metadata stay. One file is in memory at a time."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.safetensors"))
    for path in sorted(source.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            about = file.metadata()
        save_file({name: change(name, tensor) for name, tensor in load_file(path).items()}, target / path.name, metadata=about)
        (target / path.name).chmod(0o644)  # safetensors writes 0600, and the one who serves need not be the one who trains


def _beside(old: Path, new: Path, model: str, scale: float) -> None:
    """Plan and losses of the training that these weights come from; the plan says what was done since."""
    plan = yaml.safe_load((old / "plan.yaml").read_text(encoding="utf-8"))
    head = f"# What {model} was trained with; what it learnt was then scaled by `equipoise train` with training.scale.\n"
    text = yaml.safe_dump(plan | {"scaled": {"from": model, "scale": scale}}, allow_unicode=True, sort_keys=False, width=140)
    (new / "plan.yaml").write_text(head + text, encoding="utf-8")
    shutil.copy2(old / "losses.parquet", new / "losses.parquet")
    (new / "train.log").write_text(f"nothing was trained: what {model} learnt, at {scale:g} of its strength\n", encoding="utf-8")
