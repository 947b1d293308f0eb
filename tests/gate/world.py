"""A home with sealed scores of a candidate, the champion and the origin, made from nothing but numbers."""

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from pipeline import lineage
from pipeline.evaluate.items import COLUMNS
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.gate.outputs import sha

DAY = "20261120"
ABILITIES = ("maths", "reading")
SETTINGS = {"template_sha": "t", "system_sha": None, "backend": "hf", "dtype": "float32", "batch_size": 16, "versions": {"b_maths": "1"}}

Values = dict[str, list[float]]


def recipe(name: str = "daily", **gate: Any) -> Recipe:
    """A lesson on the suite `toy` with one task card."""
    only = {"mining": {"only": "hotfix"}} if name == "hotfix" else {}
    wide = {"margin": 0.05, "pooled_margin": 0.03, "origin_margin": 0.06, "origin_pooled_margin": 0.04, "may_hold": True}
    return Recipe.model_validate(
        {"name": name, "tasks": ["intent", "other_task"], "evaluation": {"suites": ["toy"]}, "gate": wide | gate} | only
    )


def settle(home: Settings, folder: Path, **changed: Any) -> Settings:
    """The home with a configuration of its own: the suite `toy` and two task cards, one of them key."""
    cards = {"tasks": {"intent": {"name": "intent", "key": True}, "other_task": {"name": "other_task", "match": {"app": "x"}}}}
    abilities = {n: {"tasks": [f"b_{n}"], "n": 600} for n in ABILITIES} | {"code": {"tasks": ["b_code"], "n": 40, "report_only": True}}
    suite = {"name": "toy", "abilities": abilities | {"writing": {"tasks": ["b_writing"], "kind": "report"}}}
    for kind, files in (cards | {"suites": {"toy": suite | changed}}).items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for stem, content in files.items():
            (folder / kind / f"{stem}.yaml").write_text(yaml.safe_dump(content))
    return dataclasses.replace(home, config=folder)


def seal(settings: Settings, id: str, parents: list[str], tables: dict[str, list[dict]] | None = None, **extra: Any) -> str:
    with lineage.making(settings, id, parents=parents, recipe={"name": "daily"}) as work:
        assert work is not None
        for name, rows in (tables or {}).items():
            pq.write_table(pa.Table.from_pylist(rows), work.folder / f"{name}.parquet")
        work.extra |= extra
    return id


def lesson(settings: Settings, stem: str = "a", rows: list[dict] | None = None, pairs: str | None = None) -> tuple[str, str, str]:
    """Pairs, mix and model of one candidate. `rows` are the mix's SFT rows."""
    pairs = pairs or f"pairs-{DAY}-{sha(stem)[:8]}"
    if not lineage.sealed(settings, pairs):
        seal(settings, pairs, [])
    row = {"task": "intent", "source": "edit", "messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "yes"}]}
    mix = seal(settings, f"mix-{DAY}-{sha(stem)[:8]}", [pairs], {"sft": rows or [row]})
    return pairs, mix, seal(settings, f"model-{DAY}-{sha(stem)[:8]}", [mix])


def scores(home: Settings, model: str, values: Values, *, evalset: str = "e", kinds: dict[str, str] | None = None, **extra: Any) -> str:
    """Seal a model's items; abilities are those of `toy`, and names of task cards are target tasks. kinds: of other abilities."""
    rows = [row | {"kind": (kinds or {}).get(name, row["kind"])} for name, found in values.items() for row in _rows(name, found)]
    id = f"scores-{DAY}-{sha(model + evalset + str(extra))[:8]}"
    table = pa.Table.from_pylist(rows, schema=pa.schema([(name, getattr(pa, kind)()) for name, kind in COLUMNS.items()]))
    with lineage.making(home, id, parents=[] if model == "origin" else [model], recipe={"name": "daily"}) as work:
        assert work is not None
        pq.write_table(table, work.folder / "items.parquet")
        work.extra |= {"model": model, "weights": sha(model), "evalset": evalset, "settings": SETTINGS} | extra
    return id


def _rows(name: str, values: list[float]) -> list[dict]:
    kind = "target" if name in ("intent", "other_task") else "report" if name == "writing" else "suite"
    return [
        {
            "benchmark": f"b_{name}",
            "ability": name,
            "kind": kind,
            "doc_id": i,
            "doc_hash": sha(f"{name} {i}"),
            "prompt_hash": sha(f"{name} {i}?"),
            "target_hash": sha("yes"),
            "occurrence": 0,
            "filter": "none",
            "metric": "acc",
            "value": value,
            "cluster": None,
            "prompt": f"{name} {i}?",
            "target": "yes",
            "response": "yes",
        }
        for i, value in enumerate(values)
    ]
