"""The paired test on any two lm-eval outputs: `equipoise compare CHAMPION CANDIDATE`."""

import argparse
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline import lineage
from pipeline.errors import BadInput, Permanent
from pipeline.gate import comparison, picture, samples, scores, sequential, sizing, verdict, words
from pipeline.gate.comparison import Comparison
from pipeline.gate.evidence import Run
from pipeline.recipe import Ability
from pipeline.settings import Settings

MOST_LOOKS = 20


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    found = compare(
        [args.a, *args.also_a],
        [args.b, *args.also_b],
        settings,
        margin=args.margin,
        pooled_margin=args.pooled_margin,
        abilities_file=args.abilities,
        force=args.force,
        looks=read_looks(args.looks) if args.looks else None,
        same=args.same,
        strict=args.strict,
    )
    if args.picture:
        _draw(Path(args.picture), found)
    return found | {"text": words.markdown(found)} if args.markdown else found


def compare(
    a: str | Sequence[str],
    b: str | Sequence[str],
    settings: Settings,
    *,
    margin: float = 0.02,
    pooled_margin: float = 0.01,
    abilities_file: str | None = None,
    force: bool = False,
    looks: tuple[float, ...] | None = None,
    same: bool = False,
    strict: bool = False,
) -> dict[str, Any]:
    """Judge candidate b against champion a, each an lm-eval output_path, the model folder in it, or a scores id; or several runs of it.

    looks also replays the items in a recorded random order, as if they came in batches (shares of the items, rising to 1). same says that
    both are runs of one model, so that what differs is the harness's own noise. Evidence that cannot be compared raises Permanent with
    every reason; with `force` its figures are shown and the verdict is hold.
    """
    for name, value in (("--margin", margin), ("--pooled-margin", pooled_margin)):
        if not 0 < value < 1:
            raise BadInput(f"{name} is {value:g}; a margin is a fraction between 0 and 1 (two points are 0.02)")
    declared = read_abilities(abilities_file) if abilities_file else {}
    columns = {task: ability.cluster for ability in declared.values() if ability.cluster for task in ability.tasks}
    (champion, odd_a), (candidate, odd_b) = (_runs(side, settings, columns) for side in (a, b))
    abilities = declared or _abilities(champion, candidate)
    found = comparison.compare(champion, candidate, abilities)
    found.problems[:0] = [*odd_a, *odd_b]
    if found.problems and not force:
        raise Permanent(
            f"{champion.name} and {candidate.name} cannot be compared; --force shows the figures all the same:\n"
            + "\n".join(f"- {p}" for p in found.problems)
        )
    judged = verdict.judge(
        found.champion,
        found.candidate,
        margin=margin,
        pooled_margin=pooled_margin,
        report_only={n for n, ability in abilities.items() if ability.report_only},
        strict=strict,
        clusters=found.clusters,
        incomplete=found.incomplete,
    )
    judged = verdict.refused(judged, found.problems) if found.problems else judged
    result = {**judged, "unpaired": {"only_a": found.only_a, "only_b": found.only_b}, "warnings": found.warnings}
    result |= {"a": champion.name, "b": candidate.name}
    text = f"A (champion)   {champion.name}\nB (candidate)  {candidate.name}\n\n{words.page(result)}"
    if same:
        result["harness"] = sizing.harness({name: (row["lost"] + row["gained"], row["n"]) for name, row in judged["abilities"].items()})
        text += f"\n\n{result['harness']['sentence']}"
    if looks:
        result["looks"] = _replay(found, abilities, margin, pooled_margin, looks)
        text += f"\n\nIn batches: {sequential.page(result['looks'], len(looks))}"
    return result | {"text": text}


def _runs(where: str | Sequence[str], settings: Settings, clusters: Mapping[str, str]) -> tuple[Run, list[str]]:
    return comparison.together([run_at(w, settings, clusters) for w in ([where] if isinstance(where, str) else where)])


def _replay(
    found: Comparison,
    abilities: Mapping[str, Ability],
    margin: float,
    pooled_margin: float,
    times: tuple[float, ...],
) -> verdict.Facts:
    """What stopping early would have said, and how many items it would have needed. Report-only abilities are not waited for."""
    waited = {n: margin for n, pairs in found.paired.items() if pairs.champion and not abilities[n].report_only}
    odd = [n for n in waited if not all(0 <= v <= 1 for v in [*found.champion[n], *found.candidate[n]])]  # NaN is no share either
    if found.problems or odd or found.incomplete or not waited:
        raise Permanent(
            "--looks replays complete, comparable items with a value each; the table above (without --looks) says what is missing"
        )
    plan = sequential.Plan(waited, pooled_margin, times)
    return sequential.walk(found.champion, found.candidate, plan, found.clusters)


def read_looks(text: str) -> tuple[float, ...]:
    """`4` is four equal batches; `0.1,0.5,1` are shares of the items."""
    try:
        times = tuple((k + 1) / int(text) for k in range(int(text))) if text.isdigit() else tuple(float(t) for t in text.split(","))
    except ValueError:
        times = ()
    if not 1 <= len(times) <= MOST_LOOKS or any(a >= b for a, b in itertools.pairwise((0.0, *times))) or times[-1] != 1:
        raise BadInput(f"--looks is {text!r}; give 1 to {MOST_LOOKS} looks, or rising shares that end with 1, as in 0.1,0.5,1")
    return times


def _draw(path: Path, found: Mapping[str, Any]) -> None:
    try:
        path.write_text(picture.svg(found), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--picture {path}: {error.strerror}; name a file in a folder that can be written") from None


def run_at(where: str, settings: Settings, clusters: Mapping[str, str] | None = None) -> Run:
    """The results that a word on the command line means."""
    match = lineage.SHAPE.match(where)
    if match and not Path(where).exists():
        return scores.read(lineage.folder(settings, where), lineage.require(settings, where, "scores"))
    return samples.read(where, clusters)


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
