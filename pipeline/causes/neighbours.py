"""Rows near lost items by their words (evidence D, "looks like"): single words and pairs of words, the rare ones weighing most.

Two views are kept apart: is the question like the task's questions, and is the wrong answer like the task's answers. Likeness is the cosine
of the two texts' words, weighed by log(texts / texts that hold it).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline import ngrams
from pipeline.causes.contrast import contrasts
from pipeline.causes.lost import Fallen, Item
from pipeline.causes.taught import Taught

Array = Any
Row = dict[str, Any]
VIEWS = ("asked", "answered")
NEAREST = 3  # rows of a task whose mean likeness stands for it: one may be chance
MOST_KEPT = 200  # kept items that serve as control; more make the interval no narrower than the lost items allow


@dataclass(frozen=True)
class Shelf:
    """Rows to look among, and the items that are looked up."""

    rows: Sequence[Taught]
    items: Sequence[Item]

    @cached_property
    def asked(self) -> Array:
        """Likeness of each item's question to each row's: items x rows."""
        return likeness([i.prompt for i in self.items], [r.asked for r in self.rows])

    @cached_property
    def answered(self) -> Array:
        """Likeness of the candidate's answer to each row's answer."""
        return likeness([i.response for i in self.items], [r.answer for r in self.rows])

    def nearest(self, item: int, most: int = 2) -> list[tuple[Taught, float, float]]:
        """The rows nearest to one item, with both likenesses; rows that share nothing are none."""
        together = self.asked[item] + self.answered[item]
        order = sorted(range(len(self.rows)), key=lambda r: (-together[r], self.rows[r].example_id))[:most]
        return [(self.rows[r], float(self.asked[item, r]), float(self.answered[item, r])) for r in order if together[r] > 0]


def looks(fallen: Fallen, rows: Sequence[Taught]) -> list[Row]:
    """How much more lost items resemble each task's rows than kept ones do, in both views, the clearest first; nothing of too few items."""
    tasks = sorted({row.task for row in rows})
    shelf = Shelf(rows, [*fallen.lost, *fallen.kept[:MOST_KEPT]])
    if not tasks or not fallen.lost:
        return []
    columns = [(task, view) for task in tasks for view in VIEWS]
    values = _by_task(shelf, columns)
    found = contrasts(values[: len(fallen.lost)], values[len(fallen.lost) :])
    if found is None:
        return []
    told = [
        {"task": task, "view": view, "lost": c.lost, "kept": c.kept, "difference": c.difference, "interval": list(c.interval), "p": c.p}
        for (task, view), c in zip(columns, found, strict=True)
    ]
    return sorted(told, key=lambda r: (r["p"], -r["difference"]))


def _by_task(shelf: Shelf, columns: list[tuple[str, str]]) -> Array:
    """Mean likeness of an item to the nearest rows of each task: items x columns."""
    import numpy as np

    tasks = np.array([row.task for row in shelf.rows])
    found = []
    for task, view in columns:
        near = getattr(shelf, view)[:, tasks == task]
        top = min(NEAREST, near.shape[1])
        found.append(np.sort(near, axis=1)[:, -top:].mean(1))
    return np.stack(found, axis=1)


def likeness(texts: Sequence[str], others: Sequence[str]) -> Array:
    """Cosine of weighed words and word pairs: texts x others, between 0 and 1."""
    import numpy as np

    text, word, size = _held([*texts, *others])
    total = len(texts) + len(others)
    weight = np.log(total / np.maximum(np.bincount(word, minlength=size), 1))
    norm = np.sqrt(np.bincount(text, weights=weight[word] ** 2, minlength=total))
    other = text >= len(texts)
    order = np.argsort(word[other], kind="stable")
    held, owners = word[other][order], text[other][order] - len(texts)
    found = np.zeros((len(texts), len(others)))
    mine = ~other
    starts = np.searchsorted(text[mine], np.arange(len(texts) + 1))
    for i in range(len(texts)):
        words = word[mine][starts[i] : starts[i + 1]]
        low, high = np.searchsorted(held, words, "left"), np.searchsorted(held, words, "right")
        places = np.repeat(low, high - low) + np.arange((high - low).sum()) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
        shared = np.repeat(weight[words] ** 2, high - low)
        found[i] = np.bincount(owners[places], weights=shared, minlength=len(others))
    return found / np.maximum(norm[: len(texts), None] * norm[None, len(texts) :], 1e-12)


def _held(texts: Sequence[str]) -> tuple[Array, Array, int]:
    """(text, number of the word or pair) of everything that each text holds, once, by text; and how many numbers there are."""
    import numpy as np

    single = ngrams.words(texts)
    pairs = ngrams.windows(single, 2)
    hashes = np.concatenate([single.hashes, pairs.hashes ^ np.uint64(1)])  # a pair is never taken for a word
    owners = np.concatenate([single.owners, pairs.owners])
    names, numbers = np.unique(hashes, return_inverse=True)
    once = np.unique(owners * max(len(names), 1) + numbers)
    return once // max(len(names), 1), once % max(len(names), 1), len(names)
