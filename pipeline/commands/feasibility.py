"""Could this lesson's gate ever say yes? Asked before anything is trained, from the declared size of the suite."""

from pipeline import recipe
from pipeline.errors import BadRecipe
from pipeline.recipe import Ability, Recipe
from pipeline.settings import Settings

LEAST = 0.5  # below an even chance to promote a model that did not change, the gate only ever holds


def abilities(followed: Recipe, settings: Settings) -> dict[str, Ability]:
    """All gating abilities of the lesson's suites, by name."""
    found: dict[str, Ability] = {}
    for name in followed.evaluation.suites:
        found |= {k: a for k, a in recipe.suite(settings, name)[0].abilities.items() if a.kind == "suite"}
    return found


def chance(followed: Recipe, settings: Settings) -> float | None:
    """Probability that an unchanged model is promoted; None where a suite does not declare its item counts."""
    from pipeline.gate import feasibility

    return feasibility.plan(abilities(followed, settings), followed.gate)["chance"]


def check(followed: Recipe, settings: Settings) -> None:
    """BadRecipe for margins that this suite cannot show, unless the recipe says may_hold."""
    share = chance(followed, settings)
    if share is not None and share < LEAST and not followed.gate.may_hold:
        raise BadRecipe(
            f"recipe {followed.name}: an unchanged model would be promoted with probability {share:.2f}, the least is {LEAST}; "
            "widen gate.margin and gate.pooled_margin, add items to the suite, or say gate.may_hold: true"
        )
