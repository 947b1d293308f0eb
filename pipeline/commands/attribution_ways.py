"""The four ways to find out which task did it, each ability by itself: two interventions, gradients, and likeness (gate.md, docs/gate.md)."""

from typing import Any

from pipeline import lineage, service
from pipeline.causes import gradients, lost, neighbours, taught
from pipeline.commands import culprits, lessons
from pipeline.commands.attribution_case import GENERAL, Case, table
from pipeline.commands.culprits import Answer, Answers
from pipeline.progress import say
from pipeline.recipe import Slice

Row = dict[str, Any]
Found = dict[str, list[Row]]
"""Figures of every task, by ability; of a way that could not be gone, nothing."""


def look(case: Case) -> Found:
    rows = taught.of(case.rows)
    case.tried["D"] = taught.counted(rows)
    return {f.ability: neighbours.looks(f, rows) for f in case.fallen}


def point(case: Case) -> Found:
    import numpy as np

    scored = case.stage("evaluate", ["--lost", case.id], case.lesson)["id"]
    case.made.append(scored)
    texts = table(case.settings, scored, "gradients")
    rows = [r for r in texts if r["what"] == "row"]
    vectors = np.array([r["gradient"] for r in rows])
    case.tried["C"] = f"{len(rows)} rows and {len(texts) - len(rows)} items, drawn by hash"
    found = {}
    for f in case.fallen:
        fell, kept = (np.array([r["gradient"] for r in texts if r["what"] == w and r["group"] == f.ability]) for w in ("lost", "kept"))
        found[f.ability] = gradients.points(fell, kept, vectors, [r["group"] for r in rows], [r["name"] for r in rows]) if rows else []
    return found


def together(case: Case) -> Found:
    """Per-task adapters, added exactly; then each left out in its turn."""
    why = _no_sum(case)
    if why:
        case.tried["B"] = f"not tried: {why}"
        say(f"{case.id}: {case.tried['B']}")
        return {}
    models = {}
    for part, tokens in case.parts.items():
        models[part] = _trained(case, "B", _only(part), f"{case.facts['mix']}: {part} alone, to be added and taken out", tokens)
        if models[part] is None:
            return {}
    arms = {"": "+".join(str(m) for m in models.values())}
    arms |= {part: "+".join(str(m) for other, m in models.items() if other != part) for part in models}
    answers = _asked(case, list(arms.values()))
    whole, fewer = answers[arms[""]], {part: answers[arms[part]] for part in models}
    share = {f.ability: culprits.reproduced(whole, f.ability) or 0.0 for f in case.fallen}
    case.tried["B"] = "; ".join(f"the sum of {len(models)} adapters loses {s:.0%} of the lost items of {name}" for name, s in share.items())
    return {f.ability: culprits.without(whole, fewer, f.ability) for f in case.fallen}


def _no_sum(case: Case) -> str | None:
    if case.lesson.training.full_finetune:
        return "the lesson trains every weight, and only adapters can be added; ask for method A"
    if (case.model.get("start") or "origin") != "origin":
        return f"the lesson continues {case.model['start']}, which every task's adapter would hold; ask for method A"
    return None


def retrain(case: Case) -> Found:
    """The lesson without one task, asked every item of the fallen abilities."""
    start, candidate = case.model.get("start") or "origin", _sealed(case, "candidate")
    if start not in ("origin", case.facts["champion"]):
        case.tried["A"] = f"not tried: the lesson continues {start}, which is not the champion of this verdict"
        return {}
    if len(case.parts) == 1:
        side = "origin" if start == "origin" else "champion"
        case.tried["A"] = f"the lesson has one task: without it the model is the {side}, whose answers are sealed"
        rows = {f.ability: culprits.without(candidate, {next(iter(case.parts)): _sealed(case, side)}, f.ability) for f in case.fallen}
        return {ability: [r | {"alone": True} for r in found] for ability, found in rows.items()}
    if case.model.get("laid_on"):
        case.tried["A"] = f"not tried: what the lesson changed was laid on {start}, and a lesson that is taught anew would not be"
        return {}
    if start not in ("origin", service.champion(case.settings)):
        case.tried["A"] = f"not tried: the lesson continues {start}, which is no longer in service; training would start elsewhere"
        return {}
    arms = {}
    for part, tokens in case.parts.items():
        rest = sum(case.parts.values()) - tokens
        model = _trained(case, "A", _without(part), f"{case.facts['mix']} without {part}: is it the cause?", rest)
        if model is None:
            return {}
        arms[part] = f"{model}+all"
    answers = _asked(case, list(arms.values()))
    case.tried["A"] = f"{len(arms)} lessons, each without one part, at the same epochs and seed"
    return {f.ability: culprits.without(candidate, {part: answers[arm] for part, arm in arms.items()}, f.ability) for f in case.fallen}


def _only(part: str) -> Slice:
    return Slice(only=[]) if part == GENERAL else Slice(only=[part], replay=0)


def _without(part: str) -> Slice:
    return Slice(replay=0) if part == GENERAL else Slice(without=[part])


def _trained(case: Case, method: str, cut: Slice, why: str, tokens: int) -> str | None:
    """A model of a slice of the mix, or None where the minutes do not reach. What is sealed already costs none."""
    lesson = case.lesson.model_copy(update={"mixing": case.lesson.mixing.model_copy(update={"slice": cut})})
    lesson = lessons.write(case.settings, lesson, why)
    mix = case.stage("mix", [case.facts["mix"]], lesson)["id"]
    done = [m["id"] for m in lineage.all_of(case.settings, "model") if m["parents"][:1] == [mix]]
    if not done and case.seconds_left() < case.training_s(tokens):
        left = max(0, round(case.seconds_left() / 60))
        need = case.training_s(tokens) / 60
        case.tried[method] = f"stopped for time: {left} minutes were left and {why} takes about {need:.0f}; say more --minutes"
        say(f"{case.id}: method {method} {case.tried[method]}")
        return None
    model = str(case.stage("train", [mix], lesson)["id"])
    case.made += [mix, model]
    return model


def _asked(case: Case, arms: list[str]) -> dict[str, Answers]:
    words = [w for arm in arms for w in ("--arm", arm)]
    scored = case.stage("evaluate", ["--lost", case.id, *words], case.lesson)["arms"]
    case.made += scored.values()
    found: dict[str, Answers] = {}
    for arm, id in scored.items():
        rows = [r for r in table(case.settings, id, "again") if r["value"] is not None]
        found[arm] = {r["name"]: Answer(r["ability"], r["side"], r["value"], r["cluster"]) for r in rows}
    return found


def _sealed(case: Case, side: str) -> Answers:
    """One side's answers as they were sealed for the verdict."""
    decides = lost.deciding(case.tables[side], case.declared)
    values = {}
    for r in case.tables[side]:
        metric, filter, higher = decides[r["benchmark"]]
        if (r["metric"], r["filter"]) == (metric, filter) and r["value"] is not None:
            values[f"{r['benchmark']}/{r['doc_id']}"] = r["value"] if higher else -r["value"]
    return culprits.sealed(case.fallen, values)


WAYS = {"A": retrain, "B": together, "C": point, "D": look}
