"""Day after day against the origin: what one day's test may spend, and what all promotions together may lose before a person looks."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.gate import words
from pipeline.recipe import Gate

CHARGED = 0.005  # p of a drop that is charged: an unchanged model then overdraws four points within 60 days in under 5% of worlds, at .05 in a quarter
DUST = 1e-12  # sums of drops in another order differ in the last bits

Rows = Mapping[str, Mapping[str, Any]]


def alpha_today(alpha: float, window: int | None, day: int) -> float:
    """What one day's test against the origin may spend of alpha (gate.md, section 7; Bonferroni, so the items may be the same every day).

    A window of so many days shares it equally; without one the t-th day gets 1/(t(t+1)) of it, which sums to alpha over all days to come.
    """
    return alpha / window if window else alpha / (day * (day + 1))


def charges(table: Mapping[str, Any], every: bool) -> dict[str, float]:
    """What promoting this candidate would cost: its drops against the origin that are proved, or every drop that is seen.

    The pooled row goes by its name in sentences.
    """
    rows, level = _rows(table), CHARGED / 2 if table.get("pooled") else CHARGED
    return {name: max(0.0, row["drop"] or 0.0) if every or row["adjusted_p"] <= level else 0.0 for name, row in rows.items()}


def _rows(table: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    pooled = table.get("pooled")
    return {**table["abilities"], **({words.POOLED: pooled} if pooled else {})}


def of(gate: Gate, name: str) -> float:
    """How much of one ability, or of all items together, may be lost since the origin was set."""
    if name == words.POOLED:
        return gate.origin_pooled_budget or gate.origin_pooled_margin
    return gate.origin_budget or gate.origin_margins.get(name, gate.origin_margin)


def account(table: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]], gate: Gate) -> dict[str, Any]:
    """The book of losses: for each row its budget, what earlier promotions spent, and what this candidate would add.

    table and earlier are tables against one origin: the candidate's, and those on which earlier models were promoted. A candidate
    that would overdraw holds; report-only abilities are excused, as from certifying.
    """
    every = gate.budget_charges == "all"
    past = [charges(t, every) for t in earlier]
    rows, told = {}, []
    for name, cost in charges(table, every).items():
        limit, spent = of(gate, name), sum(p.get(name, 0.0) for p in past)
        row = _rows(table)[name]
        # a row that the table itself stops has no loss to book: nobody will promote it
        over = cost > 0 and spent + cost > limit + DUST and row["decision"] == "promote" and not row["report_only"]
        rows[name] = {"budget": limit, "spent": spent, "charge": cost, "left": max(0.0, limit - spent - cost), "overdrawn": over}
        if over:
            told.append(
                f"hold: {name}: {words.points(spent)} of {words.points(limit)} points are lost since the origin was set, this candidate would add {words.points(cost)}"
                ': look at the sum, then `equipoise anchor MODEL --reason "…"` starts a new account'
            )
    return {"rows": rows, "decision": "hold" if told else "promote", "reasons": told}
