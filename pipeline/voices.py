"""How loud each voice is, and how loud it may be: pure arithmetic over weights by voice."""

from collections.abc import Iterable, Mapping

FEWEST = 2  # times an equal share: among three users a share of a tenth is nobody's fault


def falling(rank: int, free: int) -> float:
    """Weight of the rank-th row (from 1) of one voice: the first `free` count in full, then free / rank. The sum grows like a logarithm."""
    return min(1.0, free / rank)


def limit(share: float, voices: int) -> float:
    """The share that one voice may have among so many: the stated one, or twice an equal share where there are too few voices for it."""
    return min(1.0, max(share, FEWEST / voices)) if voices else 1.0


def level(weights: Iterable[float], share: float) -> float:
    """The most that one voice may weigh so that no voice has more than `share` of the sum after the cut.

    With the m loudest cut to c and `rest` for all others, c = share * (m * c + rest).
    """
    loudest = sorted(weights, reverse=True)
    rest = sum(loudest)
    if not loudest or loudest[0] <= share * rest:
        return loudest[0] if loudest else 0.0
    for cut, weight in enumerate(loudest, 1):
        rest -= weight
        if cut * share >= 1:
            break
        most = share * rest / (1 - cut * share)
        if cut == len(loudest) or most >= loudest[cut]:
            return most
    return loudest[-1]


def factors(weights: Mapping[str, float], share: float) -> dict[str, float]:
    """What each loud voice's rows are multiplied by; voices below the limit are left out."""
    heard = {voice: weight for voice, weight in weights.items() if weight > 0}
    most = level(heard.values(), limit(share, len(heard)))
    return {voice: most / weight for voice, weight in heard.items() if weight > most * (1 + 1e-9)}


def gini(weights: Iterable[float]) -> float:
    """Gini's coefficient (1912): 0 where all voices weigh the same, near 1 where one has everything."""
    ordered = sorted(weights)
    total, n = sum(ordered), len(ordered)
    if not total:
        return 0.0
    return sum((2 * i - n - 1) * weight for i, weight in enumerate(ordered, 1)) / (n * total)


def largest(weights: Iterable[float]) -> float:
    """The loudest voice's part of everything."""
    known = list(weights)
    return max(known) / sum(known) if known and sum(known) else 0.0
