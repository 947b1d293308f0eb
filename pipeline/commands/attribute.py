"""`equipoise attribute VERDICT`: which task did it, for each ability that fell, and what kind of evidence says so (docs/gate.md).

What is cheap comes first and the record is written after every step, so that a run that is killed or out of minutes leaves what it found;
running it again goes on. Stages do the work by ids: slices of the mix, their adapters and their answers are sealed like any others.
"""

import argparse
from typing import Any

from pipeline import beside, lineage
from pipeline.causes import told
from pipeline.causes.lost import Fallen
from pipeline.commands import lessons
from pipeline.commands.attribution_case import Case
from pipeline.commands.attribution_ways import WAYS
from pipeline.commands.lessons import Stage
from pipeline.errors import BadInput
from pipeline.progress import say
from pipeline.settings import Settings

VERSION = 1  # raise it when the same evidence should be told otherwise

Row = dict[str, Any]


def command(args: argparse.Namespace, settings: Settings) -> Row:
    how = str(args.how).upper()
    if not how or set(how) - set(told.METHODS):
        raise BadInput(f"--how {args.how}: name methods by their letters, of {', '.join(f'{k} ({v})' for k, v in told.METHODS.items())}")
    return run(args.id, settings, lessons.children(settings), how, args.minutes)


def run(verdict: str, settings: Settings, stage: Stage, how: str = "BCD", minutes: float = 30.0) -> Row:
    """Attribute every fallen ability. Running it again adds what there was no time for, and changes nothing else."""
    case = Case(settings, verdict, stage, minutes)
    if not case.fallen:
        say(f"{verdict}: no ability fell, nothing to attribute")
        return {"id": verdict, "abilities": {}, "text": f"{verdict}: no ability fell"}
    if not case.facts.get("mix"):
        raise BadInput(
            f"{verdict}: its candidate {case.facts['candidate']} was not made from a mix of this home: there are no rows to look at"
        )
    known = beside.read(settings, "attribution", verdict) or {}
    with lineage.lock(settings, f"attribute-{verdict}"):
        for method in (m for m in _order(case) if m in how or (m == "A" and len(case.parts) == 1)):
            found = WAYS[method](case)
            known = beside.write(settings, "attribution", verdict, _record(case, known, method, found))
    return known | {"text": _text(known)}


def _order(case: Case) -> str:
    """The cheap first. Of a lesson of one task, retraining without it costs nothing: that is the model it started from."""
    return "DAC" if len(case.parts) == 1 else "DCBA"


def _record(case: Case, known: Row, method: str, found: dict[str, list[Row]]) -> Row:
    """What is known so far: ids and figures, no text of anybody. What an earlier run found stays until it is found anew."""
    before = known.get("abilities") or {}
    figures = {f.ability: (before.get(f.ability) or {}).get("figures") or {} for f in case.fallen}
    for ability, rows in found.items():
        figures[ability] = figures[ability] | {method: rows}
    return {
        "id": case.id,
        "version": VERSION,
        "candidate": case.facts["candidate"],
        "mix": case.facts["mix"],
        "parts": list(case.parts),
        "tried": (known.get("tried") or {}) | case.tried,
        "made_of": sorted({*(known.get("made_of") or []), *case.made}),
        "abilities": {f.ability: _ability(f, figures[f.ability]) for f in case.fallen},
    }


def _ability(fallen: Fallen, figures: dict[str, list[Row]]) -> Row:
    shown = {method: told.evidence(method, rows) for method, rows in figures.items()}
    return {
        "reference": fallen.reference,
        "lost": len(fallen.lost),
        "kept": len(fallen.kept),
        "gained": fallen.gained,
        "culprit": told.culprit(shown),
        "evidence": shown,
        "figures": figures,
    }


def _text(known: Row) -> str:
    lines = [known["id"]]
    for name, row in known["abilities"].items():
        lines.append(f"{name}: {row['lost']} lost and {row['gained']} gained against the {row['reference']}")
        said = [e["sentence"] for method in told.METHODS for e in row["evidence"].get(method, [])]
        lines += [f"  {s}" for s in said] or ["  no task stands out from chance"]
    return "\n".join([*lines, *(f"{method} ({told.METHODS[method]}): {words}" for method, words in sorted(known["tried"].items()))])
