"""Gate: `equipoise gate SCORES` answers whether the candidate may replace the model in service, from paired items."""

import functools
import json
from typing import Any

from pipeline import chat, lineage, service
from pipeline import recipe as recipes
from pipeline.errors import BadInput, Permanent
from pipeline.gate import comparison, contamination, decision, feasibility, paired, scores, words
from pipeline.gate.comparison import Comparison
from pipeline.progress import say
from pipeline.recipe import Ability, Recipe
from pipeline.settings import Settings

VERSION = 1  # raise it when the same scores should yield another verdict

Facts = dict[str, Any]


def run(given: str, recipe: Recipe, settings: Settings) -> Facts:
    """Judge one candidate's scores. Running it twice changes nothing; a candidate that was released keeps the verdict that released it."""
    manifest = lineage.require(settings, given, "scores")
    if manifest["model"] == "origin":
        raise BadInput(
            f"{given} holds the origin's own scores: the origin is what candidates are measured against; name a candidate's scores"
        )
    released = _released(settings, given)
    if released:
        say(f"{released}: {manifest['model']} was promoted on this verdict already")
        return _result(settings, released)
    declared = _abilities(recipe, settings)
    planned = feasibility.plan(declared, recipe.gate)
    feasibility.require(planned, recipe.gate, recipe.name)
    champion = service.champion(settings)
    sides = {"candidate": given, "champion": _scores(settings, manifest, champion), "origin": _scores(settings, manifest, "origin")}
    mix, lesson = _lesson(settings, manifest)
    superior = _superior(recipe, settings, mix)
    earlier = _earlier_attempts(settings, given, lesson)
    slices = recipes.digest(recipe.gate, *declared.values()), sorted(declared), sorted(superior)
    id = lineage.name("verdict", lineage.day_of(given), given, VERSION, slices, sides["champion"], sides["origin"], earlier)
    with lineage.making(settings, id, parents=[given], recipe=recipe.model_dump(mode="json"), seeds={"sign_flip": paired.SEED}) as work:
        if work is not None:
            body = _judge(settings, sides, recipe, declared, superior, mix, len(earlier) + 1)
            facts = {"candidate": manifest["model"], "champion": champion, "scores": sides, "day": manifest["day"], "mix": mix}
            lineage.write_json(work.folder / "verdict.json", body | facts | {"id": id, "feasibility": planned})
            work.counts |= {"abilities": len(body["abilities"]), "items": sum(row["n"] for row in body["abilities"].values())}
            work.extra |= facts | {"verdict": body["verdict"], "lesson": lesson, "attempts": earlier}
            say(f"{id}: {body['reasons'][0]}")
    return _result(settings, id)


def _judge(
    settings: Settings,
    sides: dict[str, str],
    recipe: Recipe,
    declared: dict[str, Ability],
    superior: set[str],
    mix: str | None,
    attempt: int,
) -> Facts:
    """All tables of one verdict; evidence that cannot be compared is refused here."""
    runs = {side: scores.read(lineage.folder(settings, id), lineage.require(settings, id, "scores")) for side, id in sides.items()}
    candidate, champion, origin = runs["candidate"], runs["champion"], runs["origin"]
    alpha = decision.level(attempt)
    abilities = decision.abilities_in(declared, *runs.values())
    today, ever = (comparison.compare(reference, candidate, abilities) for reference in (champion, origin))
    taught = comparison.compare(champion, candidate, decision.of_kind("target", candidate, champion))
    watched = comparison.compare(champion, candidate, decision.of_kind("report", candidate, champion))
    _refuse(sides, today, ever, taught)
    named = superior & set(taught.paired)
    if recipe.gate.targets == "superior" and recipe.mining.only != "hotfix":
        named = named or set(taught.paired)  # where no measured task is a key task, every one may be the reason to change
    need = "named" if recipe.mining.only == "hotfix" and recipe.gate.targets == "superior" else recipe.gate.targets
    lesson = decision.target_table(taught, named, need, recipe.gate.target_margin, _taught(settings, mix), alpha)
    tables = [decision.against(found, abilities, recipe.gate, who, alpha) for found, who in ((today, "champion"), (ever, "origin"))]
    same = sides["champion"] == sides["origin"]
    body = decision.whole(tables[0], tables[1], lesson, same, attempt, _unchanged(settings, sides))
    return body | {"shown": decision.shown(watched)}


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


def _abilities(recipe: Recipe, settings: Settings) -> dict[str, Ability]:
    """The gating abilities of all suites of the lesson."""
    found: dict[str, Ability] = {}
    for name in recipe.evaluation.suites:
        found |= {n: a for n, a in recipes.suite(settings, name)[0].abilities.items() if a.kind == "suite"}
    return found


def _scores(settings: Settings, candidate: Facts, model: str) -> str:
    """The reference's scores on the very items that the candidate answered."""
    named = (candidate.get("references") or {}).values()
    fitting = [m for m in lineage.all_of(settings, "scores") if m.get("model") == model and m.get("evalset") == candidate["evalset"]]
    if not fitting:
        raise Permanent(
            f"{model} has no scores on the items of {candidate['id']}: run `equipoise evaluate {candidate['model']}` again, which measures the model in service too"
        )
    return max(fitting, key=lambda m: (m["id"] in named, m["finished"]))["id"]


def _lesson(settings: Settings, manifest: Facts) -> tuple[str | None, str | None]:
    """The candidate's mix and the pairs of the day it was made from."""
    mix = next((i for i in lineage.ancestors(settings, manifest["id"]) if lineage.kind_of(i) == "mix"), None)
    parents = lineage.manifest(settings, mix)["parents"] if mix else []
    return mix, next(iter(parents), None)


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


def _taught(settings: Settings, mix: str | None) -> contamination.Lesson:
    """What the lesson showed the model before each answer, written as held-out prompts are."""
    if not mix:
        return contamination.Lesson()
    found = [chat.clean(row["messages"][:-1]) for row in _rows(settings, mix, "sft", ["messages"])]
    found += [chat.clean(row["prompt"]) for kind in ("dpo", "kto") for row in _rows(settings, mix, kind, ["prompt"])]
    plain = {"\n".join(str(m["content"]) for m in messages) for messages in found}
    try:
        render = functools.partial(chat.template(service.origin(settings)).text, add_generation_prompt=True)
        turn = contamination.last_turn(render)
    except Permanent:  # a gate host may hold no model: without the template, words that stand next to each other are still found
        return contamination.Lesson(plain)
    return contamination.Lesson(plain | {render(messages) for messages in found}, turn)


def _earlier_attempts(settings: Settings, given: str, lesson: str | None) -> list[str]:
    """Other candidates of the same day's data that were judged before this one."""
    same = [m for m in lineage.all_of(settings, "verdict") if lesson and m.get("lesson") == lesson and m["scores"]["candidate"] != given]
    return sorted({m["scores"]["candidate"] for m in same if given not in m["attempts"]})


def _released(settings: Settings, given: str) -> str | None:
    """The verdict on which this candidate went into service, if it ever did."""
    released = {parent for m in lineage.all_of(settings, "release") for parent in m["parents"]}
    judged = {parent for m in lineage.all_of(settings, "report") if m["id"] in released for parent in m["parents"]}
    found = [m["id"] for m in lineage.all_of(settings, "verdict") if m["scores"]["candidate"] == given and m["id"] in judged]
    return found[-1] if found else None


def _unchanged(settings: Settings, sides: dict[str, str]) -> list[str]:
    """Signs that a candidate is no new model."""
    sealed = {side: lineage.manifest(settings, id) for side, id in sides.items()}
    weights = sealed["candidate"].get("weights")
    same = (
        ["the candidate's weights are the champion's: was anything trained?"]
        if weights and weights == sealed["champion"].get("weights")
        else []
    )
    canary = sealed["candidate"].get("canary")
    return same + ([f"every answer of the candidate is the origin's: {canary}"] if canary else [])
