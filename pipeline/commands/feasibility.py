"""Could this lesson's gate ever say yes? Asked before anything is trained, from the declared size of the suites."""

from typing import Any

from pipeline import recipe
from pipeline.gate import feasibility
from pipeline.recipe import Ability, Recipe
from pipeline.settings import Settings


def abilities(followed: Recipe, settings: Settings) -> dict[str, Ability]:
    """All abilities of the lesson's suites, by name."""
    found: dict[str, Ability] = {}
    for name in followed.evaluation.suites:
        found |= recipe.suite(settings, name)[0].abilities
    return feasibility.asked(found, followed.evaluation.half, followed.evaluation.items_per_ability)


def planned(followed: Recipe, settings: Settings) -> dict[str, Any]:
    """The gate's own plan: `chance` that an unchanged model is promoted (None where a suite declares no item counts), and its rows."""
    return feasibility.plan(abilities(followed, settings), followed.gate, followed.evaluation.looks)


def check(followed: Recipe, settings: Settings) -> dict[str, Any]:
    """The plan; BadRecipe for margins that this suite cannot show, unless the recipe says may_hold."""
    found = planned(followed, settings)
    feasibility.require(found, followed.gate, followed.name)
    return found
