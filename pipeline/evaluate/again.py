"""`equipoise evaluate --lost VERDICT --arm …`: what a verdict lost, asked again of adapters together, or of a lesson without a task.

An arm is a sum of adapters on the origin: all tasks' adapters, or all but one. The items are those that fell and as many that stood, or every
item of the fallen abilities (`+all`); each is asked as it was asked for the verdict, and its hash must be the same.
"""

import dataclasses
from functools import cached_property
from typing import Any

from pipeline import beside, lineage, recipe, weights
from pipeline.causes import lost
from pipeline.errors import BadInput, Permanent
from pipeline.evaluate import items, lmeval, scorer
from pipeline.evaluate.gradients import fallen_of
from pipeline.evaluate.memory import KEPT_EVERY, Remembering
from pipeline.evaluate.questions import Questions
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings

VERSION = 1  # raise it when the same arm should give other answers
EVERY = "all"
COLUMNS = {
    "ability": "string",
    "side": "string",
    "name": "string",
    "value": "float64",
    "cluster": "string",
}

Row = dict[str, Any]


class Arm(scorer.Answerer):
    """Several adapters on the origin, loaded when the first question comes."""

    def __init__(self, settings: Settings, models: list[str], evaluation: recipe.Evaluation, every: bool):
        super().__init__(settings, models[0] if models else "origin", evaluation)
        self.models = models
        if not every:
            self.writer = None  # sums of adapters are held against each other: all of them are written by transformers

    @cached_property
    def lm(self) -> Any:
        say(f"loading {' + '.join(self.models) or 'the origin'}")
        model, words = weights.summed(self.settings, self.models, self.evaluation.dtype)
        return scorer.harness(model, words, self.evaluation.batch_size)


def run(verdict: str, arms: list[str], settings: Settings) -> Row:
    """Seal the answers of every arm (`origin`, or ids joined by +, with `+all` for every item). Running it twice changes nothing."""
    _, facts = beside.verdict(settings, verdict)
    asked = lineage.require(settings, facts["scores"]["candidate"], "scores")
    lesson = Recipe.model_validate(asked["recipe"])
    questions = Questions(settings, facts["candidate"], lesson)
    found = {arm: _seal(questions, verdict, facts, arm) for arm in dict.fromkeys(arms)}
    return {"id": next(iter(found.values()), None), "again": verdict, "arms": found}


def _models(settings: Settings, arm: str) -> tuple[list[str], bool]:
    words = arm.split("+")
    models = [w for w in words if w not in (EVERY, "origin", "")]
    for model in models:
        if lineage.kind_of(model) != "model":
            raise BadInput(f"--arm {arm}: {model} is of kind {lineage.kind_of(model)}; an arm is `origin` or model-… ids joined by +")
        lineage.require(settings, model, "model")
    return sorted(models), EVERY in words


def _seal(questions: Questions, verdict: str, facts: Row, arm: str) -> str:
    import pyarrow.parquet as pq

    settings = questions.settings
    models, every = _models(settings, arm)
    known = [questions.weights(m) for m in models or ["origin"]]
    machine = _machine(questions, every)
    id = lineage.name("scores", lineage.day_of(verdict), "again", VERSION, scorer.VERSION, verdict, models, known, every, machine)
    lesson = questions.lesson.model_dump(mode="json")
    with lineage.making(settings, id, parents=[facts["candidate"], *models], recipe=lesson) as work:
        if work is not None:
            wanted = _wanted(settings, facts, every)
            rows = _ask(questions, models, known, wanted, every)
            pq.write_table(items.table(rows, COLUMNS), work.folder / "again.parquet", compression="zstd")
            work.counts |= {"items": len(rows)}
            # `rows` says to every reader of scores that these are none to compare: they were chosen by what was lost
            work.extra |= {"rows": facts.get("mix"), "again": verdict, "arm": models, "every": every, "model": None}
    return id


def _wanted(settings: Settings, facts: Row, every: bool) -> dict[tuple[str, int], tuple[str, str, lost.Item]]:
    """(benchmark, doc id) -> (ability, side, item)."""
    found: dict[tuple[str, int], tuple[str, str, lost.Item]] = {}
    for ability in fallen_of(settings, facts):
        kept = ability.kept if every else lost.drawn(ability.kept, len(ability.lost))
        for side, group in (("lost", ability.lost), ("kept", kept), ("rest", ability.rest if every else ())):
            found |= {(i.benchmark, i.doc_id): (ability.ability, side, i) for i in group}
    return found


def _ask(questions: Questions, models: list[str], known: list[str], wanted: dict, every: bool) -> list[Row]:
    settings, evaluation = questions.settings, questions.lesson.evaluation
    batteries = [_cut(b, {name for name, _ in wanted}, wanted) for b in questions.batteries]
    batteries = [b for b in batteries if b.tasks]
    key = recipe.digest("again", known, _machine(questions, every), scorer.VERSION, VERSION)[:16]
    answerer = Arm(settings, models, evaluation, every)
    lm = Remembering(answerer, settings.home / "cache" / "items" / key, evaluation.batch_size * KEPT_EVERY, " + ".join(models) or "origin")
    samples = lmeval.merged([lmeval.ask(lm, b, evaluation.seed) for b in batteries])["samples"]
    answerer.close()
    told = items.rows(samples, {n: m for b in batteries for n, m in b.measured.items() if n in samples})
    decides = lost.deciding(told, {name: a for b in batteries for name, a in b.abilities.items()})
    return [_told(r, wanted, decides, every) for r in told if (r["metric"], r["filter"]) == decides[r["benchmark"]][:2]]


def _machine(questions: Questions, every: bool) -> Row:
    """What answers an arm: only one whose answers stand beside sealed ones is written as those were."""
    return questions.machine if every else scorer.machine(questions.lesson.evaluation)


def _cut(battery: Any, names: set[str], wanted: dict) -> Any:
    """The battery with the wanted items alone, in their own order: lm-eval takes indices to be sorted."""
    tasks = {name: task for name, task in battery.tasks.items() if name in names}
    samples = {name: sorted(doc for task, doc in wanted if task == name) for name in tasks}
    return dataclasses.replace(battery, tasks=tasks, groups={}, samples=samples)


def _told(row: Row, wanted: dict, decides: dict[str, tuple[str, str, bool]], every: bool) -> Row:
    """every: the answers will stand beside sealed ones, so that the examples in the prompt must be the same too."""
    ability, side, item = wanted[row["benchmark"], row["doc_id"]]
    if row["doc_hash"] != item.doc_hash or (every and row["prompt_hash"] != item.prompt_hash):
        raise Permanent(
            f"{item.key} is asked otherwise than it was for the verdict: put the suite back as it was, or evaluate and gate anew"
        )
    value = row["value"] if row["value"] is None or decides[row["benchmark"]][2] else -row["value"]
    return {"ability": ability, "side": side, "name": item.key, "value": value, "cluster": item.cluster}
