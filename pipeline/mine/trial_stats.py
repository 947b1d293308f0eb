"""How far a judge is to be believed, from cases that people judged: agreement, errors, biases, and shares corrected for the errors."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

from pipeline.audit.agreement import kappa, wilson

LEVEL = 0.95


def z(level: float = LEVEL) -> float:
    return NormalDist().inv_cdf(0.5 + level / 2)


@dataclass(frozen=True)
class Errors:
    """A judge's yes and no against people's, counted."""

    hits: int
    """People yes, judge yes."""
    misses: int
    false_alarms: int
    rejections: int
    """People no, judge no."""

    @classmethod
    def of(cls, pairs: Sequence[tuple[bool, bool]]) -> "Errors":
        """pairs: (people, judge)."""
        found = Counter(pairs)
        return cls(found[True, True], found[True, False], found[False, True], found[False, False])

    @property
    def n(self) -> int:
        return self.hits + self.misses + self.false_alarms + self.rejections

    def figures(self) -> dict[str, Any]:
        """Sensitivity and specificity with Wilson intervals, kappa with its own; None where nothing can be said."""
        yes, no = self.hits + self.misses, self.false_alarms + self.rejections
        words = [("y", "y")] * self.hits + [("y", "n")] * self.misses + [("n", "y")] * self.false_alarms + [("n", "n")] * self.rejections
        return asdict(self) | {
            "n": self.n,
            "sensitivity": self.hits / yes if yes else None,
            "sensitivity_interval": wilson(self.hits, yes),
            "specificity": self.rejections / no if no else None,
            "specificity_interval": wilson(self.rejections, no),
            "kappa": kappa(words),
            "kappa_interval": kappa_interval(self),
        }


def kappa_interval(e: Errors, level: float = LEVEL) -> tuple[float, float] | None:
    """Around Cohen's kappa by the standard error of Fleiss, Cohen and Everitt (Psychol Bull 72:323, 1969); None where kappa is not defined."""
    n = e.n
    if not n:
        return None
    p = [[e.hits / n, e.misses / n], [e.false_alarms / n, e.rejections / n]]
    row, column = [sum(r) for r in p], [p[0][i] + p[1][i] for i in (0, 1)]
    seen, chance = p[0][0] + p[1][1], row[0] * column[0] + row[1] * column[1]
    if chance >= 1:
        return None
    k = (seen - chance) / (1 - chance)
    a = sum(p[i][i] * (1 - (row[i] + column[i]) * (1 - k)) ** 2 for i in (0, 1))
    b = (1 - k) ** 2 * sum(p[i][j] * (column[i] + row[j]) ** 2 for i in (0, 1) for j in (0, 1) if i != j)
    error = math.sqrt(max(0.0, a + b - (k - chance * (1 - k)) ** 2) / n) / (1 - chance)
    return max(-1.0, k - z(level) * error), min(1.0, k + z(level) * error)


def corrected(yes: int, n: int, e: Errors, level: float = LEVEL) -> dict[str, Any]:
    """A share as a faultless judge would have counted it (Rogan and Gladen, Am J Epidemiol 107:71, 1978), with the interval of Lang and
    Reiczigel (Prev Vet Med 113:13, 2014), which carries the doubt about sensitivity and specificity along.

    Where the judge is no better than a coin (sensitivity + specificity <= 1) nothing can be corrected: the interval is everything.
    """
    sick, well = e.hits + e.misses, e.false_alarms + e.rejections
    nothing = {"seen": yes / n if n else None, "n": n, "share": None, "low": 0.0, "high": 1.0}
    if not n or not sick or not well or e.hits / sick + e.rejections / well <= 1:
        return nothing
    se, sp = (e.hits + 1) / (sick + 2), (e.rejections + 1) / (well + 2)
    q = (yes + z(level) ** 2 / 2) / (n + z(level) ** 2)
    youden = se + sp - 1
    if youden <= 0:
        return nothing
    p = (q + sp - 1) / youden
    from_se, from_sp = se * (1 - se) / (sick + 2), sp * (1 - sp) / (well + 2)
    middle = p + 2 * z(level) ** 2 * (p * from_se - (1 - p) * from_sp)
    half = z(level) * math.sqrt(q * (1 - q) / (n + z(level) ** 2) + (1 - p) ** 2 * from_sp + p**2 * from_se) / youden
    plain = (yes / n + e.rejections / well - 1) / (e.hits / sick + e.rejections / well - 1)
    low, high = (min(1.0, max(0.0, x)) for x in (middle - half, middle + half))
    return {"seen": yes / n, "n": n, "share": min(1.0, max(0.0, plain)), "low": low, "high": high}


def position(orders: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Of pairs asked in both orders, words about answer a: how many flipped with the order, and towards which place.

    ("first", "second") means that a won when it stood first, and lost when it stood second: the first place won both times.
    """
    flipped = [o for o in orders if o[0] != o[1]]
    first, last = (sum(o in kind for o in flipped) for kind in (FIRST_PLACE, LAST_PLACE))
    return {
        "n": len(orders),
        "flipped": len(flipped),
        "first": first,
        "last": last,
        "flipped_interval": wilson(len(flipped), len(orders)),
        "p": two_sided(first, first + last),
    }


FIRST_PLACE = (("first", "second"), ("first", "neither"), ("neither", "second"))
LAST_PLACE = (("second", "first"), ("neither", "first"), ("second", "neither"))


def two_sided(k: int, n: int) -> float:
    """Exact sign test against one half."""
    if not n:
        return 1.0
    least = min(k, n - k)
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(least + 1)) / 2**n)


def length_bias(pairs: Sequence[tuple[bool, bool]], level: float = LEVEL) -> dict[str, Any]:
    """How much oftener the judge prefers the longer answer than people do on the same pairs; pairs: (people longer, judge longer).

    The interval is that of Agresti and Min for paired shares (Stat Med 24:729, 2005): half a case added to each cell.
    """
    n = len(pairs)
    more, less = (sum(p == cell for p in pairs) for cell in ((False, True), (True, False)))
    wide, b, c = n + 2, more + 0.5, less + 0.5
    middle = (b - c) / wide
    half = z(level) * math.sqrt((b + c) / wide - middle**2) / math.sqrt(wide)
    return {
        "n": n,
        "more": more,
        "less": less,
        "bias": (more - less) / n if n else None,
        "low": max(-1.0, middle - half),
        "high": min(1.0, middle + half),
    }
