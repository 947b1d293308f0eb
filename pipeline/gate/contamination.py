"""Held-out prompts that the lesson has seen: a score on those measures memory."""

import hashlib
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

GRAM = 13  # words; the length that GPT-3's decontamination made usual
TEMPLATE_ITEMS = 10  # an n-gram in more held-out prompts than this is their shared instruction, not their content
COVER = 0.5
WORD = re.compile(r"[㐀-鿿぀-ヿ]|\w+")  # scripts without spaces count by the sign


def words(text: str) -> list[str]:
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


@dataclass(frozen=True)
class Lesson:
    """What the candidate was taught on: its prompts as the model read them, and how to find the user's last words in such a text."""

    prompts: Collection[str] = ()
    turn: Callable[[str], str] = str


def last_turn(render: Callable[[list[dict]], str]) -> Callable[[str], str]:
    """A function that finds the last user turn in a rendered prompt, learnt by rendering a conversation of known words.

    A template's frame stands around every prompt: counted in, it would make thirteen words out of six.
    """
    known = ["first-turn", "its-answer", "second-turn"]
    roles = ("user", "assistant", "user")
    text = render([{"role": role, "content": word} for role, word in zip(roles, known, strict=True)])
    if any(text.count(word) != 1 for word in known):
        return str
    before, between, after = (re.split("|".join(known), text)[i] for i in (0, 2, 3))
    shared = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(before[::-1], between[::-1], strict=False))
    opening = "".join(letter for letter, _ in shared)[::-1]
    return (lambda prompt: prompt.removesuffix(after).rpartition(opening)[2]) if opening else (lambda prompt: prompt.removesuffix(after))


def flagged(heldout: Sequence[str], lesson: Lesson) -> list[bool]:
    """Which held-out prompts stand in the lesson: the same words, or half of the 13-grams of the user's last turn.

    N-grams that more than 10 held-out prompts share are left out: they are the task's instruction.
    """
    exact = {_hash(words(text)) for text in lesson.prompts}
    known = {gram for text in lesson.prompts for gram in _grams(words(lesson.turn(text)))}
    mine = [_grams(words(lesson.turn(text))) for text in heldout]
    spread = Counter(gram for grams in mine for gram in set(grams))
    own = [[gram for gram in grams if spread[gram] <= TEMPLATE_ITEMS] for grams in mine]
    return [
        (_hash(words(text)) in exact and bool(words(text))) or _cover(grams, known) >= COVER
        for text, grams in zip(heldout, own, strict=True)
    ]


def _hash(row: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(row).encode()).hexdigest()


def _grams(row: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(row[i : i + GRAM]) for i in range(len(row) - GRAM + 1)]


def _cover(grams: Sequence[tuple[str, ...]], known: set[tuple[str, ...]]) -> float:
    return sum(gram in known for gram in grams) / len(grams) if grams else 0.0
