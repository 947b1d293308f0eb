"""What the verdicts come to: each rule's precision with an interval, and how far two people judge alike."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from statistics import NormalDist
from typing import Any

from pipeline.audit.book import Verdict, standing

Row = dict[str, Any]
DISPUTED = "disputed"


def wilson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share (JASA 22:209, 1927); of nothing it is everything. It never certifies 0 or 1 from a few cases."""
    if not n:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, square = hits / n, z * z
    middle = share + square / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    low, high = (middle - half) / (1 + square / n), (middle + half) / (1 + square / n)
    return (0.0 if hits == 0 else low), (1.0 if hits == n else high)


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa (1960) of two people's words about the same cases; None where chance alone would agree on everything."""
    n = len(pairs)
    if not n:
        return None
    left, right = (Counter(p[i] for p in pairs) for i in (0, 1))
    seen = sum(a == b for a, b in pairs) / n
    chance = sum(left[w] * right[w] for w in left) / (n * n)
    return None if chance == 1 else (seen - chance) / (1 - chance)


def summary(verdicts: Iterable[Verdict]) -> Row:
    """Precision by rule and by rule and task, and every two people's agreement. A case counts once, whoever judged it."""
    last = standing(verdicts)
    cases: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for v in last:
        cases[v.pairs, v.case].append(v)
    return {
        "cases": len(cases),
        "verdicts": len(last),
        "auditors": sorted({v.by for v in last}),
        "rules": _figures(list(cases.values()), lambda v: (v.rule,)),
        "tasks": _figures(list(cases.values()), lambda v: (v.rule, v.task)),
        "agreement": _agreement(last),
    }


def together(of_case: list[Verdict]) -> str:
    """What people say about one case: what those who are sure say, when they say the same."""
    sure = {v.verdict for v in of_case} - {"unsure"}
    return sure.pop() if len(sure) == 1 else DISPUTED if sure else "unsure"


def _figures(cases: list[list[Verdict]], group: Callable[[Verdict], tuple[str, ...]]) -> list[Row]:
    found: dict[tuple[str, ...], list[list[Verdict]]] = defaultdict(list)
    for case in cases:
        found[group(case[0])].append(case)
    rows = []
    for names, of in sorted(found.items()):
        said = Counter(map(together, of))
        decided = said["right"] + said["wrong"]
        low, high = wilson(said["right"], decided)
        row: Row = dict(zip(("rule", "task"), names, strict=False)) | {"n": len(of)}
        row |= {word: said[word] for word in ("right", "wrong", "unsure", DISPUTED)}
        row |= {"precision": said["right"] / decided if decided else None, "low": low, "high": high}
        rows.append(row | {"versions": sorted({v.version for case in of for v in case if v.version is not None})})
    return rows


def _agreement(last: list[Verdict]) -> list[Row]:
    """Every two people who judged the same cases."""
    said: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for v in last:
        said[v.by][v.pairs, v.case] = v.verdict
    rows = []
    for a, b in combinations(sorted(said), 2):
        both = [(said[a][case], said[b][case]) for case in sorted(said[a].keys() & said[b].keys())]
        if both:
            rows.append({"a": a, "b": b, "n": len(both), "agree": sum(x == y for x, y in both) / len(both), "kappa": kappa(both)})
    return rows
