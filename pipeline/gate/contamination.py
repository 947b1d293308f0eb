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
    """Which held-out prompts stand in the lesson: the same words, or half of their 13-grams.

    N-grams that more than 10 held-out prompts share are left out: they are the task's instruction.
    """
    rows = [words(text) for text in lesson]
    exact = {_hash(row) for row in rows}
    known = {gram for row in rows for gram in _grams(row)}
    mine = [words(text) for text in heldout]
    spread = Counter(gram for row in mine for gram in set(_grams(row)))
    own = [[gram for gram in _grams(row) if spread[gram] <= TEMPLATE_ITEMS] for row in mine]
    return [_hash(row) in exact or _cover(grams, known) >= COVER for row, grams in zip(mine, own, strict=True)]


def _hash(row: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(row).encode()).hexdigest()


def _grams(row: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(row[i : i + GRAM]) for i in range(len(row) - GRAM + 1)]


def _cover(grams: Sequence[tuple[str, ...]], known: set[tuple[str, ...]]) -> float:
    return sum(gram in known for gram in grams) / len(grams) if grams else 0.0
