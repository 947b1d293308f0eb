"""How many items does a suite need? `equipoise power` plans it from margins, power and the flips seen so far, with what it would cost."""

import argparse
import json
from collections import defaultdict
from datetime import datetime
from statistics import median
from typing import Any

from pipeline import lineage, recipe
from pipeline.commands import feasibility
from pipeline.errors import BadInput
from pipeline.gate import sizing
from pipeline.gate.sizing import Wanted
from pipeline.gate.words import POOLED, points
from pipeline.recipe import Gate, Recipe
from pipeline.settings import Settings

ENOUGH = 50  # items asked in one go, below which loading the model is most of the time
NEWEST = 5  # runs whose pace counts: machines change

Facts = dict[str, Any]


def command(args: argparse.Namespace, settings: Settings) -> Facts:
    for name, value in (("margin", args.margin), ("psi", args.psi), ("alpha", args.alpha), ("power", args.power)):
        if value is not None and not 0 < value < 1:
            raise BadInput(f"--{name} is {value:g}; it is a fraction between 0 and 1 (two points are 0.02)")
    if not 1 <= args.looks <= 20:
        raise BadInput(f"--looks is {args.looks}; plan 1 to 20 looks (4 are usual)")
    followed = recipe.load(settings, args.recipe)
    return run(followed, settings, args.margin, args.psi, args.alpha, args.power, args.looks)


def run(followed: Recipe, settings: Settings, margin: float | None, psi: float | None, alpha: float, power: float, looks: int = 1) -> Facts:
    """Plan the suites of a recipe. margin and psi replace the recipe's margins and what history says, for every ability."""
    gating = {n: a for n, a in feasibility.abilities(followed, settings).items() if a.kind == "suite" and not a.report_only}
    if not gating:
        raise BadInput(f"recipe {followed.name}: no ability of its suites certifies anything; name a suite under evaluation.suites")
    seen, sizes = flips(settings), measured(settings)
    rows, sources = {}, {}
    for name, ability in gating.items():
        share, sources[name] = _psi(psi, seen.get(name), followed.gate)
        rows[name] = Wanted(ability.n or sizes.get(name), margin or followed.gate.margins.get(name, followed.gate.margin), share)
    found = sizing.plan(rows, _pooled(rows, followed.gate), alpha, power, looks)
    pace = seconds_an_item(settings)
    for name, row in found["abilities"].items():
        row |= {"psi_from": sources[name], "seconds": None if pace is None else row["to_certify"] * pace["seconds"]}
    found |= {"id": None, "recipe": followed.name, "alpha": alpha, "power": power, "looks_planned": looks, "pace": pace}
    return found | {"text": page(found)}


def _psi(given: float | None, seen: tuple[int, int, int] | None, gate: Gate) -> tuple[float, str]:
    if given is not None:
        return given, "given"
    if seen:
        changed, items, verdicts = seen
        return max(changed, 1) / items, f"{verdicts} verdict{'s' if verdicts > 1 else ''}"
    return gate.plan_psi, "plan_psi"


def _pooled(rows: dict[str, Wanted], gate: Gate) -> Wanted | None:
    """All items together; an ability of unknown size counts as one of the mean size in what flips, and leaves the total unknown."""
    if len(rows) == 1:
        return None
    known = [w.n for w in rows.values() if w.n]
    weights = [w.n or (sum(known) / len(known) if known else 1) for w in rows.values()]
    psi = sum(w.psi * k for w, k in zip(rows.values(), weights, strict=True)) / sum(weights)
    return Wanted(sum(known) if len(known) == len(rows) else None, gate.pooled_margin, psi)


def flips(settings: Settings) -> dict[str, tuple[int, int, int]]:
    """Flips, items and verdicts of each ability against the champion, over what was judged here; a blocked model flips too much to plan by."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for manifest in lineage.all_of(settings, "verdict"):
        if manifest.get("verdict") != "block":
            sealed = json.loads((lineage.folder(settings, manifest["id"]) / "verdict.json").read_text(encoding="utf-8"))
            for name, row in sealed["abilities"].items():
                found[name] += [(row["lost"] + row["gained"], row["n"])] if row["n"] else []
    return {name: (sum(f for f, _ in seen), sum(n for _, n in seen), len(seen)) for name, seen in found.items() if seen}


def measured(settings: Settings) -> dict[str, int]:
    """Items of each ability in the newest verdict, for suites that do not declare them."""
    verdicts = lineage.all_of(settings, "verdict")
    if not verdicts:
        return {}
    sealed = json.loads((lineage.folder(settings, verdicts[-1]["id"]) / "verdict.json").read_text(encoding="utf-8"))
    return {name: row["n"] for name, row in sealed["abilities"].items() if row["n"]}


def seconds_an_item(settings: Settings) -> Facts | None:
    """The pace of the newest evaluations on this home, loading and all; None where none was long enough to tell."""
    timed = [m for m in lineage.all_of(settings, "scores") if (m.get("counts") or {}).get("asked", 0) >= ENOUGH]
    paces = [_took(m) / m["counts"]["asked"] for m in sorted(timed, key=lambda m: m["finished"])[-NEWEST:]]
    return {"seconds": median(paces), "evaluations": len(paces)} if paces else None


def _took(manifest: Facts) -> float:
    return (datetime.fromisoformat(manifest["finished"]) - datetime.fromisoformat(manifest["started"])).total_seconds()


def page(found: Facts) -> str:
    """The plan as a table, in items and points, and what it comes to in a sentence or three."""
    rows = {**found["abilities"], **({POOLED: found["pooled"]} if found["pooled"] else {})}
    width = max(len(name) for name in rows)
    head = f"{'ability':<{width}}  {'has':>6} {'flips':>6} {'margin':>6}  {'to certify':>10} {'to detect':>9} {'can show':>8} {'can see':>7} {'seconds':>8}  flips from"
    lines = [head, *(_line(name, row, width) for name, row in rows.items()), ""]
    if found["chance"] is None:
        lines.append("How many items the abilities hold is not declared (n in the suite), so nobody knows what this suite promotes.")
    else:
        lines.append(f"As it is, an unchanged model is promoted with probability {found['chance']:.2f} (against the champion).")
    lines.append(
        f"`to certify` promotes an unchanged model with probability {found['power']:g}; `to detect` proves a loss of the whole margin as often;"
        " `can show` is the smallest margin and `can see` the smallest loss that today's items carry, in points."
    )
    total = max(sum(row["to_certify"] for row in found["abilities"].values()), found["pooled"]["to_certify"] if found["pooled"] else 0)
    if found["pace"]:
        pace = found["pace"]["seconds"]
        lines.append(
            f"All of `to certify`: {total} items, {total * pace:.0f} s a model at {pace:.2f} s an item ({found['pace']['evaluations']} evaluations here)."
        )
    else:
        lines.append(f"All of `to certify`: {total} items; no evaluation in this home says how long one takes.")
    return "\n".join(lines + _looks(rows, found["looks_planned"]))


def _line(name: str, row: Facts, width: int) -> str:
    def shown(value: float | None) -> str:
        return "-" if value is None else points(value)

    seconds = row.get("seconds")
    return (
        f"{name:<{width}}  {row['n'] or '-':>6} {row['psi']:>6.3f} {points(row['margin']):>6}  {row['to_certify']:>10} {row['to_detect']:>9}"
        f" {shown(row['least_margin']):>8} {shown(row['smallest_detectable_drop']):>7} {'-' if seconds is None else f'{seconds:.0f}':>8}  {row.get('psi_from', '')}"
    ).rstrip()


def _looks(rows: dict[str, Facts], looks: int) -> list[str]:
    if looks == 1:
        return []
    found = [f"With {looks} looks (O'Brien-Fleming), of `to certify` items each ability is asked on average:"]
    for name, row in rows.items():
        same, fallen = row["looks"]["unchanged"], row["looks"]["fallen"]
        found.append(
            f"  {name}: {same['asked']:.0%} when nothing changed (certified {same['right']:.0%}), {fallen['asked']:.0%} when the margin is lost (proved {fallen['right']:.0%})"
        )
    return found
