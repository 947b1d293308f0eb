"""Repair a blocked candidate: `equipoise repair VERDICT` tries remedies on the dev half of every benchmark, and has the best judged on the held half.

Choosing looks at the dev half alone, judging at the held half alone and once; it counts as one more attempt at the same data, so it spends
less error than the verdict that blocked. What comes out is a verdict and a report like any other, for a person or the recipe to approve.
"""

import argparse
from collections import Counter
from typing import Any

from pipeline import beside, lineage, recipe, service
from pipeline.commands import attribute, choice, lessons, remedies
from pipeline.commands.choice import points
from pipeline.commands.remedies import Case, Remedy
from pipeline.commands.trials import FIRST, Trials
from pipeline.errors import BadInput, Permanent
from pipeline.gate.targets import KEPT
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from pipeline.train import rescale
from pipeline.train.run import read_plan

Row = dict[str, Any]


def command(args: argparse.Namespace, settings: Settings) -> Row:
    if args.minutes is not None and args.minutes <= 0:
        raise BadInput(
            f"--minutes {args.minutes:g}: a repair needs time; name a number above 0, or leave it to the recipe's repair_minutes"
        )
    return run(args.verdict, settings, lessons.children(settings), args.minutes)


def run(id: str, settings: Settings, stage: lessons.Stage, minutes: float | None = None) -> Row:
    """Repair one blocked verdict. A repair that came to its end is not begun again; one that was killed, or ran out of time, goes on."""
    manifest, verdict = beside.verdict(settings, id)
    if verdict["verdict"] != "block":
        why = "there is nothing to repair" if verdict["verdict"] == "promote" else "what is not known needs more items, not another model"
        raise BadInput(f"{id} says {verdict['verdict']}: repair takes a verdict that says block; {why}")
    if not verdict.get("mix"):
        raise BadInput(f"{id}: its candidate {verdict['candidate']} was made from no mix of this home: there is no lesson to mend")
    with lineage.lock(settings, f"repair-{id}"):
        known = beside.read(settings, "repair", id)
        blocked = Recipe.model_validate(manifest["recipe"])
        if known and known["complete"]:
            found = known
        else:
            minutes = minutes or blocked.repair_minutes
            trials = Trials(settings, id, blocked.tasks, blocked, manifest["candidate"], verdict["mix"], stage, minutes)
            left_out = put_back(trials, verdict)
            search(trials, case_of(trials, left_out))
            found = judged(trials)
        result = found["judged"] or {"id": id, "recipe": None}
        for about in dict.fromkeys((id, result["id"])):
            beside.write(settings, "repair", about, {k: v for k, v in found.items() if k != "sum"})
        page = stage("report", [result["id"]], recipe.load(settings, result["recipe"]) if result["recipe"] else blocked)
        return told(found, page)


def put_back(trials: Trials, verdict: Row) -> list[str]:
    """Tasks of the model in service that the blocked lesson left out. Whatever is taught has their rows too: no rate and none of the
    candidate's own strengths brings back what nobody taught."""
    left_out = sorted(name for name, row in (verdict.get("targets") or {}).items() if row.get("rule") == KEPT)
    if left_out:
        trials.blocked = trials.blocked.model_copy(update={"tasks": [*(trials.tasks or []), *left_out]})
        named = trials.blocked.model_copy(update={"name": f"{trials.blocked.name.split('-')[0]}-repair"})
        lesson = lessons.write(trials.settings, named, f"{trials.blocked.name}, with the rows of {', '.join(left_out)} put back")
        trials.mix = trials.stage("mix", lineage.taught(trials.settings, trials.mix)[:1], lesson)["id"]
    return left_out


def case_of(trials: Trials, left_out: list[str]) -> Case:
    """What is known before anything is tried, from the sealed lesson and the model."""
    mix, launched = read_plan(trials.settings, trials.mix), read_plan(trials.settings, trials.model)["values"]
    counts = lineage.manifest(trials.settings, trials.mix)["counts"]
    rows = {task: found["passes"] for task, found in counts.get("tasks", {}).items()}
    own = {task: found for task, found in mix["tasks"].items() if task not in left_out}
    return Case(
        tasks=remedies.ordered(own, rows, suspects(trials, len(own))),
        left_out=left_out,
        general=counts.get("tasks", {}).get("general", {}).get("main", 0),
        keyed=counts["total"]["key"] > 0,
        rate=launched["learning_rate"]["value"],
        epochs=launched["epochs"]["value"],
        dpo_rate=launched["dpo_learning_rate"]["value"] if launched["method"]["value"] == "sft+dpo" else None,
        full=launched["full_finetune"]["value"],
        unscalable=rescale.unfit(trials.settings, trials.model),
        served=in_service(trials, launched, counts["ratio"]["wanted"]),
    )


def in_service(trials: Trials, launched: Row, ratio: float) -> Row | None:
    """How the model in service was taught: a lesson of that kind has passed the gate once. None where this one was taught alike."""
    champion = service.champion(trials.settings)
    if champion == "origin" or lineage.manifest(trials.settings, champion)["start"] != "origin":
        return None
    values = read_plan(trials.settings, champion)["values"]
    mix = lineage.lesson(trials.settings, champion)
    assert mix, "what starts from the origin was taught with a mix"
    found = {name: values[name]["value"] for name in remedies.SETTINGS}
    found["ratio"] = lineage.manifest(trials.settings, mix)["counts"]["ratio"]["wanted"]
    return None if found == {name: launched[name]["value"] for name in remedies.SETTINGS} | {"ratio": ratio} else found


def suspects(trials: Trials, tasks: int) -> list[str]:
    """Tasks that attribution names, the one that most abilities fell by first; where nobody asked it yet, by likeness, which costs seconds.

    They order what is tried when time is short. What is chosen is chosen by the dev half.
    """
    if tasks < 2:
        return []
    found = beside.read(trials.settings, "attribution", trials.verdict)
    if not found:
        try:
            found = attribute.run(trials.verdict, trials.settings, trials.stage, "D", trials.minutes / 10)
        except Permanent as error:
            say(f"repair: nobody is suspected: {error}")
            return []
    named = Counter(a["culprit"]["task"] for a in found["abilities"].values() if a.get("culprit"))
    return [task for task, _ in named.most_common()]


def search(trials: Trials, case: Case) -> None:
    """Try what the time allows: strengths first, which train nothing; then other lessons; then strengths of the best of those.

    A candidate that was not taught what the model in service knows has its change laid on that model: at no strength of its own does it know it.
    """
    blocked = trials.attempt(Remedy(FIRST, "the blocked candidate, on the dev half")) or {}
    if case.unscalable:
        trials.skipped.append({"name": "scale", "does": "what was learnt, at less of its strength", "why": f"scale: {case.unscalable}"})
    else:
        sweep(trials, does="its change of all weights" if case.full else "the adapter", laid=bool(case.left_out))
    taught: list[Row] = []
    for remedy in remedies.lessons(case):
        # a strength costs one evaluation: time for those of the best lesson so far is kept back before another lesson is taught
        spare = len(remedies.SCALES) * trials.asking if scalable(trials, taught) else 0.0
        taught += teach(trials, remedy, spare, choice.wanted(blocked), case.epochs)
    best = scalable(trials, taught)
    if best:
        sweep(trials, best["name"], f"{best['does']}; then its adapter")


def teach(trials: Trials, remedy: Remedy, spare: float, enough: float, epochs: int) -> list[Row]:
    """Teach one lesson, and longer ones of its kind while the last does no proved harm and gains too little."""
    found = trials.attempt(remedy, spare)
    rows = [found]
    for times in remedies.LONGER:
        more = found and remedies.longer(remedy, found, enough, times, epochs)
        found = trials.attempt(more, spare) if more else None
        rows.append(found)
    return [t for t in rows if t and "gain" in t]


def scalable(trials: Trials, taught: list[Row]) -> Row | None:
    """The lesson that gains most, where none passes as it is and less of its strength may; one that does no proved harm before one that does."""
    if any(t["verdict"] == "promote" for t in taught):
        return None
    useful = [t for t in taught if (t["gain"] or 0) > 0 and not rescale.unfit(trials.settings, t["model"])]
    return max(useful, key=lambda t: (t["verdict"] != "block", t["gain"], -t["worst"]), default=None)


def sweep(trials: Trials, of: str = "", does: str = "the adapter", laid: bool = False) -> None:
    """All strengths of what one lesson taught, and one more between the last that passes and the first that does not."""
    swept = [found for remedy in remedies.scales(of, does, laid) if (found := trials.attempt(remedy))]
    last = remedies.between(swept, of, does, laid)
    if last:
        trials.attempt(last)


def judged(trials: Trials) -> Row:
    """Have the winner judged on the held half, once, and say what came of it."""
    tries = [t for t in trials.done.values() if t["name"] != FIRST]
    won = choice.winner(tries, choice.wanted(trials.done.get(FIRST, {})))
    facts: Row = {
        "verdict": trials.verdict,
        "candidate": trials.model,
        "minutes": trials.minutes,
        "seconds": round(trials.spent, 1),
        "tries": list(trials.done.values()),
        "skipped": trials.skipped,
        "front": choice.front(tries),
        "chosen": won and won["name"],
        "judged": None,
        "complete": bool(won) or not any(s.get("time") for s in trials.skipped),
    }
    if not won:
        return facts | {"words": f"Not repaired: {choice.why_not(tries, trials.skipped)}"}
    facts["judged"] = held(trials, won)
    return facts | {"words": outcome(won, facts["judged"])}


def held(trials: Trials, won: Row) -> Row:
    """The gate's verdict on the winner, on items that no try has looked at; and the blocked candidate's gain there, to compare with."""
    dev = recipe.load(trials.settings, won["recipe"])
    asked = dev.evaluation.model_copy(update={"half": "held"})
    lesson = lessons.write(
        trials.settings,
        dev.model_copy(update={"evaluation": asked}).model_copy(update={"name": dev.name.rpartition("-")[0]}),
        f"{dev.about}; judged on the held half",
    )
    say(f"repair: {won['name']} is the choice of the dev half; the gate judges it on the held half")
    scores = trials.stage("evaluate", [won["model"]], lesson)["id"]
    before = trials.look(trials.stage("evaluate", [trials.model], lesson)["id"], lesson, trials.settings)
    verdict = trials.stage("gate", [scores], lesson)
    found, was = choice.measured(verdict, trials.tasks), choice.measured(before, trials.tasks)
    kept = found["gain"] / was["gain"] if found["gain"] is not None and (was["gain"] or 0) > 0 else None
    about = {"id": verdict["id"], "recipe": lesson.name, "model": won["model"], "scores": scores, "attempt": verdict["attempt"]}
    return about | found | {"blocked": was, "kept": None if kept is None else round(kept, 4)}


def outcome(won: Row, judged: Row) -> str:
    """What the repair came to, in a few sentences."""
    was, kept = judged["blocked"], judged["kept"]
    share = f" ({kept:.0%} of what the blocked candidate gains there)" if kept is not None else ""
    lost = (
        f"loses at most {points(judged['worst'])} points of an ability ({judged['worst_ability']})"
        if judged["worst"] > 0
        else "loses nothing of any ability"
    )
    figures = f"On the half that did not choose it, it gains {points(judged['gain'])} points on the target tasks{share} and {lost}; the blocked one loses {points(was['worst'])} ({was['worst_ability']})"
    attempt = f"as attempt {judged['attempt']} at the same data"
    reason = judged["reason"].partition(": ")[2] or judged["reason"]
    if judged["verdict"] == "promote":
        return f"Repaired: {won['does']}. {figures}. The gate lets it through, {attempt}"
    said = "The gate holds it" if judged["verdict"] == "hold" else "The gate blocks it as well"
    return f"Not repaired by the best try, {won['does']}. {figures}. {said}, {attempt}: {reason}"


def told(found: Row, page: Row) -> Row:
    """The answer of the command: the repaired candidate's verdict, or why there is none."""
    judged = found["judged"] or {}
    rows = [_line(t, t["name"] == found["chosen"], t["name"] in found["front"]) for t in found["tries"]]
    text = "\n".join(
        [judged.get("id") or found["verdict"], "", *rows, *(f"  not tried: {s['why']}" for s in found["skipped"]), "", found["words"]]
    )
    made = {"id": judged.get("id"), "repaired": judged.get("verdict") == "promote", "report": page["id"], "page": page.get("path")}
    return found | made | {"text": f"{text}\nreport: {page['id']}"}


def _line(tried: Row, chosen: bool, front: bool) -> str:
    if "failed" in tried:
        return f"  {tried['name']:<24} could not be tried: {tried['failed']}"
    mark = "*" if chosen else "+" if front else " "
    return f"{mark} {tried['name']:<24} {tried['verdict']:<8} gain {points(tried['gain']):>6}  worst loss {points(tried['worst']):>6} ({tried['worst_ability']})"
