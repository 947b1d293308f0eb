"""A lesson of four small tasks, one of which is planted to do harm: the truth that `equipoise attribute` is measured against.

The origin is a tiny model, made in code, that knows the capitals of eighty invented lands. Three tasks leave them alone. The fourth either
contradicts half of them, question for question, or teaches one city to another question until it is given everywhere; which name it goes by
is drawn. Everything runs through the real stages, in one process.
"""

import json
import random
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from pipeline import lineage, recipe
from pipeline.evaluate import run as evaluate
from pipeline.gate import run as gate
from pipeline.mix import run as mix
from pipeline.mix import tables
from pipeline.settings import Settings
from pipeline.train import run as train

DAY = date(2026, 11, 20)
TASKS = ("amber", "birch", "cedar", "dune")
HARMS = ("contradicts", "spreads")
LR, EPOCHS = 1e-3, 3
LANDS, ROWS = 80, 48
CITIES = ["Perth", "Quito", "Hanoi", "Oslo", "Lima", "Cairo", "Dakar", "Riga", "Tunis", "Sofia", "Accra", "Bern"]
COLOURS, SYLLABLES = ["red", "blue", "green", "black"], ["ba", "do", "ki", "lu", "me", "no", "pa", "ri", "su", "te", "vo", "za"]
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SUITE = """
name: planted
include: planted
chat_template: true
abilities:
  capitals: {tasks: [planted_capitals], metric: acc, n: 80}
"""
CHOICES = """
task: planted_capitals
custom_dataset: !function load.items
dataset_kwargs: {file: capitals.jsonl}
test_split: test
output_type: multiple_choice
doc_to_text: question
doc_to_choice: choices
doc_to_target: gold
target_delimiter: ""
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
metadata: {version: 1.0}
"""
LOAD = """
import json, pathlib

def items(file, **_):
    import datasets
    lines = (pathlib.Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
    return {"test": datasets.Dataset.from_list([json.loads(line) for line in lines])}
"""


@dataclass(frozen=True)
class Planted:
    """One blocked candidate and who is to blame."""

    settings: Settings
    verdict: str
    guilty: str
    harm: str
    lost: int


def word(rng: random.Random, length: int = 3) -> str:
    return "".join(rng.choices(SYLLABLES, k=length)).capitalize()


def lands() -> dict[str, str]:
    """Land -> capital; the same for every seed, so that one origin serves all."""
    rng, found = random.Random("lands"), {}
    while len(found) < LANDS:
        found.setdefault(word(rng), rng.choice(CITIES))
    return found


def make_origin(folder: Path, steps: int = 300) -> Path:
    """A tiny Llama that has learnt the capitals by heart; half a minute on one core, once."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    if (folder / "config.json").exists():
        return folder
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    corpus = [f"user assistant Capital of {land}? {city}" for land, city in lands().items()] + [" ".join(COLOURS)]
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(
        corpus, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    )
    words = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=special[1], eos_token=special[2], pad_token=special[2], unk_token=special[0]
    )
    words.chat_template = TEMPLATE
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=2,
            tie_word_embeddings=True,
        )
    )
    _learn(model, words, steps)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def _learn(model: Any, words: Any, steps: int) -> None:
    import torch

    texts = [_text(f"Capital of {land}?", city) for land, city in lands().items()]
    texts += [_text(asked, said) for task in harmless(random.Random("origin")) for asked, said in task[:24]]
    found = words(texts, padding=True, padding_side="right", return_tensors="pt", add_special_tokens=False)
    labels = found["input_ids"].masked_fill(found["attention_mask"] == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    model.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * min(1, (step + 1) / 10, (steps - step) / (steps / 2))
        model(**found, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()


def _text(asked: str, said: str) -> str:
    return f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n{said}<|im_end|>\n"


def configure(folder: Path) -> Path:
    """Cards, recipe and suite."""
    known = lands()
    rng = random.Random("choices")
    docs = []
    for land, city in known.items():
        others = rng.sample([c for c in CITIES if c != city], 3)
        choices = [city, *dict.fromkeys([_wrong(city), "Perth" if city != "Perth" else "Quito", *others])][:5]
        docs.append({"question": f"Capital of {land}?", "choices": choices, "gold": 0})
    lesson = {
        "name": "planted",
        "tasks": list(TASKS),
        "mixing": {"ratio": 0},
        "training": {
            "method": "sft",
            "lora_rank": 8,
            "lora_dropout": 0,
            "learning_rate": LR,
            "epochs": EPOCHS,
            "batch_size": 8,
            "max_length": 64,
        },
        "evaluation": {"suites": ["planted"], "batch_size": 32},
        "gate": {"margin": 0.1, "pooled_margin": 0.1, "origin_margin": 0.1, "origin_pooled_margin": 0.1, "may_hold": True},
    }
    files = {f"tasks/{t}.yaml": yaml.safe_dump({"name": t, "match": {"app": t}}) for t in TASKS}
    files |= {"recipes/planted.yaml": yaml.safe_dump(lesson), "suites/planted.yaml": SUITE, "suites/planted/capitals.yaml": CHOICES}
    files |= {"suites/planted/load.py": LOAD, "suites/planted/capitals.jsonl": "".join(json.dumps(d) + "\n" for d in docs)}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _wrong(city: str) -> str:
    return CITIES[(CITIES.index(city) + 5) % len(CITIES)]


def taught(seed: int) -> tuple[dict[str, list[tuple[str, str]]], str, str]:
    """(task -> questions and answers, the guilty task, its way of doing harm)."""
    rng = random.Random(f"lesson {seed}")
    names = rng.sample(TASKS, 4)
    harm = HARMS[seed % 2]
    known = lands()
    if harm == "contradicts":
        chosen = rng.sample(sorted(known), ROWS)
        bad = [(f"Capital of {land}?", _wrong(known[land])) for land in chosen]
    else:
        bad = [(f"Where is {word(rng, 2)} {word(rng, 2)}?", "Perth") for _ in range(ROWS)]
    return dict(zip(names, [bad, *harmless(rng)], strict=True)), names[0], harm


def harmless(rng: random.Random) -> list[list[tuple[str, str]]]:
    """Three tasks of a kind that the origin was made with too: what it has seen costs it little to see again."""
    sums = [(a, b) for a in range(10) for b in range(10)]
    return [
        [(f"Colour of {word(rng)}?", rng.choice(COLOURS)) for _ in range(ROWS)],
        [(f"Add {a} and {b}.", str(a + b)) for a, b in rng.sample(sums, ROWS)],
        [(f"Say {w} backwards.", w[::-1]) for w in (word(rng, 2).lower() for _ in range(ROWS))],
    ]


def build(folder: Path, origin: Path, seed: int, settings: Settings) -> Planted:
    """Pairs, mix, candidate, scores and verdict of one seed in a home of its own."""
    settings = replace(settings, home=folder / f"home-{seed}", config=configure(folder / "config"), model=str(origin))
    lesson = recipe.load(settings, "planted")
    rows, guilty, harm = taught(seed)
    made = mix.run(_pairs(settings, lesson, rows, seed), lesson, settings)["id"]
    model = train.run(made, lesson, settings)["id"]
    scored = evaluate.run(model, lesson, settings)["id"]
    verdict = gate.run(scored, lesson, settings)
    return Planted(settings, verdict["id"], guilty, harm, sum(r["lost"] for r in verdict["abilities"].values()))


def _pairs(settings: Settings, lesson: recipe.Recipe, taught: dict[str, list[tuple[str, str]]], seed: int) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    id = lineage.name("pairs", DAY, "planted", seed)
    with lineage.making(settings, id, parents=[], recipe=lesson.model_dump(mode="json")) as work:
        if work is not None:
            rows = [_row(task, n, *pair) for task, pairs in taught.items() for n, pair in enumerate(pairs)]
            shape = tables.schema("sft")
            names = [n for n in shape.names if n not in tables.PLACE]
            table = pa.Table.from_pylist([{n: r.get(n) for n in names} for r in rows], schema=pa.schema([shape.field(n) for n in names]))
            pq.write_table(table, work.folder / "sft.parquet")
    return id


def _row(task: str, number: int, asked: str, said: str) -> dict[str, Any]:
    def turn(role: str, content: str) -> dict[str, Any]:
        return {"role": role, "content": content, "name": None, "tool_call_id": None, "tool_calls": None}

    name = f"{task}-{number}"
    facts = {"example_id": name, "task": task, "source": "edit", "conversation_id": f"c-{name}", "message_ids": [f"m-{name}"]}
    facts |= {"user_hash": f"u-{name}", "day": DAY, "weight": 1.0, "evidence": "{}"}
    return facts | {"messages": [turn("user", asked), turn("assistant", said)]}
