"""What agreement says about reliability: where two voices judge one thing, a kind of signal that is often wrong often disagrees with itself."""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from itertools import pairwise

from pipeline.audit.found import Cell
from pipeline.mine.influence import stances
from pipeline.mine.marks import Mark

FEWEST = 10  # pairs of voices; of fewer nothing is concluded
SPEAKS = 3  # couples that one voice may be in: whoever contradicts everybody must not make a kind of signal look unreliable
WORTH = 20.0  # judged rows that agreement may count for at most: voices may err together, and people who judge do not

Agreement = dict[Cell, tuple[float, float]]
"""(right, n) as if so many rows had been judged by people."""


def agreement(marks: list[Mark]) -> Agreement:
    """By kind of signal and app, as cells whose rule is the kind alone."""
    seen: dict[tuple[str, str], dict[Hashable, dict[str, Hashable]]] = defaultdict(lambda: defaultdict(dict))
    for m in sorted(marks, key=lambda m: m.signal.order):
        for subject, side in stances(m):
            if subject[0] == _telling(m):
                seen[m.signal.kind, m.talk.app or ""][subject].setdefault(m.signal.voice, side)
    found = {}
    for (kind, app), subjects in seen.items():
        same = Counter(_agree(subjects.values()))
        if same.total() >= FEWEST:
            found[Cell(kind, app)] = worth(same[True], same.total(), kind == "edit")
    return found


def _telling(m: Mark) -> str:
    return {"edit": "prompt", "choose": "pick"}.get(m.signal.kind, "answer")


def _agree(subjects: Iterable[dict[str, Hashable]]) -> Iterator[bool]:
    """Whether the two of each couple agree. On one subject a voice is in one couple at most, so that couples are independent of one another."""
    spoken: Counter[str] = Counter()
    for sides in subjects:
        voices = [v for v in sides if spoken[v] < SPEAKS]
        for a, b in list(pairwise(voices))[::2]:
            spoken.update((a, b))
            yield sides[a] == sides[b]


def worth(same: int, n: int, many: bool) -> tuple[float, float]:
    """What `same` of n couples who agree are worth as (right, judged).

    Two sides: both right or both wrong agree, A = p^2 + (1 - p)^2. Many answers: who are wrong seldom agree, A = p^2. The variance of p by
    the delta method says how many judged rows would leave the same doubt.
    """
    agree = (same + 0.5) / (n + 1)
    if many:
        p, slope = math.sqrt(agree), 1 / (2 * math.sqrt(agree))
    elif agree <= 0.5:
        return 0.5 * min(WORTH, n / 4), min(WORTH, n / 4)  # a coin, or worse: which side errs cannot be told
    else:
        root = math.sqrt(2 * agree - 1)
        p, slope = (1 + root) / 2, 1 / (2 * root)
    judged = min(WORTH, n, p * (1 - p) * n / (agree * (1 - agree) * slope**2))
    return p * judged, judged
