"""How much of a benchmark item stands in other texts, by n-grams: what the gate distrusts and what mine leaves out count the same way.

13 words are the length that GPT-3's decontamination made usual; in scripts without spaces 10 signs say about as much. An n-gram in more than
10 items is their shared instruction and removed first. Half of what is left, found in one text, is a repeat and no chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from pipeline.ngrams import Array, Ragged, Words, texts, windows, words

GRAM, SIGNS_GRAM, SHORT_GRAM = 13, 10, 8
TEMPLATE_ITEMS = 10
COVER = 0.5


class Hit(NamedTuple):
    """A text that holds part of an item."""

    text: int
    item: int
    cover: float
    """The share of the item's own n-grams that stand in the text."""


@dataclass(frozen=True)
class Items:
    """Items by their n-grams. short: those of 8 to 12 words are looked for by 8 words; else they are not looked for in longer texts."""

    found: Words
    short: bool = False

    @classmethod
    def of(cls, asked: Sequence[str], short: bool = False) -> "Items":
        return cls(words(asked), short)

    @cached_property
    def sizes(self) -> Array:
        """Words of the n-grams that each item is looked for by."""
        import numpy as np

        lengths = self.found.lengths
        counted = np.concatenate([[0], np.cumsum(self.found.signs)])[self.found.starts]
        chinese = (counted[1:] - counted[:-1]) * 2 > lengths
        sizes = np.where(chinese, SIGNS_GRAM, GRAM)
        return np.where(self.short & ~chinese & (lengths < GRAM), SHORT_GRAM, sizes)

    @cached_property
    def own(self) -> dict[int, Ragged]:
        """For each length the items' n-grams that are no template; of items of another length there are none."""
        return {int(size): self._own(int(size)) for size in sorted(set(self.sizes.tolist()))}

    def _own(self, size: int) -> Ragged:
        import numpy as np

        grams = windows(self.found, size)
        grams = grams.kept((self.sizes == size)[grams.owners])
        names, which = np.unique(grams.hashes, return_inverse=True)
        once = np.unique(which * max(len(grams), 1) + grams.owners) // max(len(grams), 1)  # an item that repeats itself counts once
        spread = np.bincount(once, minlength=len(names))
        return grams.kept(spread[which] <= TEMPLATE_ITEMS) if len(names) else grams

    @cached_property
    def whole(self) -> Array:
        """One hash an item, of all its words; 0 where it has none."""
        return texts(self.found)

    def covered(self, others: Sequence[Words]) -> Array:
        """The share of each item's n-grams that stand anywhere in these texts, of every item."""
        import numpy as np

        cover = np.zeros(len(self.found))
        for size, own in self.own.items():
            known = np.concatenate([windows(w, size).hashes for w in others]) if others else np.zeros(0, np.uint64)
            there = np.bincount(own.owners, weights=np.isin(own.hashes, known), minlength=len(own))
            cover += there / np.maximum(own.lengths, 1)
        return cover

    def hits(self, others: Words) -> list[Hit]:
        """Every text that holds an n-gram of an item, with how much of the item it holds; by text, then by item."""
        return sorted(h for size, own in self.own.items() for h in _hits(own, windows(others, size)))

    def same(self, others: Words, least: int = 3) -> list[Hit]:
        """Texts that say an item word for word and nothing else. Of one or two words that is no finding."""
        import numpy as np

        places: dict[int, list[int]] = {}
        for item in np.flatnonzero(self.found.lengths >= least).tolist():
            places.setdefault(int(self.whole[item]), []).append(item)
        return [Hit(n, item, 1.0) for n, text in enumerate(texts(others).tolist()) for item in places.get(text, ())]


def _hits(own: Ragged, grams: Ragged) -> list[Hit]:
    import numpy as np

    order = np.argsort(own.hashes, kind="stable")
    names, owners = own.hashes[order], own.owners[order]
    wanted = np.flatnonzero(np.isin(grams.hashes, names))
    if not len(wanted):
        return []
    low, high = (np.searchsorted(names, grams.hashes[wanted], side) for side in ("left", "right"))
    reach = high - low
    place = np.repeat(low, reach) + np.arange(reach.sum()) - np.repeat(np.cumsum(reach) - reach, reach)
    text = np.repeat(grams.owners[wanted], reach)
    seen = np.unique(np.stack([text, place]), axis=1)  # an n-gram that the text repeats counts once
    codes, counts = np.unique(seen[0] * len(own) + owners[seen[1]], return_counts=True)
    held = codes % len(own)
    return [Hit(*found) for found in zip((codes // len(own)).tolist(), held.tolist(), (counts / own.lengths[held]).tolist(), strict=True)]
