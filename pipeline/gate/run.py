"""Gate: `equipoise gate SCORES` answers whether the candidate may replace the model in service, from paired items."""

import functools
import json
from collections.abc import Mapping
from typing import Any

from pipeline import chat, ledger, lineage, service
from pipeline import recipe as recipes
from pipeline.errors import BadInput, Permanent
from pipeline.gate import (
    asking,
    budget,
    checks,
    comparison,
    contamination,
    decision,
    feasibility,
    history,
    leaks,
    paired,
    scores,
    stopping,
    words,
)
from pipeline.gate.comparison import Comparison
from pipeline.progress import say
from pipeline.recipe import Ability, Recipe
from pipeline.settings import Settings

VERSION = 3  # raise it when the same scores should yield another verdict

Facts = dict[str, Any]


def run(scored: str, recipe: Recipe, settings: Settings) -> Facts:
    """Judge one candidate's scores. Running it twice changes nothing; a candidate that was released keeps the verdict that released it."""
    manifest = lineage.require(settings, scored, "scores")
    if manifest.get("rows"):
        raise BadInput(
            f"{scored} holds what models know of the rows of {manifest['rows']}, no answers to benchmarks; name a candidate's scores"
        )
    if manifest["model"] == "origin":
        raise BadInput(
            f"{scored} holds the origin's own scores: the origin is what candidates are measured against; name a candidate's scores"
        )
    released = history.released(settings, scored)
    if released:
        say(f"{released}: {manifest['model']} was promoted on this verdict already")
        return _result(settings, released)
    declared = _abilities(recipe, settings)
    feasibility.require(feasibility.plan(declared, recipe.gate, recipe.evaluation.looks), recipe.gate, recipe.name)
    given, lesson = _given(manifest, declared, recipe, settings)
    id = lineage.name("verdict", lineage.day_of(scored), VERSION, recipes.digest(recipe.gate, recipe.mining.only), given)
    seeds = {"sign_flip": paired.SEED}
    with lineage.making(settings, id, parents=[scored], recipe=recipe.model_dump(mode="json"), seeds=seeds) as work:
        if work is not None:
            body = judged(settings, id, given, recipe)
            lineage.write_json(work.folder / "verdict.json", body)
            work.counts |= {"abilities": len(body["abilities"]), "items": sum(row["n"] for row in body["abilities"].values())}
            work.extra |= {k: body[k] for k in ("candidate", "champion", "scores", "day", "mix", "verdict")}
            work.extra |= {"lesson": lesson, "attempts": given["attempts"], "gate": VERSION, "inputs": given}
            say(f"{id}: {body['reasons'][0]}")
    ledger.enter(settings, id)
    return _result(settings, id)


def look(scored: str, recipe: Recipe, settings: Settings) -> Facts:
    """What the gate would say of these scores: sealed nowhere, no line of the ledger, counted as no attempt.

    For choosing between candidates, on items that no verdict about the chosen one is given on.
    """
    manifest = lineage.require(settings, scored, "scores")
    given, _ = _given(manifest, _abilities(recipe, settings), recipe, settings)
    return judged(settings, f"a look at {scored}", given, recipe)


def _given(manifest: Facts, declared: Mapping[str, Ability], recipe: Recipe, settings: Settings) -> tuple[Facts, str | None]:
    """All that a verdict on these scores is a function of, and the pairs of its day."""
    scored, champion = manifest["id"], service.champion(settings)
    sides = {"candidate": scored, "champion": _scores(settings, manifest, champion), "origin": _scores(settings, manifest, "origin")}
    mix, lesson = _lesson(settings, manifest)
    given: Facts = {
        "scores": sides,
        "abilities": [[name, ability.model_dump(mode="json")] for name, ability in declared.items()],  # a list: manifests sort keys
        "checks": [[name, ability.model_dump(mode="json")] for name, ability in _abilities(recipe, settings, "check").items()],
        "superior": sorted(_superior(recipe, settings, mix)),
        "mix": mix,
        "attempts": history.earlier_attempts(settings, sides["candidate"], lesson),
        "past": history.of(settings, sides["origin"], manifest["day"], recipe.gate.origin_window),
        "template": _template(settings)[0] if mix else None,
    }
    return given, lesson


def judged(settings: Settings, id: str, given: Facts, recipe: Recipe) -> Facts:
    """What a verdict says: a function of its sealed inputs, so that `verify` can work it out again.

    Evidence that cannot be compared is refused here.
    """
    sides, past, attempt = given["scores"], given["past"], len(given["attempts"]) + 1
    sealed = {side: lineage.require(settings, scored, "scores") for side, scored in sides.items()}
    runs = {side: scores.read(lineage.folder(settings, sides[side]), manifest) for side, manifest in sealed.items()}
    candidate, champion, origin = runs["candidate"], runs["champion"], runs["origin"]
    declared = {name: Ability.model_validate(ability) for name, ability in given["abilities"]}
    abilities = decision.abilities_in(declared, *runs.values())
    drawn = asking.read(lineage.folder(settings, sides["candidate"]))
    if drawn:  # the references answered every item, the candidate those that its rule asked for
        abilities, champion, origin = asking.asked(abilities, drawn), asking.cut(champion, drawn), asking.cut(origin, drawn)
    today, ever = (comparison.compare(reference, candidate, abilities) for reference in (champion, origin))
    taught = comparison.compare(champion, candidate, decision.of_kind("target", candidate, champion))
    behaving = decision.abilities_in({n: Ability.model_validate(a) for n, a in given.get("checks", [])}, candidate, champion, kind="check")
    behaved = comparison.compare(champion, candidate, behaving)
    watched = comparison.compare(champion, candidate, decision.of_kind("report", candidate, champion))
    _refuse(sides, today, ever, taught, behaved)
    alpha, same = decision.level(attempt), sides["champion"] == sides["origin"]
    # where the champion is the origin the two tables are one test, and today's alpha pays for it
    ever_alpha = alpha if same else budget.alpha_today(alpha, recipe.gate.origin_window, past["tested"] + 1)
    against = decision.against(today, abilities, recipe.gate, "champion", alpha, alpha, drawn)
    origins = decision.against(ever, abilities, recipe.gate, "origin", alpha, ever_alpha, drawn)
    account = budget.account(origins, history.origin_tables(settings, past["promotions"]), recipe.gate)
    account |= past | {
        "alpha": ever_alpha,
        "worst_case_a_day": stopping.spent(alpha if same else alpha + ever_alpha, len(abilities), drawn),
    }
    lesson = _target_table(settings, given, recipe, taught, alpha)
    rows = _behaviour(settings, given, recipe, (champion, candidate), behaved, behaving, alpha)
    account["worst_case_a_day"] += rows[0]["alpha"] if rows else 0.0
    body = decision.whole(against, origins, lesson, account, same, attempt, _unchanged(sealed), rows)
    facts = {"id": id, "scores": sides, "day": sealed["candidate"]["day"], "mix": given["mix"]}
    if drawn:
        facts["sampling"] = sealed["candidate"]["sampling"]
    facts |= {"candidate": sealed["candidate"]["model"], "champion": sealed["champion"]["model"]}
    return (
        body | facts | {"shown": decision.shown(watched), "feasibility": feasibility.plan(declared, recipe.gate, recipe.evaluation.looks)}
    )


def _target_table(settings: Settings, given: Facts, recipe: Recipe, taught: Comparison, alpha: float) -> Facts:
    """What the lesson was for, with the tasks that must be shown better."""
    kept = {n for n in taught.paired if recipe.tasks is not None and n.removesuffix("_hotfix") not in recipe.tasks}
    named = set(given["superior"]) & set(taught.paired)
    if recipe.gate.targets == "superior" and recipe.mining.only != "hotfix":
        named = named or set(taught.paired) - kept  # where no measured task is a key task, every one may be the reason to change
    need = "named" if recipe.mining.only == "hotfix" and recipe.gate.targets == "superior" else recipe.gate.targets
    return decision.target_table(taught, named, need, recipe.gate.target_margin, _taught(settings, given), alpha, kept)


def _behaviour(settings: Settings, given: Facts, recipe: Recipe, runs: Any, found: Comparison, declared: Any, alpha: float) -> list[Facts]:
    """The behaviour checks, and whether answers repeat what users wrote into the lesson."""
    if not declared:  # a lesson without checks spends nothing on them
        return []
    champion, candidate = runs
    targets = {task for name, tasks in candidate.groups.items() if candidate.kinds.get(name) == "target" for task in tasks}
    written = [task for task in scores.written(lineage.folder(settings, given["scores"]["candidate"])) if task not in targets]
    own = {"sft": ["messages"], "dpo": ["prompt", "chosen"], "kto": ["prompt", "completion"]} if given["mix"] else {}
    rows = [row for kind, columns in own.items() for row in _rows(settings, given["mix"], kind, ["task", *columns])]
    taught = [text for row in rows if row["task"] != "general" for text in leaks.texts(row)]
    leaked = leaks.paired(champion, candidate, written, taught) if written and taught else None
    return checks.judge(found, declared, recipe.gate.checks, checks.attempt_share(alpha), leaked)


def _refuse(sides: dict[str, str], *found: Comparison) -> None:
    problems = list(dict.fromkeys(p for c in found for p in c.problems))
    if problems:
        raise Permanent(
            f"{sides['candidate']} cannot be compared with {sides['champion']} and {sides['origin']}:\n"
            + "\n".join(f"- {p}" for p in problems)
        )


def _result(settings: Settings, id: str) -> Facts:
    facts = json.loads((lineage.folder(settings, id) / "verdict.json").read_text(encoding="utf-8"))
    return facts | {"text": f"{id}\n\n{words.page(facts)}"}


def _abilities(recipe: Recipe, settings: Settings, kind: str = "suite") -> dict[str, Ability]:
    """The abilities of one kind, with as many items as are asked."""
    return feasibility.asked(asking.declared(settings, recipe, kind), recipe.evaluation.half, recipe.evaluation.items_per_ability)


def _scores(settings: Settings, candidate: Facts, model: str) -> str:
    """The reference's scores on the very items that the candidate answered."""
    named = (candidate.get("references") or {}).values()
    fitting = [
        m
        for m in lineage.all_of(settings, "scores")
        if m.get("model") == model and m.get("evalset") == candidate["evalset"] and not m.get("sampling")
    ]
    if not fitting:
        raise Permanent(
            f"{model} has no scores on the items of {candidate['id']}: run `equipoise evaluate {candidate['model']}` again, which measures the model in service too"
        )
    return max(fitting, key=lambda m: (m["id"] in named, m["finished"]))["id"]


def _lesson(settings: Settings, manifest: Facts) -> tuple[str | None, str | None]:
    """The candidate's mix and the pairs of the day it was made from."""
    mix = lineage.lesson(settings, manifest["id"])
    return mix, next(iter(lineage.taught(settings, mix)), None) if mix else None


def _superior(recipe: Recipe, settings: Settings, mix: str | None) -> set[str]:
    """Tasks that must be shown better: key tasks of a daily lesson, the mended task of a hotfix."""
    if recipe.gate.targets != "superior":
        return set()
    if recipe.mining.only == "hotfix" and mix:
        return {row["task"] for row in _rows(settings, mix, "sft", ["task", "source"]) if row["source"] == "hotfix"}
    return {name for name, card in recipes.cards(settings, recipe).items() if card.key}


def _rows(settings: Settings, mix: str, kind: str, columns: list[str]) -> list[Facts]:
    import pyarrow.parquet as pq

    path = lineage.folder(settings, mix) / f"{kind}.parquet"
    return pq.read_table(path, columns=columns).to_pylist() if path.exists() else []


def _template(settings: Settings) -> tuple[str | None, Any]:
    """The origin's chat template and its sum; a gate host may hold no model, and so none."""
    try:
        found = chat.template(service.origin(settings))
    except Permanent:
        return None, None
    return found.sha, found


def _taught(settings: Settings, given: Facts) -> contamination.Lesson:
    """What the lesson showed the model before each answer, written as held-out prompts are."""
    mix = given["mix"]
    if not mix:
        return contamination.Lesson()
    found = [chat.clean(row["messages"][:-1]) for row in _rows(settings, mix, "sft", ["messages"])]
    found += [chat.clean(row["prompt"]) for kind in ("dpo", "kto") for row in _rows(settings, mix, kind, ["prompt"])]
    plain = {"\n".join(str(m["content"]) for m in messages) for messages in found}
    sha, template = _template(settings)
    if sha != given["template"]:
        raise Permanent(
            f"the verdict read its prompts through the chat template {given['template']}, the origin here speaks {sha}: set EQUIPOISE_MODEL to the origin it was given against"
        )
    if template is None:  # without the template, words that stand next to each other are still found
        return contamination.Lesson(plain)
    render = functools.partial(template.text, add_generation_prompt=True)
    return contamination.Lesson(plain | {render(messages) for messages in found}, contamination.last_turn(render))


def _unchanged(sealed: dict[str, Facts]) -> list[str]:
    """Signs that a candidate is no new model."""
    weights, canary = sealed["candidate"].get("weights"), sealed["candidate"].get("canary")
    same = weights and weights == sealed["champion"].get("weights")
    found = ["the candidate's weights are the champion's: was anything trained?"] if same else []
    return found + ([f"every answer of the candidate is the origin's: {canary}"] if canary else [])
