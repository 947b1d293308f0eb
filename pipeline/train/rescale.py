"""A trained adapter at another strength: `equipoise train MODEL-ID` with `training.scale` gives W0 + s dW, and nothing is trained.

Between the origin (0) and the candidate (1) lies less of what was learnt and less of what was forgotten (WiSE-FT, arXiv 2109.01903; for LoRA
adapters peft issue 1940). Only LoRA's product B A is linear in B: DoRA normalises what it adds, and full weights carry no delta to scale.
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

VERSION = 1  # raise it when the same model and scale should yield another adapter

KEPT = ("method", "loss", "preference", "warnings", "origin_sha", "start", "trained_tokens", "device", "processes")
"""Facts of the training that hold for its adapter at any strength."""
UP = ("lora_B", "lora_embedding_B")
DOWN = ("lora_A", "lora_embedding_A")


def run(model: str, recipe: Recipe, settings: Settings) -> dict[str, Any]:
    """Make the model that this one is at `training.scale`. Running it twice changes nothing."""
    parent, scale = lineage.require(settings, model, "model"), recipe.training.scale
    if scale is None:
        raise BadRecipe(f"recipe {recipe.name}: {model} is trained already; say training.scale to change its strength, or name a mix-… id")
    source = service.model_folder(settings, model)
    why = unfit(source) or (
        f"it continues {parent['start']}, whose own adapter would be scaled too" if parent["start"] != "origin" else None
    )
    if why:
        raise BadInput(f"{model} cannot be scaled: {why}; train the lesson again at a lower learning rate instead")
    id = lineage.name("model", lineage.day_of(model), "scale", model, VERSION, scale)
    with lineage.making(settings, id, parents=[model], recipe=recipe.model_dump(mode="json")) as work:
        if work is not None:
            scaled(source, work.folder / "adapter", scale)
            _beside(lineage.folder(settings, model), work.folder, model, scale)
            work.extra |= {k: parent[k] for k in KEPT if k in parent} | {"scale": scale, "scaled_from": model, "seconds": 0.0}
            work.counts |= parent["counts"]
            say(f"{id}: the adapter of {model} at {scale:g} of its strength")
    sealed = lineage.manifest(settings, id)
    return {"id": id, "method": sealed["method"], "seconds": 0.0, "loss": {t: ends["final"] for t, ends in sealed["loss"].items()}}


def unfit(adapter: Path) -> str | None:
    """Why a model's weights are not linear in one factor, or None where they are."""
    if not weights.is_adapter(adapter):
        return "all its weights were trained, there is no adapter to scale"
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
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, target)
    path = target / "adapter_model.safetensors"
    with safe_open(path, "pt") as file:
        about = file.metadata()
    tensors = load_file(path)
    strange = [n for n in tensors if not any(f".{part}" in n for part in (*UP, *DOWN))]
    if strange:
        raise BadInput(
            f"{source} holds {strange[0]}, which is no LoRA factor: it cannot be scaled; train again at a lower learning rate instead"
        )
    save_file({n: t * scale if any(f".{part}" in n for part in UP) else t for n, t in tensors.items()}, path, metadata=about)
    path.chmod(0o644)


def _beside(old: Path, new: Path, model: str, scale: float) -> None:
    """Plan and losses of the training that this adapter comes from; the plan says what was done since."""
    plan = yaml.safe_load((old / "plan.yaml").read_text(encoding="utf-8"))
    head = f"# What {model} was trained with; its adapter was then scaled by `equipoise train` with training.scale.\n"
    text = yaml.safe_dump(plan | {"scaled": {"from": model, "scale": scale}}, allow_unicode=True, sort_keys=False, width=140)
    (new / "plan.yaml").write_text(head + text, encoding="utf-8")
    shutil.copy2(old / "losses.parquet", new / "losses.parquet")
    (new / "train.log").write_text(f"nothing was trained: the adapter of {model} at {scale:g} of its strength\n", encoding="utf-8")
