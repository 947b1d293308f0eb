"""Which row is paired with which, and when two results may not be compared at all."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.gate.evidence import Benchmark, Row, Run, flipped

LEAST_PAIRED = 0.995  # of the items of either side; what is missing beyond that is seldom missing by chance
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Item:
    """One item's value under the deciding filter and metric."""

    value: float
    target_hash: str
    answer: str
    cluster: str | None
    prompt: str
    doc_id: int | None = None


@dataclass
class Paired:
    """Two runs' items of one benchmark or ability, in the same order."""

    champion: list[float] = field(default_factory=list)
    candidate: list[float] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    same_answers: int = 0
    generated: int = 0
    only_a: int = 0
    only_b: int = 0
    problems: list[str] = field(default_factory=list)
    """Why this may not be compared, in words."""
    docs: list[tuple[str, int | None]] = field(default_factory=list)
    """Benchmark and item number on the champion's side, which is where items keep their numbers."""

    def add(self, other: "Paired") -> None:
        for name in ("champion", "candidate", "clusters", "prompts", "docs", "same_answers", "generated", "only_a", "only_b", "problems"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def settings_differ(a: Run, b: Run) -> list[str]:
    """Ways of running that move answers by themselves and are not the same on both sides."""
    return _differences("", a.facts, b.facts)


def _differences(what: str, a: Mapping[str, str], b: Mapping[str, str]) -> list[str]:
    return [
        f"{what}{name} differs: {a.get(name, 'absent')} against {b.get(name, 'absent')}; evaluate both the same way"
        for name in dict.fromkeys([*a, *b])
        if a.get(name) != b.get(name)
    ]


def pair(task: str, a: Benchmark, b: Benchmark, metric: str | None = None, filter: str | None = None) -> Paired:
    """Pair one benchmark's items by (doc_hash, prompt_hash, occurrence); metric and filter name what decides, else the task's order does."""
    result = Paired(problems=_differences(f"{task}: ", a.facts, b.facts))
    chosen = decide(a, b, metric, filter)
    if chosen is None:
        result.problems.append(f"{task}: no filter and metric {metric or ''} that both sides have")
        return result
    left, right = items(a, *chosen), items(b, *chosen)
    both = sorted(left.keys() & right.keys())
    for key in both:
        x, y = left[key], right[key]
        result.champion.append(x.value)
        result.candidate.append(y.value)
        result.clusters.append(f"{task}/{x.cluster}" if x.cluster is not None else f"{task}//{'/'.join(map(str, key))}")
        result.prompts.append(x.prompt)
        result.docs.append((task, x.doc_id))
        result.same_answers += a.generates and x.answer == y.answer
    result.generated = len(both) if a.generates else 0
    result.only_a, result.only_b = len(left) - len(both), len(right) - len(both)
    result.problems += _clashes(task, left, right, both)
    every = len(both) + result.only_a + result.only_b
    if len(both) < LEAST_PAIRED * every:
        result.problems.append(
            f"{task}: {len(both)} of {every} items pair ({result.only_a} only in A, {result.only_b} only in B), {LEAST_PAIRED:.1%} must; evaluate both on the same items"
        )
    return result


def _clashes(task: str, left: Mapping[Key, Item], right: Mapping[Key, Item], both: Iterable[Key]) -> list[str]:
    """Documents that were asked in two ways, or marked against two answers."""
    prompts = {doc for doc, _, _ in left.keys() - right.keys()} & {doc for doc, _, _ in right.keys() - left.keys()}
    targets = sum(left[key].target_hash != right[key].target_hash for key in both)
    found = []
    if prompts:
        found.append(
            f"{task}: {len(prompts)} documents were asked with two different prompts (prompt_hash differs); use the same few-shot examples and template"
        )
    if targets:
        found.append(f"{task}: {targets} documents have two different right answers (target_hash differs); use the same task files")
    return found


def decide(a: Benchmark, b: Benchmark, metric: str | None = None, filter: str | None = None) -> tuple[str, str] | None:
    """The one filter and metric that count: those asked for, else flexible before strict and the first metric listed."""
    pairs = {(row.filter, m) for row in a.rows for m in row.values} & {(row.filter, m) for row in b.rows for m in row.values}
    filters = [f for f in a.filters if any(f == have for have, _ in pairs) and filter in (None, f)]
    for chosen in sorted(filters, key=_looseness):
        metrics = [m for m in a.metrics if (chosen, m) in pairs and metric in (None, m)]
        if metrics:
            return chosen, metrics[0]
    return None


def _looseness(filter: str) -> int:
    return 0 if "flexible" in filter else 2 if "strict" in filter else 1


def items(benchmark: Benchmark, filter: str, metric: str) -> dict[Key, Item]:
    """One value an item. Rows of one document id are samples of one item and averaged; equal documents are counted in doc_id order."""
    samples: dict[tuple, list[Row]] = defaultdict(list)
    for i, row in enumerate(benchmark.rows):
        if row.filter == filter and metric in row.values:
            samples[(row.doc_hash, row.prompt_hash, i if row.doc_id is None else row.doc_id)].append(row)
    seen: dict[tuple[str, str], int] = defaultdict(int)
    found = {}
    for doc, prompt, where in sorted(samples):
        rows = samples[(doc, prompt, where)]
        values = [row.values[metric] for row in rows]
        value = math.fsum(values) / len(values) if not any(map(math.isnan, values)) else math.nan
        value = flipped(value) if metric in benchmark.lower_is_better else value
        key = (doc, prompt, seen[(doc, prompt)])
        seen[(doc, prompt)] += 1
        found[key] = Item(value, rows[0].target_hash, rows[0].answer, rows[0].cluster, rows[0].prompt, rows[0].doc_id)
    return found
