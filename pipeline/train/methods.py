"""What is trained: a LoRA adapter on frozen weights, or every weight. Opening the start and saving the end of a phase."""

import json
import shutil
from pathlib import Path
from typing import Any

from pipeline import weights
from pipeline.train.phase import Phase


def lora(values: dict[str, Any]) -> Any:
    """The adapter that a plan describes."""
    from peft import LoraConfig

    return LoraConfig(
        r=values["lora_rank"],
        lora_alpha=values["lora_alpha"],
        lora_dropout=values["lora_dropout"],
        target_modules=values["target_modules"],
        bias="none",
        task_type="CAUSAL_LM",
    )


def start(phase: Phase) -> Any:
    """The model that a phase trains: same seed, same first weights, on any machine."""
    from transformers import set_seed

    set_seed(phase.values["seed"])  # a fresh adapter is drawn by lot
    place = weights.device()
    full = phase.values["full_finetune"]
    # Weights that are all trained stay float32, or small steps vanish in bfloat16's rounding; frozen ones may be narrow.
    model = weights.base(phase.base, weights.dtype("float32" if full else phase.values["dtype"], place))
    model.config.use_cache = False
    if full:
        return model
    from peft import PeftModel, get_peft_model

    # ZeRO-3 gathers adapter and frozen weights in one buffer, which must have one type (trl 6089)
    upcast = phase.values["deepspeed"] != "zero3"
    if not phase.adapter:
        return get_peft_model(model, lora(phase.values), autocast_adapter_dtype=upcast)
    model = PeftModel.from_pretrained(model, phase.adapter, is_trainable=True, autocast_adapter_dtype=upcast)
    model.peft_config["default"].base_model_name_or_path = str(phase.base)  # or peft asks the hub for a model called "origin"
    return model


def save(trainer: Any, folder: Path) -> None:
    """Write what was trained as safetensors, whole or not at all. Every process takes part; the first one writes."""
    from peft import PeftModel

    draft = folder.with_name("final.draft")
    model = trainer.accelerator.unwrap_model(trainer.model_wrapped)
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped) if trainer.is_deepspeed_enabled else None
    if trainer.accelerator.is_main_process:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(model, PeftModel):
            model.save_pretrained(draft, state_dict=state, selected_adapters=["default"], save_embedding_layers=False)
            tidy(draft)
        else:
            model.config.use_cache = True
            model.save_pretrained(draft, state_dict=state)
        draft.rename(folder)
    trainer.accelerator.wait_for_everyone()


def tidy(folder: Path) -> None:
    """An adapter that says nothing about the machine it was made on: no path of the base, no unfilled model card."""
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config |= {"base_model_name_or_path": "origin", "inference_mode": True}
    if isinstance(config.get("target_modules"), list):
        config["target_modules"] = sorted(config["target_modules"])  # peft keeps a set: its order changes from run to run
    path.write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")


def merged(base: Path, adapter: Path, folder: Path) -> None:
    """An adapter laid into full weights: how a lesson continues a champion that is full weights itself."""
    from peft import PeftModel

    model = PeftModel.from_pretrained(weights.base(base, weights.dtype("float32", "cpu")), adapter).merge_and_unload()
    model.save_pretrained(folder)


def place(base: Path, adapter: Path | None, origin: Path, folder: Path) -> None:
    """Put what was trained where it is loaded from: an adapter on the origin, or full weights with their tokenizer."""
    if adapter and base == origin:
        shutil.copytree(adapter, folder)
    else:
        if adapter:
            merged(base, adapter, folder)
        else:
            shutil.copytree(base, folder)
        words(origin, folder)
    readable(folder)


def words(origin: Path, folder: Path) -> None:
    """Give full weights the origin's tokenizer."""
    for pattern in ("tokenizer*", "chat_template*", "special_tokens_map.json", "generation_config.json"):
        for file in origin.glob(pattern):
            shutil.copy2(file, folder / file.name)


def readable(folder: Path) -> None:
    """safetensors writes 0600, and the one who serves need not be the one who trains."""
    for file in folder.iterdir():
        file.chmod(0o644)
