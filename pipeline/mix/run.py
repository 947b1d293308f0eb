"""Mix: `equipoise mix PAIRS` makes the lesson of a day from all pairs kept up to it."""

import hashlib
from collections.abc import Mapping
from typing import Any

from pipeline import lake, lineage, service
from pipeline import recipe as recipes
from pipeline.errors import BadRecipe
from pipeline.mix import folder, history, lesson, merits, necessity, ratio, slices, slicing
from pipeline.mix.candidates import KINDS, Material
from pipeline.mix.student import Student, measure, student
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings

VERSION = 3  # raise it when the same pairs should yield a different lesson

Row = dict[str, Any]


def run(pairs: str, recipe: Recipe, settings: Settings) -> Row:
    """Make one lesson. Running it twice changes nothing: equal parents, recipe, pool and tokenizer give the equal id.

    pairs: a pairs-… id; or a mix-… id, whose slice by the recipe's `mixing.slice` is the lesson then.
    """
    if lineage.kind_of(pairs) == "mix":
        return slices.run(pairs, recipe, settings)
    if recipe.mixing.slice != slicing.WHOLE:
        raise BadRecipe(
            f"recipe {recipe.name}: mixing.slice ({slicing.words(recipe.mixing.slice)}) cuts a mix: name a mix-… id, or take it out"
        )
    given = lineage.require(settings, pairs, "pairs")
    parents = history.parents(given, lineage.all_of(settings, "pairs"), recipe.mixing.max_days)
    cards = dict(sorted(recipes.cards(settings, recipe).items()))
    origin = student(service.origin(settings))
    pool = _pool(recipe, settings)
    lessons = recipes.digest(recipe.mixing, recipe.training, *cards.values())
    known, judging = necessity.sealed(settings, parents), merits.of(recipe.mixing.quality, settings)
    gone = history.erased(lineage.manifest(settings, parent) for parent in parents)
    facts = (
        parents,
        VERSION,
        lessons,
        hashlib.sha256(pool.encode()).hexdigest(),
        origin.identity,
        *([gone] if gone else []),
        *known,
        *judging.name,
    )
    id = lineage.name("mix", lineage.day_of(pairs), *facts)
    with lineage.making(
        settings, id, parents=parents, recipe=recipe.model_dump(mode="json"), seeds={"order": recipe.training.seed}
    ) as work:
        if work is not None:
            made = lesson.compose(
                _material(parents, necessity.measured(settings, known), judging, pool, recipe, origin, settings),
                cards,
                recipe,
                measure(origin.folder),
            )
            folder.write(work.folder, made)
            work.counts.update(made.counts)
            work.extra |= {"measured": known} | ({"quality": judging.account} if judging.account else {})
            folder.tell(id, made)
            if judging.why_not:
                say(f"{id}: {judging.why_not}")
    return {"id": id} | folder.counts(settings, id)


def _pool(recipe: Recipe, settings: Settings) -> str:
    """The text of the general pool; a lesson without general rows needs none."""
    return folder.pool(recipe, settings) if recipe.mixing.ratio else ""


def _material(
    parents: list[str], known: Mapping[str, Row], judging: merits.Merits, pool: str, recipe: Recipe, origin: Student, settings: Settings
) -> Material:
    """All rows of all parents. Sums are checked: a lesson is not made from a folder that changed after it was sealed."""

    def batch(parent: str, kind: str) -> list[Row]:
        rows = judging.judged(folder.read(settings, parent, kind))
        return [necessity.judged(row, known) | {"pairs": parent} for row in rows]

    for parent in parents[1:]:
        lineage.require(settings, parent, "pairs")
    return Material(
        given=parents[0],
        day=lineage.day_of(parents[0]),
        batches={kind: [batch(parent, kind) for parent in parents] for kind in KINDS},
        heldout=[row for parent in parents for row in folder.read(settings, parent, "heldout")],
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
