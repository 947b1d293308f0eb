"""Texts that are nearly the same, as cluster numbers."""

from collections.abc import Sequence

from pipeline.mine import similar

LEAST = 0.7  # Jaccard of three-word shingles, as for near-duplicate prompts


def clusters(texts: Sequence[str]) -> list[int]:
    """One number a text; texts with equal numbers are nearly equal, or linked by others that are."""
    if len(texts) < 2:
        return list(range(len(texts)))
    found = similar.shingles(list(texts))
    pairs = similar.candidates(similar.keys(found))
    alike = similar.jaccard(found.taken(pairs.later), found.taken(pairs.earlier)) >= LEAST
    first = list(range(len(texts)))
    for later, earlier in zip(pairs.later[alike].tolist(), pairs.earlier[alike].tolist(), strict=True):
        a, b = _root(first, later), _root(first, earlier)
        first[max(a, b)] = min(a, b)
    return [_root(first, text) for text in range(len(texts))]


def _root(first: list[int], text: int) -> int:
    while first[text] != text:
        first[text] = first[first[text]]
        text = first[text]
    return text
