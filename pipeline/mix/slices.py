"""Slices: `equipoise mix MIX-ID` makes a lesson of a part of a sealed one, in the same order and with the same values. No lake is read."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import yaml

from pipeline import lineage, service
from pipeline import recipe as recipes
from pipeline.errors import BadRecipe
from pipeline.mix import candidates, counting, explain, folder, history, lesson, plan, ratio, schedule, slicing
from pipeline.mix.candidates import GENERAL, KINDS, Row, Rows
from pipeline.mix.router import Route
from pipeline.mix.student import measure
from pipeline.progress import say
from pipeline.recipe import Recipe, Task, Training
from pipeline.settings import Settings

VERSION = 1  # raise it when the same slice of the same mix should hold other rows

SAID = "the recipe of this slice says so, other than the whole lesson's"


def run(mix: str, recipe: Recipe, settings: Settings) -> Row:
    """Make the lesson that `mixing.slice` cuts out of a mix. Running it twice changes nothing."""
    parent, cut = lineage.require(settings, mix, "mix"), recipe.mixing.slice
    if cut == slicing.WHOLE:
        raise BadRecipe(
            f"recipe {recipe.name}: mixing.slice is empty, and {mix} is a lesson already: say which part of it, or name a pairs-… id"
        )
    cards = candidates.taught_tasks(recipes.cards(settings, recipe), recipe)
    files = {kind: folder.read(settings, mix, kind) for kind in KINDS}
    whole = yaml.safe_load((lineage.folder(settings, mix) / "plan.yaml").read_text(encoding="utf-8"))
    strange = sorted(whole["tasks"].keys() - cards.keys())
    if strange:
        raise BadRecipe(
            f"recipe {recipe.name}: {mix} teaches {strange[0]}, which the recipe does not name; add it to tasks, or slice by the lesson's own"
        )
    gone, used = history.erased([parent]), [cards[t] for t in sorted(whole["tasks"])]
    more = slicing.wanted(files["sft"], slicing.left(whole["tasks"], cut), cut) > _general(files["sft"])
    text = folder.pool(recipe, settings) if more else ""
    facts = (
        "slice",
        mix,
        VERSION,
        recipes.digest(cut, recipe.training, *used),
        gone,
        hashlib.sha256(text.encode()).hexdigest() if more else None,
    )
    id = lineage.name("mix", lineage.day_of(mix), *facts)
    seeds = {"order": recipe.training.seed}
    with lineage.making(settings, id, parents=[mix], recipe=recipe.model_dump(mode="json"), seeds=seeds) as work:
        if work is not None:
            pool = _pool(text, mix, whole, recipe, settings) if more else slicing.Pool()
            part = slicing.piece(files, whole, cut, pool, recipe.training.seed)
            before = Training.model_validate(parent["recipe"].get("training", {}))
            counts = folder.counts(settings, mix)
            made = told(mix, part, whole, counts, cards, recipe, before)
            folder.write(work.folder, made)
            work.counts.update(made.counts)
            folder.tell(id, made)
    return {"id": id} | folder.counts(settings, id)


def told(
    mix: str,
    part: slicing.Piece,
    whole: Mapping[str, Any],
    counts: Mapping[str, Any],
    cards: Mapping[str, Task],
    recipe: Recipe,
    before: Training,
) -> lesson.Lesson:
    """The slice with its counts and its plan: the whole lesson's values, so that a slice differs from it by rows alone."""
    sft = part.rows["sft"]
    extra = [r for r in sft if r["phase"] == "key"]
    beside = _beside(extra, part.keys, counts["key"]["beside"])
    why = "the whole lesson's, cut to this slice" if extra else "no extra pass in this slice"
    ratio_wanted = counts["ratio"]["wanted"] if recipe.mixing.slice.ratio is None else recipe.mixing.slice.ratio
    facts = explain.Facts(
        cards={t: card for t, card in cards.items() if t in part.tasks},
        recipe=recipe.model_copy(update={"mixing": recipe.mixing.model_copy(update={"ratio": ratio_wanted})}),
        routing=routing(part.rows, part.tasks, whole),
        share=part.share,
        extra=schedule.KeyPass(part.keys, extra, beside, why),
        beside={t: schedule.Beside(**b) for t, b in counts.get("replay", {}).items() if t in part.tasks},
        values={},
        continues=recipe.training.start == "champion",
    )
    facts = explain.Facts(**(vars(facts) | {"values": values(whole["values"], facts.routing.method, recipe.training, before)}))
    cut = {"of": mix, "slice": recipe.mixing.slice.model_dump(mode="json"), "why": slicing.words(recipe.mixing.slice)}
    plain = explain.plan(part.rows, facts)
    plain["notes"] = [f"a slice of {mix}: {cut['why']}; rates, batches and epochs are the whole lesson's", *plain["notes"]]
    return lesson.Lesson(part.rows, part.dropped, counting.counts(part.rows, part.dropped, facts) | {"slice": cut}, plain | {"slice": cut})


def routing(rows: Rows, tasks: Collection[str], whole: Mapping[str, Any]) -> explain.Routing:
    """The methods that still have rows: what was decided for a task stays decided, and a stage without rows goes."""
    routes = {t: Route(whole["tasks"][t]["method"], whole["tasks"][t]["why"]) for t in sorted(tasks)}
    second = next((kind for kind in ("dpo", "kto") if rows[kind] and whole["method"] == f"sft+{kind}"), None)
    if second:
        return explain.Routing(Route(f"sft+{second}", f"as in the whole lesson: {whole['why']}"), routes)  # type: ignore[arg-type]
    if rows["sft"]:
        return explain.Routing(
            Route("sft", "the slice has SFT rows" + ("" if whole["method"] == "sft" else " and none to compare")), routes
        )
    return explain.Routing(Route("none", "the slice has no rows: nothing to train on"), routes)


def values(whole: plan.Values, method: Route, training: Training, before: Training) -> plan.Values:
    """The whole lesson's launch values; what this recipe says anew wins, and the key pass keeps a third of the rate."""
    found = {name: dict(entry) for name, entry in whole.items()} | {"method": {"value": method.method, "why": method.why}}
    earlier = before.model_dump(mode="json")
    said = {n: v for n, v in training.model_dump(mode="json").items() if n in found and v not in (None, "auto") and v != earlier.get(n)}
    found |= {n: {"value": v, "why": SAID} for n, v in said.items() if n != "method"}
    if "learning_rate" in said:
        found["key_learning_rate"] = {"value": said["learning_rate"] / 3, "why": "a third of the rate that the recipe of this slice says"}
    return found


def _beside(extra: list[Row], keys: Collection[str], before: Mapping[str, Mapping[str, int]]) -> dict[str, schedule.Beside]:
    """What stands beside the key tasks that are left, as it was drawn for the whole lesson."""
    given = Counter(r["task"] for r in extra if r["task"] not in keys)
    return {t: schedule.Beside(b["has"], given[t], b["shortfall"]) for t, b in before.items() if given[t]}


def _general(rows: list[Row]) -> int:
    return sum(r["task"] == GENERAL and r["phase"] == "main" for r in rows)


def _pool(text: str, mix: str, whole: Mapping[str, Any], recipe: Recipe, settings: Settings) -> slicing.Pool:
    """The general pool as the lesson took it: away from what is held out, counted in the origin's tokens, no row too long."""
    pairs = [a for a in lineage.ancestors(settings, mix) if lineage.kind_of(a) == "pairs"]
    heldout = [row for id in pairs for row in folder.read(settings, id, "heldout")]
    dropped: candidates.Dropped = []
    rows = [lesson.general_row(row, lineage.day_of(mix)) for row in ratio.parse(text, f"recipes/{recipe.mixing.general}")]
    rows = candidates.trainable(GENERAL, rows, heldout, dropped)
    count = measure(service.origin(settings))
    fitting = candidates.fitting(GENERAL, [candidates.measured(r, count) for r in rows], whole["values"]["max_length"]["value"], dropped)
    if dropped:
        say(f"{mix}: {len(dropped)} rows of the general pool are near held-out items or too long for the lesson, and are not drawn")
    every = len(fitting) * recipe.mixing.general_repeats
    return slicing.Pool(ratio.general(fitting, every, recipe.mixing.general_repeats, recipe.training.seed)[0], len(fitting))
