"""Held-out prompts that the lesson has seen: a score on those measures memory."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

GRAM = 13  # words; the length that GPT-3's decontamination made usual
TEMPLATE_ITEMS = 10  # an n-gram in more held-out prompts than this is their shared instruction, not their content
COVER = 0.5
WORD = re.compile(r"[㐀-鿿぀-ヿ]|\w+")  # scripts without spaces count by the sign


def words(text: str) -> list[str]:
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def flagged(heldout: Sequence[str], lesson: Iterable[str]) -> list[bool]:
    """Which held-out prompts stand in the lesson: the same words, or half of their own words inside shared 13-grams.

    N-grams that more than 10 held-out prompts share are removed first: they are the task's instruction.
    """
    rows = [words(text) for text in lesson]
    exact = {_hash(row) for row in rows}
    known = {gram for row in rows for gram in _grams(row)}
    mine = [words(text) for text in heldout]
    spread = Counter(gram for row in mine for gram in set(_grams(row)))
    template = {gram for gram, count in spread.items() if count > TEMPLATE_ITEMS}
    return [_hash(row) in exact or _cover(row, known, template) >= COVER for row in mine]


def _hash(row: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(row).encode()).hexdigest()


def _grams(row: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(row[i : i + GRAM]) for i in range(len(row) - GRAM + 1)]


def _cover(row: Sequence[str], known: set[tuple[str, ...]], template: set[tuple[str, ...]]) -> float:
    """Share of the words outside templates that lie in a 13-gram which the lesson holds too."""
    own, covered = set(range(len(row))), set()
    for i, gram in enumerate(_grams(row)):
        place = set(range(i, i + GRAM))
        if gram in template:
            own -= place
        elif gram in known:
            covered |= place
    return len(covered & own) / len(own) if own else 0.0
