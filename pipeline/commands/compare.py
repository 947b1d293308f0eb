"""The paired test on any two lm-eval outputs: `equipoise compare CHAMPION CANDIDATE`."""

import argparse
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline import lineage
from pipeline.errors import BadInput, Permanent
from pipeline.gate import comparison, samples, scores, verdict, words
from pipeline.gate.evidence import Run
from pipeline.recipe import Ability
from pipeline.settings import Settings


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    return compare(
        args.a, args.b, settings, margin=args.margin, pooled_margin=args.pooled_margin, abilities_file=args.abilities, force=args.force
    )


def compare(
    a: str,
    b: str,
    settings: Settings,
    *,
    margin: float = 0.02,
    pooled_margin: float = 0.01,
    abilities_file: str | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Judge candidate b against champion a, each an lm-eval output_path, the model folder in it, or a scores id.

    Evidence that cannot be compared raises Permanent with every reason; with `force` its figures are shown and the verdict is hold.
    """
    for name, value in (("--margin", margin), ("--pooled-margin", pooled_margin)):
        if not 0 < value < 1:
            raise BadInput(f"{name} is {value:g}; a margin is a fraction between 0 and 1 (two points are 0.02)")
    champion, candidate = run_at(a, settings), run_at(b, settings)
    abilities = read_abilities(abilities_file) if abilities_file else _abilities(champion, candidate)
    found = comparison.compare(champion, candidate, abilities)
    if found.problems and not force:
        raise Permanent(
            f"{a} and {b} cannot be compared; --force shows the figures all the same:\n" + "\n".join(f"- {p}" for p in found.problems)
        )
    judged = verdict.judge(
        found.champion,
        found.candidate,
        margin=margin,
        pooled_margin=pooled_margin,
        report_only={n for n, ability in abilities.items() if ability.report_only},
        clusters=found.clusters,
        incomplete=found.incomplete,
    )
    judged = verdict.refused(judged, found.problems) if found.problems else judged
    result = {**judged, "unpaired": {"only_a": found.only_a, "only_b": found.only_b}, "warnings": found.warnings}
    result |= {"a": champion.name, "b": candidate.name}
    return result | {"text": f"A (champion)   {champion.name}\nB (candidate)  {candidate.name}\n\n{words.page(result)}"}


def run_at(where: str, settings: Settings) -> Run:
    """The results that a word on the command line means."""
    match = lineage.SHAPE.match(where)
    if match and not Path(where).exists():
        return scores.read(lineage.folder(settings, where), lineage.require(settings, where, "scores"))
    return samples.read(where)


def _abilities(champion: Run, candidate: Run) -> dict[str, Ability]:
    """All abilities of both; of sealed scores only those that gate."""
    kinds = {**champion.kinds, **candidate.kinds}
    return {n: ability for n, ability in comparison.abilities_of(champion, candidate).items() if kinds.get(n, "suite") == "suite"}


def read_abilities(file: str) -> dict[str, Ability]:
    """A mapping ability -> task names, or a suite file with `abilities:`; YAML or JSON."""
    try:
        given = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        given = given.get("abilities", given)
        found = {str(n): _ability(v) for n, v in given.items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, ValidationError) as error:
        raise BadInput(f"{file}: no mapping of abilities to task names ({error}); write `maths: [gsm8k, …]`") from None
    tasks = [task for ability in found.values() for task in ability.tasks]
    twice = sorted({t for t in tasks if tasks.count(t) > 1})
    if twice or not tasks:
        raise BadInput(f"{file}: {f'{twice[0]} stands under two abilities' if twice else 'it names no task'}; each task belongs to one")
    return {n: ability for n, ability in found.items() if ability.kind == "suite"}


def _ability(value: Any) -> Ability:
    if isinstance(value, dict):
        return Ability.model_validate(value)
    return Ability(tasks=[value] if isinstance(value, str) else value)
