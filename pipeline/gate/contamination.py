"""Held-out prompts that the lesson has seen: a score on those measures memory."""

import itertools
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from pipeline.ngrams import texts, words
from pipeline.overlap import COVER, Items


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
    """Which held-out prompts stand in the lesson: the same words, or half of the n-grams of the user's last turn (see pipeline/overlap.py).

    N-grams that more than 10 held-out prompts share are left out: they are the task's instruction.
    """
    import numpy as np

    known = np.unique(texts(words(list(lesson.prompts))))
    whole = texts(words(heldout))
    exact = (whole != 0) & np.isin(whole, known)
    cover = Items.of([lesson.turn(text) for text in heldout]).covered([words([lesson.turn(text) for text in lesson.prompts])])
    return [bool(flag) for flag in exact | (cover >= COVER)]
