"""plan.yaml: the whole lesson in words, every value with its reason and every shortfall named."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.mix import plan as rules
from pipeline.mix.ratio import Share
from pipeline.mix.router import Route
from pipeline.mix.schedule import Beside, KeyPass
from pipeline.mix.select import classes
from pipeline.recipe import Recipe, Task

Row = dict[str, Any]


@dataclass(frozen=True)
class Routing:
    method: Route
    routes: Mapping[str, Route]


@dataclass(frozen=True)
class Facts:
    """What was decided on the way to a lesson."""

    cards: Mapping[str, Task]
    recipe: Recipe
    routing: Routing
    share: Share
    extra: KeyPass
    beside: Mapping[str, Beside]
    values: rules.Values
    continues: bool


def plan(files: dict[str, list[Row]], facts: Facts) -> dict[str, Any]:
    """The contents of plan.yaml. The trainer reads `values`; people read the rest."""
    routing = facts.routing
    return {
        "method": routing.method.method,
        "why": routing.method.why,
        "start": facts.recipe.training.start,
        "tasks": {t: {"method": r.method, "why": r.why, "key": facts.cards[t].key} for t, r in routing.routes.items()},
        "schedule": schedule(files["sft"], facts),
        "notes": notes(files["sft"], facts),
        "values": facts.values,
    }


def schedule(sft: list[Row], facts: Facts) -> list[dict[str, Any]]:
    """The phases in training order."""
    main = sum(r["phase"] == "main" for r in sft)
    share = facts.share
    words = "the given rows, some of each task's earlier rows" if facts.continues else "all tasks"
    phases = [
        {
            "phase": "main",
            "row_passes": main,
            "epochs": facts.values["epochs"]["value"],
            "rate": "learning_rate",
            "why": f"{words}, and {share.given} passes of general rows",
        }
    ]
    if not facts.extra.rows:
        return [*phases, {"phase": "key", "row_passes": 0, "why": facts.extra.why}]
    return [
        *phases,
        {"phase": "key", "row_passes": len(facts.extra.rows), "epochs": 1, "rate": "key_learning_rate", "why": facts.extra.why},
    ]


def notes(sft: list[Row], facts: Facts) -> list[str]:
    """What a reader should know before trusting the lesson: rules that could not be kept whole."""
    share, mixing = facts.share, facts.recipe.mixing
    said = []
    if share.shortfall:
        said.append(
            f"general rows: {share.wanted} passes wanted at {mixing.ratio:g}:1, {share.given} given: {share.pool} rows x {mixing.general_repeats} repeats at most; enlarge recipes/{mixing.general}"
        )
    for where, beside in (("key pass", facts.extra.beside), ("replay", facts.beside)):
        said += [
            f"{where}: {task} has {b.has} rows, {b.given + b.shortfall} were wanted beside the lesson"
            for task, b in beside.items()
            if b.shortfall
        ]
    for task, card in facts.cards.items():
        rows = [r for r in sft if r["task"] == task]
        if card.quotas and rows and not classes(rows):
            said.append(
                f"{task}: quotas of its card not applied, no model has measured how hard its rows are; newest and hardest by their signal instead"
            )
    return said
