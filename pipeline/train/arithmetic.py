"""Arithmetic on weights that are stored: an adapter scaled, adapters summed, one model's change laid on another. Tensor by tensor, as safetensors."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pipeline import weights
from pipeline.errors import BadInput
from pipeline.settings import Settings
from pipeline.train import methods

UP = ("lora_B", "lora_embedding_B")
DOWN = ("lora_A", "lora_embedding_A")
_SUM = "sum"


def scaled(source: Path, target: Path, scale: float) -> None:
    """Copy an adapter with its B tensors times the scale: A, rank and alpha stay, so every server reads it as before."""

    def at(name: str, tensor: Any) -> Any:
        if not any(f".{part}" in name for part in (*UP, *DOWN)):
            raise BadInput(
                f"{source} holds {name}, which is no LoRA factor: it cannot be scaled; train again at a lower learning rate instead"
            )
        return tensor * scale if any(f".{part}" in name for part in UP) else tensor

    _copied(source, target, at)


def summed(settings: Settings, shares: dict[str, float], target: Path) -> None:
    """One adapter that is the weighted sum of several on the origin, exactly: peft lays their factors side by side, so ranks add up.

    shares: how much of each LoRA adapter's change of the weights; models by id, at least two.
    """
    models = list(shares)
    loaded, _ = weights.summed(settings, models, "float32")
    loaded.base_model.add_weighted_adapter(models, list(shares.values()), _SUM, combination_type="cat")
    draft = target.with_name("summing")
    loaded.save_pretrained(draft, selected_adapters=[_SUM], save_embedding_layers=False)
    (draft / _SUM).rename(target)
    shutil.rmtree(draft)
    methods.tidy(target)
    methods.readable(target)


def moved(onto: Path, begun: Path, source: Path, target: Path, scale: float) -> None:
    """Copy full weights as onto + s (source - begun), counted in float32. Where onto is begun, that is s of the way between the two.

    All three hold the same tensors by name and shape, else BadInput names the first that differs; the source's types and files stay.
    """
    with ExitStack() as opened:
        held = {folder: _opened(opened, folder) for folder in {onto, begun}}

        def at(name: str, tensor: Any) -> Any:
            there = {folder: _same(held[folder], folder, name, tensor, source) for folder in held}
            if not tensor.is_floating_point():
                return tensor
            change = there[begun].float().lerp(tensor.float(), scale)
            return (change + (there[onto].float() - there[begun].float())).to(tensor.dtype)

        _copied(source, target, at)


def _opened(opened: ExitStack, folder: Path) -> dict[str, Any]:
    """Every tensor's name with the file that holds it, mapped and not read."""
    from safetensors import safe_open

    held: dict[str, Any] = {}
    for path in sorted(folder.glob("*.safetensors")):
        file = opened.enter_context(safe_open(path, "pt"))
        held |= dict.fromkeys(file.keys(), file)
    return held


def _same(held: dict[str, Any], folder: Path, name: str, tensor: Any, source: Path) -> Any:
    """The tensor of this name in another model."""
    if name not in held:
        raise BadInput(f"{folder} has no {name}, which {source} holds: there is no way between the two to go; train again instead")
    found = held[name].get_tensor(name)
    if found.shape != tensor.shape:
        raise BadInput(f"{name} is {tuple(found.shape)} in {folder} and {tuple(tensor.shape)} in {source}: train again instead")
    return found


def _copied(source: Path, target: Path, change: Callable[[str, Any], Any]) -> None:
    """A model's folder with every tensor changed; names, files and metadata stay. One file is in memory at a time."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.safetensors"))
    for path in sorted(source.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            about = file.metadata()
        save_file({name: change(name, tensor) for name, tensor in load_file(path).items()}, target / path.name, metadata=about)
    methods.readable(target)
