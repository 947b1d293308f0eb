"""Two runs side by side: every ability's items paired, or the reasons why they may not be."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.gate import pairing
from pipeline.gate.evidence import Run
from pipeline.gate.pairing import Paired
from pipeline.recipe import Ability

NOT_APPLIED = 0.999  # share of identical generated answers above which an adapter was probably not applied (gate.md, section 11)


@dataclass
class Comparison:
    """What `judge` needs, what may not be compared, and what a reader should know."""

    abilities: dict[str, Paired]
    missing_a: dict[str, int] = field(default_factory=dict)
    """Abilities that the champion lacks, and how many items the candidate has of them."""
    missing_b: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def champion(self) -> dict[str, list[float]]:
        """Ability -> values. An ability that lacks a benchmark on this side is left out: missing, not smaller."""
        return {n: p.champion for n, p in self.abilities.items() if n not in self.missing_a}

    @property
    def candidate(self) -> dict[str, list[float]]:
        return {n: p.candidate for n, p in self.abilities.items() if n not in self.missing_b}

    @property
    def clusters(self) -> dict[str, list[str]]:
        return {n: p.clusters for n, p in self.abilities.items() if n not in self.missing_a and n not in self.missing_b}

    @property
    def only_a(self) -> int:
        return sum(p.only_a for p in self.abilities.values()) + sum(self.missing_b.values())

    @property
    def only_b(self) -> int:
        return sum(p.only_b for p in self.abilities.values()) + sum(self.missing_a.values())


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
    return {name: Ability(tasks=members) for name, members in found.items()} | {t: Ability(tasks=[t]) for t in tasks if t not in taken}


def compare(a: Run, b: Run, abilities: Mapping[str, Ability]) -> Comparison:
    """Pair champion a with candidate b, ability by ability."""
    result = Comparison({}, problems=pairing.settings_differ(a, b), warnings=[*a.notes, *b.notes])
    for name, ability in abilities.items():
        paired = result.abilities.setdefault(name, Paired())
        for task in ability.tasks:
            missing = [_absent(run, task) for run in (a, b)]
            if any(missing):
                lacks_a, lacks_b = missing
                result.missing_a |= {name: result.missing_a.get(name, 0) + _size(b, task)} if lacks_a else {}
                result.missing_b |= {name: result.missing_b.get(name, 0) + _size(a, task)} if lacks_b else {}
                continue
            paired.add(pairing.pair(task, a.benchmarks[task], b.benchmarks[task], ability.metric, ability.filter))
    result.problems += [problem for paired in result.abilities.values() for problem in paired.problems]
    result.warnings += _not_applied(a, b, result)
    return result


def _absent(run: Run, task: str) -> bool:
    return task not in run.benchmarks or not run.benchmarks[task].rows


def _size(run: Run, task: str) -> int:
    """Items of one benchmark: rows under its first filter, since each filter writes every item again."""
    rows = run.benchmarks[task].rows if task in run.benchmarks else ()
    return len({(row.doc_hash, row.prompt_hash, row.doc_id) for row in rows})


def _not_applied(a: Run, b: Run, result: Comparison) -> Iterator[str]:
    paired = list(result.abilities.values())
    generated, same = sum(p.generated for p in paired), sum(p.same_answers for p in paired)
    flips = any(x != y for p in paired for x, y in zip(p.champion, p.candidate, strict=True))
    if a.name != b.name and generated and same > NOT_APPLIED * generated and not flips:
        yield f"{same} of {generated} generated answers are identical and no item changed: was the adapter applied?"
