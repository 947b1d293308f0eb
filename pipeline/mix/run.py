"""Mix: `equipoise mix PAIRS` makes the lesson of a day from all pairs kept up to it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline import chat, lake, lineage, service
from pipeline import recipe as recipes
from pipeline.mix import history, lesson, necessity, ratio, tables
from pipeline.mix.candidates import KINDS, Material, Measure
from pipeline.mix.student import Student, student
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings

VERSION = 2  # raise it when the same pairs should yield a different lesson

Row = dict[str, Any]
HEADER = "# The lesson and its reasons, made by `equipoise mix`; `equipoise train` follows `values`.\n"


def run(pairs: str, recipe: Recipe, settings: Settings) -> Row:
    """Make one lesson. Running it twice changes nothing: equal parents, recipe, pool and tokenizer give the equal id."""
    given = lineage.require(settings, pairs, "pairs")
    parents = history.parents(given, lineage.all_of(settings, "pairs"), recipe.mixing.max_days)
    cards = dict(sorted(recipes.cards(settings, recipe).items()))
    origin = student(service.origin(settings))
    pool = _pool(recipe, settings)
    lessons = recipes.digest(recipe.mixing, recipe.training, *cards.values())
    known = necessity.sealed(settings, parents)
    gone = history.erased(lineage.manifest(settings, parent) for parent in parents)
    facts = parents, VERSION, lessons, hashlib.sha256(pool.encode()).hexdigest(), origin.identity, *([gone] if gone else []), *known
    id = lineage.name("mix", lineage.day_of(pairs), *facts)
    with lineage.making(
        settings, id, parents=parents, recipe=recipe.model_dump(mode="json"), seeds={"order": recipe.training.seed}
    ) as work:
        if work is not None:
            made = lesson.compose(
                _material(parents, necessity.measured(settings, known), pool, recipe, origin, settings),
                cards,
                recipe,
                measure(origin.folder),
            )
            _write(work.folder, made)
            work.counts.update(made.counts)
            work.extra |= {"measured": known}
            say(
                f"{id}: {made.counts['method']}, {made.counts['total']['rows']} rows, {made.counts['total']['passes']} passes, {made.counts['total']['tokens']} tokens"
            )
            for note in made.plan["notes"]:
                say(f"{id}: {note}")
    return {"id": id} | json.loads((lineage.folder(settings, id) / "counts.json").read_text(encoding="utf-8"))


def _pool(recipe: Recipe, settings: Settings) -> str:
    """The text of the general pool; a lesson without general rows needs none."""
    if recipe.mixing.ratio == 0:
        return ""
    return recipes.find(settings, "recipes", recipe.mixing.general).read_text(encoding="utf-8")


def _material(parents: list[str], known: Mapping[str, Row], pool: str, recipe: Recipe, origin: Student, settings: Settings) -> Material:
    """All rows of all parents. Sums are checked: a lesson is not made from a folder that changed after it was sealed."""
    for parent in parents[1:]:
        lineage.require(settings, parent, "pairs")
    return Material(
        given=parents[0],
        day=lineage.day_of(parents[0]),
        batches={
            kind: [[necessity.judged(row, known) | {"pairs": parent} for row in _read(settings, parent, kind)] for parent in parents]
            for kind in KINDS
        },
        heldout=[row for parent in parents for row in _read(settings, parent, "heldout")],
        taken_back=_taken_back(parents, settings),
        pool=ratio.parse(pool, f"recipes/{recipe.mixing.general}"),
        context=origin.context,
        parameters=origin.parameters,
    )


def _taken_back(parents: list[str], settings: Settings) -> list[Row]:
    """Consent and votes withdrawn by the time of the newest logs, as the lake stood when those were sealed."""
    logs = [p for parent in parents for p in lineage.manifest(settings, parent)["parents"] if p.startswith("logs-")]
    if not logs:
        return []
    if not lineage.sealed(settings, logs[0]):
        say(f"{logs[0]} is not in this home: whether consent or votes were taken back since could not be looked up")
        return []
    with lake.connect(settings, snapshot=lineage.manifest(settings, logs[0])["snapshot"]) as con:
        return lake.query(con, "mix/taken_back")


def _read(settings: Settings, pairs: str, table: str) -> list[Row]:
    """A table of a sealed pairs folder; a hotfix may have no table of a kind."""
    import pyarrow.parquet as pq

    path = lineage.folder(settings, pairs) / f"{table}.parquet"
    return pq.read_table(path).to_pylist() if path.exists() else []


def measure(folder: Path) -> Measure:
    """Counts tokens as the trainer will see them."""
    tokenizer, template = chat.tokens(folder), chat.template(folder)

    def count(messages: list[Row]) -> tuple[int, int]:
        whole, asked = template.text(messages), template.text(messages[:-1], add_generation_prompt=True)
        sizes = [len(tokenizer.encode(text, add_special_tokens=False).ids) for text in (whole, asked)]
        return sizes[0], sizes[0] - sizes[1]

    return count


def _write(folder: Path, made: lesson.Lesson) -> None:
    import pyarrow.parquet as pq

    for kind, rows in made.rows.items():
        pq.write_table(tables.table(kind, rows), folder / f"{kind}.parquet", compression="zstd")
    refused = [row | {"kind": kind, "reason": reason} for kind, row, reason in made.dropped]
    pq.write_table(tables.table("dropped", refused), folder / "dropped.parquet", compression="zstd")
    lineage.write_json(folder / "counts.json", made.counts)
    text = yaml.safe_dump(made.plan, sort_keys=False, allow_unicode=True, width=140)
    (folder / "plan.yaml").write_text(HEADER + text, encoding="utf-8")
