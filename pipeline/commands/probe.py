"""Why is this answer wrong? `equipoise probe VERDICT` looks into lost answers one by one, with the models at hand, and names a class for each."""

import argparse
from collections.abc import Iterator
from typing import Any

from pipeline import lineage
from pipeline.errors import BadInput
from pipeline.evaluate import probe_run
from pipeline.mine import noise
from pipeline.report import probed
from pipeline.settings import Settings

MOST = 200  # cases: with some fifteen seconds for each of a 135M model, most of an hour


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    if not 1 <= args.items <= MOST:
        raise BadInput(f"--items {args.items}: write a number from 1 to {MOST}")
    if lineage.kind_of(args.id) not in ("verdict", "scores"):
        raise BadInput(f"{args.id} is of kind {lineage.kind_of(args.id)}; probe takes a verdict-… or a scores-… id")
    record = probe_run.run(args.id, settings, args.items, noise.variants)
    return {"id": args.id, "model": record["model"], "classes": record["classes"], "cases": record["cases"], "text": text(record, settings)}


def text(record: dict[str, Any], settings: Settings) -> str:
    """The record for a terminal, with the words of the sealed items."""
    import pyarrow.parquet as pq

    rows = pq.read_table(lineage.folder(settings, record["asked"]["scores"][0]) / "items.parquet").to_pylist()
    found = probed.of(record, rows)
    if not found or not found["cases"]:
        return f"{record['model']}: nothing was lost, and no target task has a wrong answer: there is nothing to look into"
    return "\n".join(_lines(record["model"], found))


def _lines(model: str, found: dict[str, Any]) -> Iterator[str]:
    yield f"{model}: {len(found['cases'])} bad cases"
    for c in found["classes"]:
        yield f"  {c['cases']:>3} {c['name']}: {c['advice']}"
    for case in found["cases"]:
        yield f"\n{case['class'].upper()}  {case['name']} ({case['ability']}, {case['side']})"
        yield f"  right answer: {_short(case['gold'])}"
        yield f"  given answer: {_short(case['given'])}"
        if case["base_says"] is not None:
            yield f"  the origin goes on: {_short(case['base_says'])}"
        yield from (f"  - {sentence}" for sentence in case["told"])
        if case["rows"]:
            yield f"  rows behind it: {', '.join(row['example_id'] for row in case['rows'])} (`equipoise trace {model}` leads to their conversations)"


def _short(said: str) -> str:
    flat = " ".join(said.split())
    return flat if len(flat) <= 100 else f"{flat[:99]}…"
