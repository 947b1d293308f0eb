"""The model that a lesson is made for: how long it reads, how large it is, which tokens it counts in."""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from pipeline import chat, lineage
from pipeline.mix.candidates import Measure


@dataclass(frozen=True)
class Student:
    folder: Path
    context: int
    """Tokens it can read at once."""
    parameters: int
    identity: list
    """What of it decides a lesson: tokenizer, template, context and size. Other weights of the same shape get the same lesson."""


def student(folder: Path) -> Student:
    """Read the facts from the model's folder; no weights are loaded."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    context = int(config.get("max_position_embeddings") or config.get("n_positions") or 2048)
    size = sum(parameters(path) for path in sorted(folder.glob("*.safetensors")))
    return Student(folder, context, size, [lineage.sha256(folder / "tokenizer.json"), chat.template(folder).sha, context, size])


def parameters(path: Path) -> int:
    """Numbers in one safetensors file: its header (8 bytes of length, then JSON) lists the shape of every tensor."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")


def measure(folder: Path) -> Measure:
    """Counts tokens as the trainer will see them."""
    tokenizer, template = chat.tokens(folder), chat.template(folder)

    def count(messages: list[dict[str, Any]]) -> tuple[int, int]:
        whole, asked = template.text(messages), template.text(messages[:-1], add_generation_prompt=True)
        sizes = [len(tokenizer.encode(text, add_special_tokens=False).ids) for text in (whole, asked)]
        return sizes[0], sizes[0] - sizes[1]

    return count
