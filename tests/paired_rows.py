"""Rows of a verdict table from lost, gained and n, by scipy and bisection: gate.md's formulas written a second time, on purpose."""

import math
from typing import Any

from scipy.optimize import brentq
from scipy.stats import binomtest, norm

Z = 1.6448536269514722


def interval(n: int, lost: int, gained: int) -> list[float]:
    """Tango's score interval of the drop, 90% two-sided."""

    def z(x: float) -> float:
        a, b, c = 2 * n, -lost - gained + (2 * n - lost + gained) * x, -gained * x * (1 - x)
        q = (math.sqrt(b * b - 4 * a * c) - b) / (2 * a)
        return (lost - gained - n * x) / math.sqrt(n * (2 * q + x * (1 - x)))

    edge = 1 - 1e-9
    return [brentq(lambda x: z(x) - Z, -edge, edge), brentq(lambda x: z(x) + Z, -edge, edge)]


def row(n: int, lost: int, gained: int, margin: float) -> dict[str, Any]:
    low, high = interval(n, lost, gained)
    p = binomtest(lost, lost + gained, alternative="greater").pvalue if lost + gained else 1.0
    psi = max((lost + gained) / n, 1 / n)
    seen = brentq(
        lambda d: d * math.sqrt(n) - norm.ppf(1 - 0.025 / 6) * math.sqrt(psi) - norm.ppf(0.8) * math.sqrt(max(psi - d * d, 0)), 0, 1
    )
    return {
        "n": n,
        "lost": lost,
        "gained": gained,
        "drop": (lost - gained) / n,
        "interval": [low, high],
        "p": p,
        "adjusted_p": min(1.0, 6 * p),
        "margin": margin,
        "smallest_detectable_drop": seen,
        "decision": "promote" if high < margin else "hold",
        "report_only": False,
    }


def target(n: int, lost: int, gained: int) -> dict[str, Any]:
    p = binomtest(gained, lost + gained, alternative="greater").pvalue
    shown = "promote" if p <= 0.05 else "hold"
    facts = {"n": n, "lost": lost, "gained": gained, "drop": (lost - gained) / n, "interval": interval(n, lost, gained)}
    return facts | {"p": p, "adjusted_p": p, "decision": shown, "rule": "superior"}
