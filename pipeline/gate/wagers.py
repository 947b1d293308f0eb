"""Bets on a collapse, and on the absence of a loss, that may be looked at after every item: wealth of 1/alpha is proof, whenever it comes."""

import math
from collections.abc import Sequence

COLLAPSE_BETS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6)
ACCEPT_BETS = (0.02, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6)


def collapse(lost: int, gained: int) -> float:
    """Wealth of the bet that more items are lost than gained; above 1/alpha with probability alpha at most, over all times (Ville).

    Waudby-Smith & Ramdas, 2010.09686. It finds a fall of eight points after 7% of the items and misses small ones: an alarm, no main test.
    """
    return _mean([lost * math.log1p(bet) + gained * math.log1p(-bet) for bet in COLLAPSE_BETS])


def accept(lost: int, gained: int, n: int, margin: float) -> float:
    """Wealth of the bet that the drop is below the margin, from counts of 0/1 items."""
    kept = n - lost - gained
    return _mean(
        [
            lost * math.log1p(bet * (margin - 1)) + gained * math.log1p(bet * (margin + 1)) + kept * math.log1p(bet * margin)
            for bet in ACCEPT_BETS
        ]
    )


def _mean(logs: Sequence[float]) -> float:
    """The mean of exp(logs) without overflow on the way; infinity where it would not fit."""
    top = max(logs)
    log = top + math.log(math.fsum(math.exp(x - top) for x in logs) / len(logs))
    return math.exp(log) if log < 700 else math.inf


def collapsed_at(differences: Sequence[float], alpha: float) -> int | None:
    """After how many items a collapse is proved; None where it never is."""
    lost = gained = 0
    for n, d in enumerate(differences, 1):
        lost, gained = lost + (d > 0), gained + (d < 0)
        if d > 0 and lost > gained and collapse(lost, gained) >= 1 / alpha:
            return n
    return None
