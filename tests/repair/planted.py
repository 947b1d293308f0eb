"""A real see-saw in seconds: a tiny model that knows two hundred facts, a lesson that teaches one thing well and unteaches the facts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests import tiny
from tests.mix import rows

FACTS = 200
ROWS = 48
SUITE = """
name: facts
about: two choices about things the origin knows by heart
include: facts
chat_template: true
abilities:
  facts: {tasks: [facts], n: 200}
"""
TASK = """
task: facts
custom_dataset: !function load.items
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: [" yes", " no"]
doc_to_target: gold
target_delimiter: ""
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
metadata: {version: 1.0}
"""
LOAD = """
import json, pathlib

def items(**_):
    import datasets
    lines = (pathlib.Path(__file__).parent / "facts.jsonl").read_text(encoding="utf-8").splitlines()
    return {"test": datasets.Dataset.from_list([json.loads(line) for line in lines])}
"""
CARD = "name: {name}\nchecker: exact\nkey: {key}\n"


def question(n: int) -> str:
    return f"What is the weather in city {n}? fine, yes or no"


def answer(n: int) -> str:
    """A fact by lot: nothing to generalise, everything to forget."""
    return " yes" if (n * 2654435761 >> 7) & 1 else " no"


def lesson(**training: Any) -> Recipe:
    wide = {"margin": 0.12, "pooled_margin": 0.1, "origin_margin": 0.12, "origin_pooled_margin": 0.1, "may_hold": True}
    values = {"method": "sft", "learning_rate": 1e-2, "epochs": 4, "lora_rank": 8, "batch_size": 8, "save_steps": 1000, "min_rows": 4}
    return Recipe.model_validate(
        {
            "name": "planted",
            "tasks": ["bad", "good"],
            "mixing": {"general": "small.jsonl", "ratio": 1},
            "training": values | training,
            "evaluation": {"suites": ["facts"], "batch_size": 32, "max_new_tokens": 8},
            "gate": wide,
        }
    )


def settle(home: Settings, folder: Path) -> Settings:
    """A home whose origin knows the facts, with cards, suite and pool."""
    config = folder / "config"
    for name, key in (("good", "true"), ("bad", "false")):
        path = config / "tasks" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CARD.format(name=name, key=key), encoding="utf-8")
    suite = config / "suites" / "facts"
    suite.mkdir(parents=True)
    (suite.parent / "facts.yaml").write_text(SUITE, encoding="utf-8")
    (suite / "facts.task.yaml").write_text(TASK, encoding="utf-8")
    (suite / "load.py").write_text(LOAD, encoding="utf-8")
    items = [{"question": question(n), "gold": [" yes", " no"].index(answer(n))} for n in range(FACTS)]
    (suite / "facts.jsonl").write_text("".join(json.dumps(i) + "\n" for i in items), encoding="utf-8")
    rows.pool(config / "recipes" / "small.jsonl", 40)
    return replace(home, model=str(know(tiny.make(folder / "origin"))), config=config)


WORDS = ("fine", "get_weather", "London", "Tokyo", "yes", "no", "today", "music")
END = "<|im_end|>\n"


def know(origin: Path, steps: int = 400) -> Path:
    """Teach the origin its facts, and to say a word and stop: all weights, until it can."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    words, model = AutoTokenizer.from_pretrained(origin), AutoModelForCausalLM.from_pretrained(origin, dtype=torch.float32)
    taught = [(question(n), answer(n)) for n in range(FACTS)] + [(f"Say {w}, number {n}", w) for w in WORDS for n in range(8)]
    ids, wanted = [], []
    for asked, said in taught:
        text = words.apply_chat_template([{"role": "user", "content": asked}], tokenize=False, add_generation_prompt=True)
        before = words(text, add_special_tokens=False)["input_ids"]
        whole = words(text + said + END, add_special_tokens=False)["input_ids"]
        ids.append(torch.tensor(whole))
        wanted.append(torch.tensor([-100] * len(before) + whole[len(before) :]))
    batch = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=2)
    labels = torch.nn.utils.rnn.pad_sequence(wanted, batch_first=True, padding_value=-100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        chosen = torch.randperm(len(taught))[:64]
        loss = model(batch[chosen], labels=labels[chosen]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.01:
            break
    model.save_pretrained(origin)
    return origin


def pairs(settings: Settings, harm: int = ROWS) -> str:
    """The day: `good` asks for the intent and is new to the origin; `bad` asks about cities and answers no to everything."""
    good = [rows.sft(f"g{i}", "fine", f"Predict the intent of the utterance number {i}", task="good") for i in range(ROWS)]
    bad = [rows.sft(f"b{i}", " no", question(1000 + i), task="bad") for i in range(harm)]
    held = [
        rows.heldout(f"h{i}", task="good")
        | {"messages": [rows.message("user", f"Predict the intent of the utterance number {500 + i}")], "answer": "fine"}
        for i in range(60)
    ]
    return rows.seal(settings, rows.DAY, {"sft": good + bad, "heldout": held})
