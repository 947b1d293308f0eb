"""A model at another strength is W0 + s dW, exactly, and whatever is not linear in s is refused."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline import lineage, service, weights
from pipeline.errors import BadInput, BadRecipe
from pipeline.recipe import Recipe, Training
from pipeline.settings import Settings
from pipeline.train import arithmetic, rescale, run
from tests.train import conftest, lessons

Trained = tuple[Settings, dict[str, Any]]


def at(scale: float | None) -> Recipe:
    return Recipe(training=Training(scale=scale))


def adapter(place: Settings, id: str) -> Path:
    return lineage.folder(place, id) / "adapter"


def tensors(place: Settings, id: str) -> dict[str, torch.Tensor]:
    return load_file(adapter(place, id) / "adapter_model.safetensors")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Trained:
    """All weights of the tiny model, trained: (settings, what `run` returned)."""
    place = conftest.at(tmp_path_factory.mktemp("full") / "home", tiny)
    mix = lessons.mix(place, rows={"sft": lessons.standard()}, method="sft")
    return place, run.run(mix, Recipe(training=Training(full_finetune=True, learning_rate=1e-2)), place)


def test_b_is_scaled_and_nothing_else(trained: Trained) -> None:
    place, whole = trained
    made = run.run(whole["id"], at(0.7), place)
    old, new = tensors(place, whole["id"]), tensors(place, made["id"])
    assert old.keys() == new.keys() and any("lora_B" in n for n in old)
    for name, tensor in old.items():
        assert torch.equal(new[name], tensor * 0.7 if "lora_B" in name else tensor), name
    assert (adapter(place, made["id"]) / "adapter_config.json").read_bytes() == (
        adapter(place, whole["id"]) / "adapter_config.json"
    ).read_bytes()


def test_the_model_answers_as_peft_scales_it(trained: Trained) -> None:
    """peft's own `scale_layer` is the oracle."""
    from peft.tuners.lora import LoraLayer

    place, whole = trained
    ours, _ = weights.load(place, run.run(whole["id"], at(0.3), place)["id"])
    theirs, _ = weights.load(place, whole["id"])
    words = torch.arange(5, 45).reshape(2, 20)
    with torch.no_grad():
        full = theirs(words).logits
        for layer in theirs.modules():
            if isinstance(layer, LoraLayer):
                layer.scale_layer(0.3)
        assert torch.allclose(ours(words).logits, theirs(words).logits, atol=1e-5)
        assert not torch.allclose(ours(words).logits, full, atol=1e-3)


def test_it_is_sealed_as_a_model_of_the_same_lesson(trained: Trained) -> None:
    place, whole = trained
    made = run.run(whole["id"], at(0.5), place)
    sealed, parent = lineage.require(place, made["id"], "model"), lineage.manifest(place, whole["id"])
    assert sealed["parents"] == [whole["id"]] and parent["parents"][0] in lineage.ancestors(place, made["id"])
    assert (sealed["scale"], sealed["scaled_from"], sealed["seconds"]) == (0.5, whole["id"], 0.0)
    assert sealed["loss"] == parent["loss"] and made["loss"] == whole["loss"]
    assert set(sealed["files"]) == set(parent["files"])
    stamp = (lineage.folder(place, made["id"]) / "manifest.json").stat().st_mtime_ns
    assert run.run(whole["id"], at(0.5), place) == made, "twice is once"
    assert (lineage.folder(place, made["id"]) / "manifest.json").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "trains modules_to_save beside the LoRA product"),
        ({"bias": "all"}, "trains bias beside"),
        ({"peft_type": "LOHA"}, "its adapter is LOHA"),
    ],
)
def test_what_is_not_linear_is_refused(trained: Trained, tmp_path: Path, change: dict, words: str) -> None:
    place, whole = trained
    copy = replace(place, home=tmp_path / "home")
    shutil.copytree(lineage.folder(place, whole["id"]), lineage.folder(copy, whole["id"]))
    config = adapter(copy, whole["id"]) / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    assert words in (rescale.unfit(copy, whole["id"]) or "")


def test_full_weights_go_part_of_the_way_from_where_they_began(full: Trained) -> None:
    """numpy's own arithmetic is the oracle, tensor by tensor."""
    place, whole = full
    made = run.run(whole["id"], at(0.5), place)
    begun, trained = load_file(service.origin(place) / "model.safetensors"), load_file(adapter(place, whole["id"]) / "model.safetensors")
    half = load_file(adapter(place, made["id"]) / "model.safetensors")
    assert half.keys() == trained.keys() and any(not torch.equal(begun[n], t) for n, t in trained.items())
    for name, tensor in half.items():
        wanted = (begun[name].double().numpy() + trained[name].double().numpy()) / 2
        np.testing.assert_allclose(tensor.double().numpy(), wanted, atol=1e-6, err_msg=name)
    names = {f.name for f in adapter(place, whole["id"]).iterdir()}
    assert names == {f.name for f in adapter(place, made["id"]).iterdir()}, "tokenizer and configuration go along"
    words = torch.arange(5, 45).reshape(2, 20)
    answers = [weights.load(place, id)[0](words).logits for id in ("origin", made["id"], whole["id"])]
    assert not torch.allclose(answers[1], answers[0], atol=1e-4) and not torch.allclose(answers[1], answers[2], atol=1e-4)


def test_full_strength_is_the_model_and_a_strength_of_a_strength_is_their_product(full: Trained) -> None:
    place, whole = full
    same = load_file(adapter(place, run.run(whole["id"], at(1.0), place)["id"]) / "model.safetensors")
    for name, tensor in load_file(adapter(place, whole["id"]) / "model.safetensors").items():
        torch.testing.assert_close(same[name], tensor, atol=1e-7, rtol=0)
    once = load_file(adapter(place, run.run(whole["id"], at(0.35), place)["id"]) / "model.safetensors")
    twice = run.run(run.run(whole["id"], at(0.7), place)["id"], at(0.5), place)
    for name, tensor in load_file(adapter(place, twice["id"]) / "model.safetensors").items():
        torch.testing.assert_close(tensor, once[name], atol=1e-6, rtol=0)


def test_between_two_different_models_there_is_no_way(full: Trained, tmp_path: Path) -> None:
    place, whole = full
    begun, odd = service.origin(place), tmp_path / "odd"
    shutil.copytree(begun, odd)
    tensors = load_file(odd / "model.safetensors")
    name = max(tensors)
    save_file({n: t for n, t in tensors.items() if n != name}, odd / "model.safetensors")
    with pytest.raises(BadInput, match=f"has no {re.escape(name)}"):
        arithmetic.moved(odd, odd, adapter(place, whole["id"]), tmp_path / "one", 0.5)
    save_file(tensors | {name: tensors[name][..., :1].contiguous()}, odd / "model.safetensors")
    with pytest.raises(BadInput, match=f"{re.escape(name)} is "):
        arithmetic.moved(begun, odd, adapter(place, whole["id"]), tmp_path / "two", 0.5)


def test_full_weights_of_another_origin_are_refused(full: Trained, tmp_path: Path) -> None:
    place, whole = full
    other = tmp_path / "other"
    shutil.copytree(service.origin(place), other)
    tensors = load_file(other / "model.safetensors")
    save_file({n: t + 1 for n, t in tensors.items()}, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadInput, match="from another origin than today's; train the lesson again"):
        run.run(whole["id"], at(0.5), replace(place, model=str(other)))


def test_a_tensor_that_is_no_factor_is_refused(trained: Trained, tmp_path: Path) -> None:
    place, whole = trained
    source = tmp_path / "odd"
    shutil.copytree(adapter(place, whole["id"]), source)
    save_file(tensors(place, whole["id"]) | {"magnitude": torch.ones(2)}, source / "adapter_model.safetensors")
    with pytest.raises(BadInput, match="holds magnitude, which is no LoRA factor"):
        arithmetic.scaled(source, tmp_path / "out", 0.5)


def test_a_model_needs_a_scale_and_a_mix_takes_none(trained: Trained) -> None:
    place, whole = trained
    with pytest.raises(BadRecipe, match="is trained already"):
        run.run(whole["id"], at(None), place)
    with pytest.raises(BadRecipe, match="is not trained yet"):
        run.run(lineage.manifest(place, whole["id"])["parents"][0], at(0.5), place)
