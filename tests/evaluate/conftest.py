"""A home with a small suite, a fake origin and a model double that needs no torch: it answers by rule and counts what it is asked."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import ClassVar

import pytest

from pipeline import chat, lineage
from pipeline.evaluate import scorer
from pipeline.recipe import Recipe, read
from pipeline.settings import Settings
from tests.tiny import TEMPLATE

CAPITALS = ["Japan:Tokyo:Kyoto", "France:Paris:Lyon", "Peru:Lima:Cusco", "Kenya:Nairobi:Kisumu", "Norway:Oslo:Bergen", "Egypt:Cairo:Luxor"]
SUITE = """
name: small
about: two choices about capitals, and a word to repeat
include: small
chat_template: true
abilities:
  knowledge: {tasks: [small_capitals], cluster: continent, n: 6}
  echo: {tasks: [small_echo], kind: report}
"""
CHOICES = """
task: small_capitals
custom_dataset: !function load.items
dataset_kwargs: {file: capitals.jsonl}
test_split: test
output_type: multiple_choice
doc_to_text: "The capital of {{country}} is"
doc_to_choice: choices
doc_to_target: gold
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
metadata: {version: 1.0}
"""
WORDS = """
task: small_echo
custom_dataset: !function load.items
dataset_kwargs: {file: capitals.jsonl}
test_split: test
output_type: generate_until
doc_to_text: "Say the word {{answer}}"
doc_to_target: answer
generation_kwargs: {until: ["\\n"], do_sample: false, max_gen_toks: 6}
filter_list:
  - {name: strict, filter: [{function: take_first}]}
  - {name: flexible, filter: [{function: regex, regex_pattern: "(\\\\w+)"}, {function: take_first}]}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
metadata: {version: 2.0}
"""
LOAD = """
import json, pathlib

def items(file, **_):
    import datasets
    lines = (pathlib.Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
    return {"test": datasets.Dataset.from_list([json.loads(line) for line in lines])}
"""


def write_suite(folder: Path) -> None:
    (folder / "suites" / "small").mkdir(parents=True)
    (folder / "suites" / "small.yaml").write_text(SUITE)
    for name, text in (("capitals.yaml", CHOICES), ("echo.yaml", WORDS), ("load.py", LOAD)):
        (folder / "suites" / "small" / name).write_text(text)
    rows = [line.split(":") for line in CAPITALS]
    docs = [{"country": c, "choices": [a, b], "gold": 0, "answer": a, "continent": c[0]} for c, a, b in rows]
    (folder / "suites" / "small" / "capitals.jsonl").write_text("".join(json.dumps(d) + "\n" for d in docs))


@pytest.fixture
def place(home: Settings, tmp_path: Path) -> Settings:
    """A home whose config holds the suite `small`, a card `intent` and the recipe `mini`; its origin is files without weights."""
    config = tmp_path / "config"
    write_suite(config)
    (config / "tasks").mkdir()
    (config / "tasks" / "intent.yaml").write_text("name: intent\nchecker: exact\nkey: true\n")
    (config / "heldout").mkdir()
    (config / "recipes").mkdir()
    (config / "recipes" / "mini.yaml").write_text(
        "name: mini\ntasks: [intent]\nevaluation: {suites: [small], batch_size: 2, max_new_tokens: 8}\n"
    )
    origin = tmp_path / "origin"
    origin.mkdir()
    (origin / "config.json").write_text("{}")
    (origin / "model.safetensors").write_text("no weights")
    (origin / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE, "eos_token": "<|im_end|>"}))
    return replace(home, config=config, model=str(origin))


@pytest.fixture
def mini(place: Settings) -> Recipe:
    assert place.config is not None
    return read(place.config / "recipes" / "mini.yaml", Recipe)


class Double:
    """Prefers the first choice and repeats the last word of the prompt; `wrong` models say the opposite. Counts its questions."""

    asked: ClassVar[Counter] = Counter()
    wrong: ClassVar[set[str]] = set()
    dies_after: int | None = None

    def __init__(self, settings: Settings, model: str, evaluation: object):
        self.settings, self.model = settings, model

    def apply_chat_template(self, history: list[dict], add_generation_prompt: bool = True) -> str:
        return chat.template(Path(str(self.settings.model))).text(history, add_generation_prompt)

    def answer(self, kind: str, requests: list) -> list:
        if Double.dies_after is not None and sum(Double.asked.values()) >= Double.dies_after:
            raise KeyboardInterrupt
        Double.asked[self.model] += len(requests)
        contrary = self.model in Double.wrong
        if kind == "loglikelihood":
            return [(-1.0 - (r.idx if not contrary else -r.idx), r.idx == 0) for r in requests]
        return ["no" if contrary else r.args[0].split("<|im_end|>")[-2].split()[-1] for r in requests]

    def close(self) -> None:
        pass


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> type[Double]:
    Double.asked, Double.wrong, Double.dies_after = Counter(), set(), None
    monkeypatch.setattr(scorer, "Answerer", Double)
    monkeypatch.setattr(scorer, "machine", lambda e: {"backend": "hf", "device": "cpu", "dtype": "float32", "batch_size": e.batch_size})
    return Double


@pytest.fixture
def trained(place: Settings) -> Callable[..., str]:
    """Seal a model and what it came from: pairs with the given held-out prompts and answers, a mix of them, an adapter."""

    def make(
        heldout: dict[str, str],
        day: date = date(2026, 11, 20),
        earlier: list[str] | None = None,
        adapter: str = "a",
        task: str = "intent",
        save: Callable[[Path], None] = lambda folder: None,
    ) -> str:
        import pyarrow as pa
        import pyarrow.parquet as pq

        def seal(kind: str, parents: list[str], fill: Callable[[Path], object], **counts: object) -> str:
            id = lineage.name(kind, day, parents, adapter, task, sorted(heldout.items()))
            with lineage.making(place, id, parents=parents, recipe={}) as work:
                if work is not None:
                    fill(work.folder)
                    work.counts |= counts
            return id

        def weights(folder: Path) -> None:
            (folder / "adapter").mkdir()
            (folder / "adapter" / "adapter_config.json").write_text("{}")
            (folder / "adapter" / "adapter_model.safetensors").write_text(adapter)
            save(folder / "adapter")

        rows = [
            {
                "example_id": f"{day}-{n}",
                "task": task,
                "conversation_id": f"c-{n}",
                "messages": [{"role": "user", "content": prompt, "name": None}],
                "answer": answer,
                "format": "free",
                "checker": "exact",
            }
            for n, (prompt, answer) in enumerate(heldout.items())
        ]
        pairs = seal("pairs", [], lambda folder: rows and pq.write_table(pa.Table.from_pylist(rows), folder / "heldout.parquet"))
        mix = seal("mix", [*(earlier or []), pairs], lambda folder: None, tasks={task: {"passes": len(rows)}, "general": {"passes": 1}})
        return seal("model", [mix], weights)

    return make
