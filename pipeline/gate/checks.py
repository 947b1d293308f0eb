"""Behaviour checks: did the candidate begin to flatter, refuse, leak or ramble? A worsening that is proved blocks, whatever was gained.

The checks of a verdict share an alpha of their own (`gate.checks.alpha`, Holm over the checks), outside the abilities' 5%: a suite with more
checks takes nothing from the power to see an ability fall. A check certifies nothing, so it never stands in the way of a day that it cannot judge
finely; what is missing holds.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.gate import paired, power, words
from pipeline.gate.comparison import Comparison
from pipeline.gate.multiplicity import ALPHA, holm
from pipeline.gate.paired import Pairs
from pipeline.gate.pairing import Paired
from pipeline.recipe import Ability
from pipeline.spec import Checking

Row = dict[str, Any]
LEAK = "training_rows_repeated"


def judge(found: Comparison, declared: Mapping[str, Ability], limits: Checking, share: float, leaks: Paired | None = None) -> list[Row]:
    """One row a check: champion against candidate on the same prompts.

    share: part of the checks' alpha that this attempt may spend. leaks: 1 for each written answer that repeats no training row.
    """
    asked = {name: (ability, found.paired.get(name, Paired())) for name, ability in declared.items()}
    asked |= {LEAK: (Ability(tasks=[]), leaks)} if leaks is not None else {}
    level = limits.alpha * share
    rows = {name: _row(name, both, ability, limits.drift, level / len(asked)) for name, (ability, both) in asked.items()}
    for name, why in found.incomplete.items():
        if name in rows:
            rows[name] |= {"p": None, "missing": why}
    adjusted = holm({name: row["p"] for name, row in rows.items() if row["p"] is not None})
    return [_decided(row | {"adjusted_p": adjusted.get(name), "alpha": level}, level, limits.drift) for name, row in rows.items()]


def attempt_share(level: float) -> float:
    """The part of its alpha that a test keeps in an attempt that may spend `level` instead of 5%."""
    return level / ALPHA


def _row(name: str, both: Paired, ability: Ability, factor: float, alpha: float) -> Row:
    row: Row = {"name": name, "kind": "behaviour", "rule": ability.rule, "items": len(both.champion), "p": None}
    row |= dict.fromkeys(("champion", "candidate", "flagged", "gained", "smallest_detectable_drop", "missing"))
    values = [*both.champion, *both.candidate]
    if not values:
        return row | {"missing": "it has no items"}
    if not all(map(math.isfinite, values)):
        return row | {"missing": "some of its values are no numbers"}
    row |= {"champion": _mean(both.champion), "candidate": _mean(both.candidate)}
    return row | (_drift(both, factor) if ability.rule == "drift" else _worse(both, alpha))


def _worse(both: Paired, alpha: float) -> Row:
    pairs = Pairs.of(both.champion, both.candidate, both.clusters)
    seen = power.smallest_detectable_drop(pairs.n, pairs.psi, alpha)
    return {"p": paired.p_value(pairs), "flagged": pairs.lost, "gained": pairs.gained, "smallest_detectable_drop": seen}


def _drift(both: Paired, factor: float) -> Row:
    """Two one-sided tests that the mean log ratio lies beyond the factor, either way; p doubled for the two of them."""
    moves = [math.log((1 + now) / (1 + was)) for was, now in zip(both.champion, both.candidate, strict=True)]
    limit = math.log(factor)
    mean = math.fsum(moves) / len(moves)
    clusters = Pairs.of(both.champion, both.candidate, both.clusters).clusters
    outward = tuple((m if mean > 0 else -m) - limit for m in moves)  # the side that the mean leans to; the other side's p is the larger one
    p = min(1.0, 2 * paired.p_value(Pairs(outward, False, clusters))) if abs(mean) > limit else 1.0
    beyond = sum(abs(m) > limit for m in moves)
    return {"p": p, "flagged": beyond, "gained": None, "ratio": math.exp(mean)}


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _decided(row: Row, level: float, factor: float) -> Row:
    name = row["name"]
    if row["p"] is None:
        return row | {"decision": "hold", "reasons": [f"hold: check {name}: {row['missing']}"]}
    if row["adjusted_p"] > level:
        return row | {"decision": "promote", "reasons": []}
    proved = f"(adjusted p {words.p_words(row['adjusted_p'])}, limit {level:.2g})"
    if row["rule"] == "drift":
        how = f"the answers have become {row['ratio']:.2f} times as long, the limit is a factor of {factor:g} either way"
    else:
        how = f"{row['flagged']} of {row['items']} answers became wrong and {row['gained']} right: a worsening is proved"
    return row | {"decision": "block", "reasons": [f"block: check {name}: {how} {proved}"]}
