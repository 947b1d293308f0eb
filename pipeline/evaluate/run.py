"""Stage `evaluate`: ask a model, the one in service and the origin the same questions, and seal every answer."""

import json
from pathlib import Path
from typing import Any

from pipeline import lineage, recipe, service
from pipeline.evaluate import again, gradients, items, lmeval, looks, scorer
from pipeline.evaluate import rows as losses
from pipeline.evaluate.memory import KEPT_EVERY, Remembering
from pipeline.evaluate.questions import Questions
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings


def run(
    model: str,
    recipe: Recipe,
    settings: Settings,
    rows: str | None = None,
    lost: str | None = None,
    arm: list[str] | None = None,
    rule_of: looks.Maker | None = None,
) -> dict[str, Any]:
    """Score a model (`model-…` or `origin`) and whatever it will be compared with. Running it twice changes nothing.

    rows: a pairs id; the champion's and the origin's losses on its rows are sealed instead. lost: a verdict id; the gradients behind what it
    lost, or with `arm` the answers that sums of adapters give to it. rule_of: makes the rule by which a candidate is asked in batches, where
    the lesson says so; what it is compared with is asked everything.
    """
    if rows:
        return losses.run(rows, recipe, settings)
    if lost:
        return again.run(lost, arm, settings) if arm else gradients.run(lost, recipe, settings)
    if model != "origin":
        lineage.require(settings, model, "model")
    questions = Questions(settings, model, recipe)
    roles = {} if model == "origin" else {"origin": "origin", "champion": service.champion(settings)}
    references = {role: questions.name(other) for role, other in roles.items()}
    making, rule = looks.maker(recipe, rule_of), None
    for other in dict.fromkeys([*roles.values(), model]):
        # the origin first: a candidate is checked against it, and its answers to all but new held-out items are known already
        if making and other not in ("origin", *roles.values()):
            rule = making(settings, recipe, model, references)
        score(questions, other, references if other == model else {}, rule)
    id = questions.name(model, rule)
    sampling = {"sampling": lineage.manifest(settings, id)["sampling"]} if rule else {}
    return {"id": id, "model": model, "scores": by_benchmark(settings, id), "references": references} | sampling


def score(questions: Questions, model: str, references: dict[str, str], rule: looks.Rule | None = None) -> None:
    """Seal one model's scores."""
    settings, lesson = questions.settings, questions.lesson
    seeds = {"evaluation": lesson.evaluation.seed}
    sealing = lineage.making(
        settings, questions.name(model, rule), parents=questions.parents(model), recipe=lesson.model_dump(mode="json"), seeds=seeds
    )
    with sealing as work:
        if work is None:
            return
        answerer = scorer.Answerer(settings, model, lesson.evaluation)
        lm = Remembering(answerer, _memory(questions, model), lesson.evaluation.batch_size * KEPT_EVERY, model)
        seed, batteries = lesson.evaluation.seed, questions.batteries
        parts = looks.ask(lm, batteries, rule, seed, model) if rule else [lmeval.ask(lm, b, seed) for b in batteries]
        found = lmeval.merged(parts)
        answerer.close()
        rows = items.rows(found.pop("samples"), {n: m for b in questions.batteries for n, m in b.measured.items()})
        if rule:
            looks.write(work, rule, rows)
        facts = questions.settings_for(model)
        _write(work.folder, rows, lmeval.results(found, facts))
        work.counts |= _counts(rows) | {"asked": lm.asked, "remembered": lm.remembered}
        work.extra |= {
            "model": model,
            "weights": questions.weights(model),
            "evalset": questions.evalset,
            "settings": facts,
            "references": references,
            "abilities": {name: ability for b in questions.batteries for name, ability in b.abilities.items()},
            "samples": {name: drawn for b in questions.batteries for name, drawn in (b.samples or {}).items()},
            "pairs": questions.pairs,
            "canary": _canary(settings, model, rows, references.get("origin")),
        }


def _memory(questions: Questions, model: str) -> Path:
    """Where a model's answers are kept: one folder for each thing that could answer differently."""
    key = recipe.digest(questions.weights(model), questions.machine, scorer.VERSION)[:16]
    return questions.settings.home / "cache" / "items" / key


def _write(folder: Path, rows: list[dict], results: dict[str, Any]) -> None:
    import pyarrow.parquet as pq

    pq.write_table(items.table(rows), folder / "items.parquet", compression="zstd")
    lineage.write_json(folder / "results.json", results)


def _counts(rows: list[dict]) -> dict[str, int]:
    nulls = sorted({f"{r['benchmark']}/{r['metric']}" for r in rows if r["value"] is None})
    if nulls:
        say(f"no number came back for some items of {', '.join(nulls)}: they are NULL, and the gate holds where such a metric decides")
    found = {(r["benchmark"], r["doc_id"]) for r in rows}
    return {"items": len(found), "rows": len(rows), "nulls": sum(r["value"] is None for r in rows)}


def _canary(settings: Settings, model: str, rows: list[dict], origin: str | None) -> str | None:
    """Words when a candidate answers exactly like the origin: backends have dropped adapters in silence (gate.md 11)."""
    if origin is None or model == "origin":
        return None
    import pyarrow.parquet as pq

    theirs = pq.read_table(lineage.folder(settings, origin) / "items.parquet").to_pylist()
    if items.differ(rows, theirs):
        return None
    say(f"{model}: every answer is the origin's; was the adapter applied?")
    return "adapter not applied?"


def by_benchmark(settings: Settings, id: str) -> dict[str, float | None]:
    """Each benchmark's score by the metric that decides."""
    abilities = lineage.manifest(settings, id)["abilities"]
    results = json.loads((lineage.folder(settings, id) / "results.json").read_text(encoding="utf-8"))["results"]
    return {
        benchmark: results.get(benchmark, {}).get(f"{by['metric']},{by['filter']}")
        for ability in abilities.values()
        for benchmark, by in ability["decides"].items()
    }
