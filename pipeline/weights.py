"""Load any of our models by id: the origin, an adapter laid on it, or full weights. Only `train` and `evaluate` call this."""

import logging
from pathlib import Path
from typing import Any

from pipeline import service
from pipeline.errors import Permanent
from pipeline.settings import Settings


def device() -> str:
    """Where models run: one CUDA GPU where there is one, else the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def dtype(wanted: str, place: str) -> Any:
    """The torch type behind a recipe's `dtype`. auto: bfloat16 on a GPU; float32 on a CPU, where bfloat16 is slower (measured on two)."""
    import torch

    name = wanted if wanted != "auto" else "bfloat16" if place == "cuda" else "float32"
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]


def is_adapter(folder: Path) -> bool:
    """Whether a model folder holds an adapter on the origin rather than full weights."""
    if (folder / "adapter_config.json").exists():
        return True
    if (folder / "config.json").exists():
        return False
    raise Permanent(f"{folder} holds neither adapter_config.json nor config.json: this is no model; train it again")


def hush(record: logging.LogRecord) -> bool:
    """DeepSpeed writes to stdout, which is the id's, that a machine without a GPU has none: no news to anybody."""
    return "Setting accelerator to CPU" not in record.getMessage()


logging.getLogger("DeepSpeed").addFilter(hush)


def base(folder: Path, kind: Any) -> Any:
    """Full weights from a local folder; safetensors only, and no code that came with them is run."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(folder, dtype=kind, local_files_only=True, trust_remote_code=False, use_safetensors=True)


def tokenizer(folder: Path) -> Any:
    """The tokenizer with its chat template, from a local folder."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def load(settings: Settings, model: str, wanted: str = "auto") -> tuple[Any, Any]:
    """(model, tokenizer) of `origin` or a `model-…` id, ready to answer: eval mode, on the device of `device()`.

    An adapter stays an adapter (a PeftModel): merging it would change outputs where the type is narrow.
    """
    place = device()
    kind = dtype(wanted, place)
    origin, folder = service.origin(settings), service.model_folder(settings, model)
    if folder != origin and is_adapter(folder):
        from peft import PeftModel

        loaded = PeftModel.from_pretrained(base(origin, kind), folder)
        words = tokenizer(origin)
    else:
        loaded, words = base(folder, kind), tokenizer(folder)
    return loaded.to(place).eval(), words


def summed(settings: Settings, models: list[str], wanted: str = "auto") -> tuple[Any, Any]:
    """(model, tokenizer) of several adapters on the origin at once: their changes of the weights are added, exactly. None = the origin."""
    if len(models) < 2:
        return load(settings, models[0] if models else "origin", wanted)
    from peft import PeftModel

    folders = [service.model_folder(settings, model) for model in models]
    full = [model for model, folder in zip(models, folders, strict=True) if not is_adapter(folder)]
    if full:
        raise Permanent(f"{full[0]} holds full weights, which cannot be added to others: train it as an adapter (full_finetune: false)")
    place = device()
    origin = service.origin(settings)
    loaded = PeftModel.from_pretrained(base(origin, dtype(wanted, place)), folders[0], adapter_name=models[0])
    for model, folder in zip(models[1:], folders[1:], strict=True):
        loaded.load_adapter(folder, adapter_name=model)
    loaded.base_model.set_adapter(models)
    return loaded.to(place).eval(), tokenizer(origin)
