"""Draw what is judged: so many cases of each rule, shared out among its tasks as the rule's own cases are, the same ones every time."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from pipeline.audit.cases import Case


def sample(cases: Iterable[Case], pairs: str, per_rule: int, seed: int = 0) -> list[Case]:
    """At most `per_rule` cases of each rule, rule after rule. A larger draw holds the smaller one: more can be judged later."""
    rules: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        rules[case.rule].append(case)
    return [case for rule in sorted(rules) for case in _of_rule(rules[rule], pairs, per_rule, seed)]


def _of_rule(cases: list[Case], pairs: str, most: int, seed: int) -> list[Case]:
    """Seats by Sainte-Lague: shares stay proportional, so the plain share of right ones estimates the rule's, and no task loses a seat as the draw grows."""
    tasks: dict[str, list[Case]] = defaultdict(list)
    for case in sorted(cases, key=lambda c: _lot(c, pairs, seed)):
        tasks[case.task].append(case)
    taken = dict.fromkeys(sorted(tasks), 0)
    drawn = []
    for _ in range(min(most, len(cases))):
        task = max((t for t in taken if taken[t] < len(tasks[t])), key=lambda t: (len(tasks[t]) / (2 * taken[t] + 1), t))
        drawn.append(tasks[task][taken[task]])
        taken[task] += 1
    return drawn


def _lot(case: Case, pairs: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{pairs}:{case.id}".encode()).hexdigest()
