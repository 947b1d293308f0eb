"""Two runs side by side: every ability's items paired, or the reasons why they may not be."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.gate import pairing
from pipeline.gate.evidence import Benchmark, Run
from pipeline.gate.pairing import Paired
from pipeline.recipe import Ability

NOT_APPLIED = 0.999  # share of identical generated answers above which an adapter was probably not applied (gate.md, section 11)


@dataclass
class Comparison:
    """What `judge` needs, what may not be compared, and what a reader should know."""

    paired: dict[str, Paired] = field(default_factory=dict)
    incomplete: dict[str, str] = field(default_factory=dict)
    """Ability -> which benchmark is missing where."""
    only_a: int = 0
    only_b: int = 0
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def champion(self) -> dict[str, list[float]]:
        return {name: found.champion for name, found in self.paired.items()}

    @property
    def candidate(self) -> dict[str, list[float]]:
        return {name: found.candidate for name, found in self.paired.items()}

    @property
    def clusters(self) -> dict[str, list[str]]:
        return {name: found.clusters for name, found in self.paired.items()}


def abilities_of(*runs: Run) -> dict[str, Ability]:
    """Abilities as lm-eval grouped the tasks: a group holds the tasks that it lists itself; a task in no group is its own."""
    tasks = dict.fromkeys(task for run in runs for task in run.benchmarks)
    found: dict[str, list[str]] = {}
    taken: set[str] = set()
    for group, members in itertools.chain.from_iterable(run.groups.items() for run in runs):
        fresh = [m for m in members if m in tasks and m not in taken]
        if fresh:
            found.setdefault(group.split("::")[-1], []).extend(fresh)
            taken.update(fresh)
    small = frozenset().union(*(run.report_only for run in runs))
    grouped = {name: Ability(tasks=members, report_only=name in small) for name, members in found.items()}
    return grouped | {t: Ability(tasks=[t]) for t in tasks if t not in taken}


def compare(a: Run, b: Run, abilities: Mapping[str, Ability]) -> Comparison:
    """Pair champion a with candidate b, ability by ability."""
    result = Comparison(problems=pairing.settings_differ(a, b), warnings=[*a.notes, *b.notes])
    for name, ability in abilities.items():
        found = result.paired.setdefault(name, Paired())
        for task in ability.tasks:
            lacking = [side for side, run in (("champion", a), ("candidate", b)) if _absent(run, task)]
            if lacking:
                result.incomplete[name] = f"{task} is missing from the results of the {' and the '.join(lacking)}"
                found.only_a += _size(a, task)
                found.only_b += _size(b, task)
            else:
                metric, filter = a.decides.get(task, (None, None))
                found.add(pairing.pair(task, a.benchmarks[task], b.benchmarks[task], ability.metric or metric, ability.filter or filter))
        result.problems += found.problems
        result.only_a += found.only_a
        result.only_b += found.only_b
    result.warnings += _not_applied(a, b, result)
    return result


def _absent(run: Run, task: str) -> bool:
    return task not in run.benchmarks or not run.benchmarks[task].rows


def _size(run: Run, task: str) -> int:
    """Items of one benchmark: rows under its first filter, since each filter writes every item again."""
    rows = run.benchmarks[task].rows if task in run.benchmarks else ()
    return len({(row.doc_hash, row.prompt_hash, row.doc_id) for row in rows})


def _not_applied(a: Run, b: Run, result: Comparison) -> Iterator[str]:
    paired = list(result.paired.values())
    generated, same = sum(p.generated for p in paired), sum(p.same_answers for p in paired)
    flips = any(x != y for p in paired for x, y in zip(p.champion, p.candidate, strict=True))
    if a.name == b.name:
        yield f"A and B are the same results, {a.name}: a model is compared with itself"
    elif generated and same > NOT_APPLIED * generated and not flips:
        yield f"{same} of {generated} generated answers are identical and no item changed: was the adapter applied?"


def together(runs: Sequence[Run]) -> tuple[Run, list[str]]:
    """Several runs of one model as one: pairing averages each item over them. Also why they are not one model's, in words."""
    first, *others = runs
    problems = [f"{other.name}, another run of {first.name}: {p}" for other in others for p in pairing.settings_differ(first, other)]
    benchmarks = dict(first.benchmarks)
    for other in others:
        for task in sorted({*first.benchmarks, *other.benchmarks}):
            mine, theirs = first.benchmarks.get(task), other.benchmarks.get(task)
            if mine is None or theirs is None or _asked(mine) != _asked(theirs):
                problems.append(f"{task}: {first.name} and {other.name} did not ask the same items; give runs of the whole task")
            else:
                benchmarks[task] = dataclasses.replace(mine, rows=benchmarks[task].rows + theirs.rows)
    return dataclasses.replace(first, benchmarks=benchmarks, notes=tuple(n for run in runs for n in run.notes)), problems


def _asked(benchmark: Benchmark) -> set[tuple]:
    return {(row.doc_id, row.doc_hash, row.prompt_hash) for row in benchmark.rows}
