"""Item values with wanted counts, so that a test reads like the tables it checks."""

from collections.abc import Mapping


def sides(lost: int, gained: int, n: int) -> tuple[list[float], list[float]]:
    """Champion's and candidate's values of n items, of which some were lost and some gained."""
    kept = [1.0] * (n - lost - gained)
    return [1.0] * lost + [0.0] * gained + kept, [0.0] * lost + [1.0] * gained + kept


def suite(counts: Mapping[str, tuple[int, int, int]]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Both sides of several abilities, from ability -> (lost, gained, n)."""
    both = {name: sides(*c) for name, c in counts.items()}
    return {n: a for n, (a, _) in both.items()}, {n: b for n, (_, b) in both.items()}
