"""One verdict out of many tables: the worst of champion, origin, target tasks and checks, with the reasons in order."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from pipeline.gate import contamination, stopping, targets, verdict
from pipeline.gate.comparison import Comparison
from pipeline.gate.evidence import Run
from pipeline.gate.multiplicity import ALPHA, benjamini_hochberg
from pipeline.gate.paired import Pairs
from pipeline.gate.pairing import Paired
from pipeline.gate.sampling import Sampling
from pipeline.recipe import Ability, Gate

SUSPECT = 0.10  # share of false names among the abilities that the report points at; never a verdict


def level(attempt: int) -> float:
    """The error that one attempt may spend: later attempts at the same data get less, so that trying again is no way through."""
    return ALPHA if attempt == 1 else ALPHA / (attempt * (attempt + 1))


def abilities_in(declared: Mapping[str, Ability], *runs: Run, kind: str = "suite") -> dict[str, Ability]:
    """The declared abilities, or checks, with the benchmarks that were run under their names: a declared group may stand for many."""
    found = {}
    for name, ability in declared.items():
        measured = dict.fromkeys(task for run in runs for task in run.groups.get(name, ()) if run.kinds.get(name, kind) == kind)
        found[name] = ability.model_copy(update={"tasks": list(measured) or ability.tasks})
    return found


def of_kind(kind: str, *runs: Run) -> dict[str, Ability]:
    """What was measured beside the suite: target tasks, or abilities that are only shown."""
    names = dict.fromkeys(name for run in runs for name in run.groups if run.kinds.get(name) == kind)
    return {name: Ability(tasks=list(dict.fromkeys(t for run in runs for t in run.groups.get(name, ())))) for name in names}


def against(
    found: Comparison,
    abilities: Mapping[str, Ability],
    gate: Gate,
    reference: str,
    alpha: float,
    alpha_to_block: float,
    drawn: Sampling | None = None,
) -> verdict.Facts:
    """The candidate's table against one reference, under the margins of that reference; of items that were asked in looks, at its stops."""
    if drawn and not drawn.plain:
        return stopping.table(found, stopping.Terms.of(gate, abilities, reference, alpha, alpha_to_block), drawn)
    champion = reference == "champion"
    judged = verdict.judge(
        found.champion,
        found.candidate,
        gate.margin if champion else gate.origin_margin,
        gate.pooled_margin if champion else gate.origin_pooled_margin,
        margins=gate.margins if champion else gate.origin_margins,
        report_only={name for name, ability in abilities.items() if ability.report_only},
        strict=gate.strict,
        alpha=alpha,
        alpha_to_block=alpha_to_block,
        clusters=found.clusters,
        incomplete=found.incomplete,
    )
    return verdict.Facts({**judged, "unpaired": {"only_a": found.only_a, "only_b": found.only_b}})


def target_table(
    found: Comparison,
    superior: Collection[str],
    need: str,
    margin: float,
    lesson: contamination.Lesson,
    alpha: float,
    kept: Collection[str] = (),
) -> dict[str, Any]:
    """Target tasks, and once more without the held-out prompts that the lesson has seen; what is missing holds."""
    pairs = _pairs(found.paired)
    table = targets.judge(pairs, superior, margin, alpha=alpha, need=need, kept=kept)
    seen = {name: contamination.flagged(paired.prompts, lesson) for name, paired in found.paired.items()}
    count, total = sum(map(sum, seen.values())), sum(map(len, seen.values()))
    check = {"name": "held-out prompts in the lesson", "flagged": count, "items": total, "decision": "promote", "reasons": []}
    if count:
        clean = _pairs({name: _without(paired, seen[name]) for name, paired in found.paired.items()})
        again = targets.judge(clean, superior, margin, alpha=alpha, need=need, kept=kept)
        where = f"without the {count} of {total} held-out prompts that the lesson has seen"
        check |= {"decision": again["verdict"], "targets": again["tasks"], "reasons": [_aside(r, where) for r in again["reasons"]]}
    gaps = {name: "it has no items, or values that are no numbers" for name in found.paired if name not in pairs} | found.incomplete
    held = verdict.worst([table["verdict"], *(["hold"] if gaps else [])])
    told = [*table["reasons"], *(f"hold: target {name}: {why}" for name, why in gaps.items())]
    return {"verdict": held, "tasks": table["tasks"], "reasons": told, "check": check}


def _pairs(paired: Mapping[str, Paired]) -> dict[str, Pairs]:
    """Tasks that have items, with a number for each."""
    usable = {n: p for n, p in paired.items() if p.champion and all(map(math.isfinite, [*p.champion, *p.candidate]))}
    return {n: Pairs.of(p.champion, p.candidate, p.clusters) for n, p in usable.items()}


def _without(paired: Paired, seen: list[bool]) -> Paired:
    kept = [i for i, flag in enumerate(seen) if not flag]
    return Paired([paired.champion[i] for i in kept], [paired.candidate[i] for i in kept], [paired.clusters[i] for i in kept])


def shown(found: Comparison) -> dict[str, dict[str, Any]]:
    """Abilities that never gate: their means on both sides, to be looked at."""
    rows = {}
    for name, paired in found.paired.items():
        both = [(x, y) for x, y in zip(paired.champion, paired.candidate, strict=True) if math.isfinite(x) and math.isfinite(y)]
        means = [math.fsum(side) / len(both) if both else None for side in ([x for x, _ in both], [y for _, y in both])]
        rows[name] = {"n": len(both), "champion": means[0], "candidate": means[1]}
    return rows


def whole(
    champion: verdict.Facts,
    origin: verdict.Facts,
    lesson: Mapping[str, Any],
    account: Mapping[str, Any],
    same: bool,
    attempt: int,
    warnings: Collection[str],
    behaviour: Collection[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The verdict's body. `same` says that champion and origin are one model, so that equal sentences are said once.

    behaviour: rows of the behaviour checks (checks.judge).
    """
    tables = {
        "champion": champion["verdict"],
        "origin": origin["verdict"],
        "targets": lesson["verdict"],
        "checks": verdict.worst([lesson["check"]["decision"], *(row["decision"] for row in behaviour)]),
        "budget": account["decision"],
    }
    overall = verdict.worst(list(tables.values()))
    reasons = [_aside(r, "against the origin" if same else "against the champion") for r in champion["reasons"]]
    reasons += [] if same and origin["verdict"] == champion["verdict"] else [_aside(r, "against the origin") for r in origin["reasons"]]
    reasons += [*lesson["reasons"], *lesson["check"]["reasons"], *(r for row in behaviour for r in row["reasons"]), *account["reasons"]]
    if attempt > 1:
        reasons.append(f"attempt {attempt} at the same data: the error it may spend is {level(attempt):.4f} instead of {ALPHA:g}")
    order = [kind for kind in ("block", "hold", "promote") if kind != "promote" or overall == "promote"]
    told = [r for kind in order for r in reasons if r.startswith(f"{kind}: ")]
    told += [r for r in reasons if not r.startswith(("block: ", "hold: ", "promote: "))]
    body = {k: v for k, v in champion.items() if k not in ("verdict", "reasons")}
    return {
        "verdict": overall,
        "reasons": list(dict.fromkeys(told)),
        **body,
        "tables": tables,
        "origin": dict(origin),
        "targets": lesson["tasks"],
        "checks": [lesson["check"], *map(dict, behaviour)],
        "budget": dict(account),
        "attempt": attempt,
        "suspects": [n for n, p in benjamini_hochberg({n: row["p"] for n, row in champion["abilities"].items()}).items() if p <= SUSPECT],
        "warnings": list(warnings),
    }


def _aside(reason: str, where: str) -> str:
    head, colon, rest = reason.partition(": ")
    return f"{head}: {where}: {rest}" if colon and head in verdict.SEVERITY else f"{where}: {reason}"
