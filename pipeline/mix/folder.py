"""A mix on disk: tables, counts and plan, written once and read by whoever slices or trains it."""

import json
from pathlib import Path
from typing import Any

import yaml

from pipeline import lineage
from pipeline import recipe as recipes
from pipeline.mix import lesson, tables
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings

Row = dict[str, Any]
HEADER = "# The lesson and its reasons, made by `equipoise mix`; `equipoise train` follows `values`.\n"


def pool(recipe: Recipe, settings: Settings) -> str:
    """The text of the general pool."""
    return recipes.find(settings, "recipes", recipe.mixing.general).read_text(encoding="utf-8")


def read(settings: Settings, id: str, table: str) -> list[Row]:
    """A table of a sealed folder; a hotfix may have no table of a kind."""
    import pyarrow.parquet as pq

    path = lineage.folder(settings, id) / f"{table}.parquet"
    return pq.read_table(path).to_pylist() if path.exists() else []


def counts(settings: Settings, id: str) -> Row:
    return json.loads((lineage.folder(settings, id) / "counts.json").read_text(encoding="utf-8"))


def write(folder: Path, made: lesson.Lesson) -> None:
    """All files of a mix but its manifest."""
    import pyarrow.parquet as pq

    for kind, rows in made.rows.items():
        pq.write_table(tables.table(kind, rows), folder / f"{kind}.parquet", compression="zstd")
    refused = [row | {"kind": kind, "reason": reason} for kind, row, reason in made.dropped]
    pq.write_table(tables.table("dropped", refused), folder / "dropped.parquet", compression="zstd")
    lineage.write_json(folder / "counts.json", made.counts)
    text = yaml.safe_dump(made.plan, sort_keys=False, allow_unicode=True, width=140)
    (folder / "plan.yaml").write_text(HEADER + text, encoding="utf-8")


def tell(id: str, made: lesson.Lesson) -> None:
    """Say what was made, and every rule that could not be kept whole."""
    total = made.counts["total"]
    say(f"{id}: {made.counts['method']}, {total['rows']} rows, {total['passes']} passes, {total['tokens']} tokens")
    for note in made.plan["notes"]:
        say(f"{id}: {note}")
