"""Could this gate ever say yes? The chance that an unchanged model is promoted, from item counts and margins alone."""

import math
from collections.abc import Mapping
from typing import Any

from pipeline.distributions import phi, z_of
from pipeline.errors import BadRecipe
from pipeline.gate import boundaries
from pipeline.gate.power import items_at_least, smallest_detectable_drop
from pipeline.recipe import Ability, Gate

LEAST = 0.5  # below an even chance the gate would only ever hold


def chance_to_certify(n: int, margin: float, psi: float, alpha: float = 0.05) -> float:
    """P(an unchanged model's bound is below the margin), when a share psi of n items flips either way.

    The normal formula of gate.md, section 4; 0 below the items that no bound can do without.
    """
    if n < items_at_least(margin, alpha):
        return 0.0
    return phi(margin / math.sqrt(psi / n) - z_of(alpha))


def margin_for(n: int, abilities: int, psi: float, chance: float = 0.9, alpha: float = 0.05) -> float:
    """The margin at which that many abilities of n items each all certify an unchanged model with this chance."""
    return (z_of(alpha) + z_of(1 - chance ** (1 / abilities))) * math.sqrt(psi / n)


def asked(declared: Mapping[str, Ability], half: str, most: int | None = None) -> dict[str, Ability]:
    """The abilities with as many items as are asked: a half by hash holds half of them, give or take a few; `most` is a recipe's cap."""
    found = {}
    for name, ability in declared.items():
        n = ability.n and max(1, ability.n // (1 if half == "all" else 2))
        found[name] = ability.model_copy(update={"n": n if most is None or n is None or ability.kind != "suite" else min(n, most)})
    return found


def plan(suite_abilities: Mapping[str, Ability], gate: Gate, looks: int = 1) -> dict[str, Any]:
    """What the declared suite can show under the recipe's margins, before anything is evaluated; in several looks, by the last of them.

    Returns chance (of promoting an unchanged model: every ability and the pooled row, against champion and origin; None where a
    suite does not declare its item counts), rows (per ability: n, margins, chances, smallest_detectable_drop, report_only),
    pooled and psi. Report-only abilities need not certify, so they do not count. A margin for an ability that is not there is a BadRecipe.
    """
    gating = {name: a for name, a in suite_abilities.items() if a.kind == "suite"}
    unknown = sorted({*gate.margins, *gate.origin_margins} - gating.keys())
    if unknown:
        raise BadRecipe(
            f"gate.margins names {unknown[0]}, which no suite of the recipe gates on; it has {', '.join(sorted(gating)) or 'none'}"
        )
    if not gating or any(a.n is None for a in gating.values()):
        return {"chance": None, "rows": {}, "pooled": None, "psi": gate.plan_psi}
    level = 0.05 if len(gating) == 1 else 0.025
    last = phi(-boundaries.obrien_fleming(0.05, looks)) if looks > 1 else 0.05
    rows = {
        name: _row(a.n or 0, *_margins(name, gate), gate.plan_psi, level / len(gating), a.report_only, last) for name, a in gating.items()
    }
    total = sum(row["n"] for row in rows.values())
    pooled = _row(total, gate.pooled_margin, gate.origin_pooled_margin, gate.plan_psi, level, False, last) if len(rows) > 1 else None
    counted = [row for row in [*rows.values(), pooled] if row and not row["report_only"]]
    certifies = any(not row["report_only"] for row in rows.values())
    chance = math.prod(row["chance"] * row["origin_chance"] for row in counted) if certifies else 0.0
    return {"chance": chance, "rows": rows, "pooled": pooled, "psi": gate.plan_psi}


def _margins(name: str, gate: Gate) -> tuple[float, float]:
    """Margins of an ability against the champion and against the origin."""
    return gate.margins.get(name, gate.margin), gate.origin_margins.get(name, gate.origin_margin)


def _row(n: int, margin: float, origin_margin: float, psi: float, alpha: float, report_only: bool, last: float) -> dict[str, Any]:
    return {
        "n": n,
        "margin": margin,
        "origin_margin": origin_margin,
        "chance": chance_to_certify(n, margin, psi, last),
        "origin_chance": chance_to_certify(n, origin_margin, psi, last),
        "smallest_detectable_drop": smallest_detectable_drop(n, psi, alpha),
        "report_only": report_only,
    }


def sentence(planned: Mapping[str, Any]) -> str:
    """The plan in words, with the row that stands most in the way."""
    if planned["chance"] is None:
        return "the suite does not declare how many items its abilities hold (n), so nobody knows whether its margins can be shown"
    rows = {**planned["rows"], **({"all items": planned["pooled"]} if planned["pooled"] else {})}
    name, row = min(rows.items(), key=lambda pair: (pair[1]["report_only"], pair[1]["chance"] * pair[1]["origin_chance"]))
    least = min(row["margin"], row["origin_margin"])
    return (
        f"an unchanged model would be promoted with probability {planned['chance']:.2f} when {planned['psi']:.0%} of the items flip; "
        f"the hardest row is {name}: {row['n']} items against a margin of {100 * least:g} points"
    )


def require(planned: Mapping[str, Any], gate: Gate, name: str) -> None:
    """Refuse a recipe whose gate could hardly ever promote, unless it says may_hold."""
    if planned["chance"] is not None and planned["chance"] < LEAST and not gate.may_hold:
        raise BadRecipe(
            f"recipe {name}: {sentence(planned)}; the least is {LEAST:g}: widen gate.margin and gate.pooled_margin, "
            "add items to the suite, or say gate.may_hold: true"
        )
