"""Our rows say what the stock `lm_eval` command writes for the same model and suite: same items, same prompts, same values."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from pipeline import lineage
from pipeline.evaluate import run

pytest.importorskip("torch")
pytest.importorskip("lm_eval")


@pytest.fixture
def real(place, tiny):
    """The small suite, asked of a real (tiny, random) model."""
    return replace(place, model=str(tiny))


def rows(settings, id):
    import pyarrow.parquet as pq

    return pq.read_table(lineage.folder(settings, id) / "items.parquet").to_pylist()


@pytest.mark.slow
def test_items_equal_those_of_the_lm_eval_command(real, mini, tmp_path):
    found = rows(real, run.run("origin", mini, real)["id"])
    command = [
        *(sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--model_args", f"pretrained={real.model},dtype=float32"),
        *("--tasks", "small_capitals,small_echo", "--include_path", str(real.config / "suites" / "small"), "--device", "cpu"),
        *("--batch_size", "2", "--apply_chat_template", "--log_samples", "--output_path", str(tmp_path / "out")),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stderr[-2000:]
    stock = {}
    for path in (tmp_path / "out").rglob("samples_*.jsonl"):
        for line in path.read_text().splitlines():
            s = json.loads(line)
            for metric in s["metrics"]:
                name = path.name.removeprefix("samples_").rsplit("_", 1)[0]
                stock[name, s["doc_id"], s["filter"], metric] = (s["doc_hash"], s["prompt_hash"], s["target_hash"], float(s[metric]))
    ours = {
        (r["benchmark"], r["doc_id"], r["filter"], r["metric"]): (r["doc_hash"], r["prompt_hash"], r["target_hash"], r["value"])
        for r in found
    }
    assert len(ours) == 6 * 2 + 6 * 2
    assert ours == stock


def test_a_real_model_is_scored_the_same_from_memory_and_anew(real, mini):
    first = run.run("origin", mini, real)
    folder = lineage.folder(real, first["id"])
    before = (folder / "items.parquet").read_bytes()
    (folder / "manifest.json").unlink()
    run.run("origin", mini, real)
    assert lineage.manifest(real, first["id"])["counts"]["asked"] == 0
    assert (folder / "items.parquet").read_bytes() == before


def test_an_adapter_is_loaded_and_heard(real, mini, tiny, trained):
    """A LoRA adapter with large random weights on the tiny model: other words than the origin's, so no canary."""
    import torch
    from peft import LoraConfig, get_peft_model

    from pipeline import weights

    torch.manual_seed(3)
    model = get_peft_model(weights.base(tiny, torch.float32), LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False))
    made = trained({"Say the word yes": "yes"}, save=model.save_pretrained)
    found = run.run(made, mini, real)
    manifest = lineage.manifest(real, found["id"])
    assert manifest["canary"] is None
    assert manifest["settings"]["template_sha"]
    said = {r["response"] for r in rows(real, found["id"]) if r["kind"] == "target"}
    theirs = {r["response"] for r in rows(real, found["references"]["origin"]) if r["kind"] == "target"}
    assert said != theirs
