"""Near-duplicates: texts whose three-word shingles overlap, found by MinHash bands and then counted exactly.

128 minima in 32 bands of 4: two texts with Jaccard .7 share a band in 9,998 of 10,000 cases, and every candidate is verified on its shingles,
so that bands decide what is looked at and never what is similar.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pipeline.ngrams import Array, Ragged, mixed, windows, words

SHINGLE = 3  # words (signs in Chinese): one changed word changes three shingles
BANDS, ROWS = 32, 4
BLOCK = 1 << 13  # shingles a pass: they and their products stay in the first cache
SKETCH = 512  # smallest shingles that stand for a longer text: Jaccard within .03
PAIRS_AT_ONCE = 50_000
SEED = 20_211  # of the multipliers; with another one the keys of earlier days would not be found


def shingles(texts: list[str]) -> Ragged:
    """The shingles of each text; a text of one or two words is its own."""
    return windows(words(texts), SHINGLE, whole=True)


@cache
def _multipliers() -> tuple[Array, Array]:
    import numpy as np

    draw = np.random.default_rng(SEED)
    size = BANDS * ROWS
    return draw.integers(0, 2**32, size, dtype=np.uint32) | np.uint32(1), draw.integers(0, 2**32, size, dtype=np.uint32)


def keys(found: Ragged) -> Array:
    """The band keys of each text, (texts, 32) uint64: equal in a band where its four minima are. Of a text without shingles they are 0."""
    import numpy as np

    made = np.zeros((BANDS, len(found)), np.uint64)
    some = np.flatnonzero(found.lengths)
    small = (found.hashes >> np.uint64(32)).astype(np.uint32)
    for part in _blocks(found.starts[:-1][some], len(small)):
        texts, starts = some[part], found.starts[:-1][some[part]]
        minima = _minima(small[starts[0] : found.starts[texts[-1] + 1]], starts - starts[0])
        grouped = minima.reshape(BANDS, ROWS, len(texts)).astype(np.uint64)
        for row in range(ROWS):
            made[:, texts] = mixed((made[:, texts] ^ grouped[:, row]).ravel() + np.uint64(row + 1)).reshape(BANDS, -1)
    made[:, some] += np.arange(BANDS, dtype=np.uint64)[:, None]  # equal minima in two bands are two keys
    return np.ascontiguousarray(made.T)


def _blocks(starts: Array, end: int) -> Iterator[slice]:
    """Runs of texts that together hold about BLOCK shingles."""
    import numpy as np

    if not len(starts):
        return
    cuts = np.flatnonzero(np.diff(starts // BLOCK, prepend=-1))
    for low, high in zip(cuts, [*cuts[1:], len(starts)], strict=True):
        yield slice(low, high)


def _minima(small: Array, starts: Array) -> Array:
    """The smallest of each text's shingles under each of the 128 multipliers."""
    import numpy as np

    minima = np.empty((BANDS * ROWS, len(starts)), np.uint32)
    turned = np.empty_like(small)
    for which, (a, b) in enumerate(zip(*_multipliers(), strict=True)):
        np.multiply(small, a, out=turned)
        np.add(turned, b, out=turned)
        np.minimum.reduceat(turned, starts, out=minima[which])
    return minima


@dataclass(frozen=True)
class Pairs:
    """Texts that may be similar: `later[i]` and `earlier[i]`."""

    later: Array
    earlier: Array

    def __len__(self) -> int:
        return len(self.later)

    def where(self, chosen: Array) -> "Pairs":
        return Pairs(self.later[chosen], self.earlier[chosen])


def candidates(of: Array) -> Pairs:
    """Texts that share a band with an earlier one: with the first and with the last before it, so that a crowd costs no more than a line."""
    import numpy as np

    count = len(of)
    some = np.flatnonzero(of.any(axis=1))
    found = []
    for band in range(BANDS):
        column = of[some, band]
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        equal = np.concatenate([[False], ordered[1:] == ordered[:-1]])
        if not equal.any():
            continue
        first = np.maximum.accumulate(np.where(equal, 0, np.arange(len(order))))
        at = np.flatnonzero(equal)
        later = some[order[at]]
        found += [later * count + some[order[at - 1]], later * count + some[order[first[at]]]]
    codes = distinct(np.concatenate(found)) if found else np.zeros(0, np.int64)
    return Pairs(codes // max(count, 1), codes % max(count, 1))


def sketched(found: Ragged) -> Ragged:
    """Each text's different shingles, the smallest 512 of them."""
    import numpy as np

    once = _sets(found)
    return once.kept(np.arange(len(once.hashes)) - once.starts[:-1][once.owners] < SKETCH)


def jaccard(a: Ragged, b: Ragged, limit: Array | None = None) -> Array:
    """The share of shingles that text i of `a` and text i of `b` have in common; 1 where neither has any.

    limit: the largest shingle that counts of each pair, where something was taken out of the sketches since they were made.
    """
    import numpy as np

    parts = [_jaccard(a.taken(part), b.taken(part), None if limit is None else limit[part]) for part in _ranges(len(a))]
    return np.concatenate(parts) if parts else np.zeros(0)


def _ranges(count: int) -> Iterator[Array]:
    import numpy as np

    for start in range(0, count, PAIRS_AT_ONCE):
        yield np.arange(start, min(start + PAIRS_AT_ONCE, count))


def _jaccard(a: Ragged, b: Ragged, limit: Array | None) -> Array:
    """A pair's number stands above 44 bits of a shingle: one sort of each side then serves all pairs."""
    import numpy as np

    least = np.minimum(limits(a), limits(b)) if limit is None else limit
    sides = []
    for side in (a, b):
        owners = side.owners
        inside = side.hashes <= least[owners]
        sides.append(distinct((owners[inside].astype(np.uint64) << np.uint64(44)) | (side.hashes[inside] >> np.uint64(20))))
    both = np.sort(np.concatenate(sides))
    twice = both[1:][both[1:] == both[:-1]]
    shared = np.bincount((twice >> np.uint64(44)).astype(np.int64), minlength=len(a))
    union = np.bincount((both >> np.uint64(44)).astype(np.int64), minlength=len(a)) - shared
    return np.where(union > 0, shared / np.maximum(union, 1), 1.0)


def distinct(values: Array) -> Array:
    """The different values in order; numpy's own `unique` takes ten times as long."""
    import numpy as np

    ordered = np.sort(values)
    return ordered[np.concatenate([ordered[:1] == ordered[:1], ordered[1:] != ordered[:-1]])]


def limits(found: Ragged) -> Array:
    """The largest shingle that a sketch answers for; all of them where the text is no longer than a sketch."""
    import numpy as np

    limit = np.full(len(found), np.uint64(2**64 - 1))
    cut = np.flatnonzero(found.lengths >= SKETCH)
    for text in cut.tolist():
        of = distinct(found.of(text))
        limit[text] = of[SKETCH - 1] if len(of) >= SKETCH else limit[text]
    return limit


def overlapping(a: Ragged, b: Ragged, least: float) -> Pairs:
    """Every text of `a` and text of `b` at least so alike, by counting all shingles that they share: for few texts, of which none may slip by."""
    import numpy as np

    a, b = _sets(a), _sets(b)
    pairs, shared = _counted(a, b)
    union = a.lengths[pairs.later] + b.lengths[pairs.earlier] - shared
    return pairs.where(shared >= least * np.maximum(union, 1))


def sharing(a: Ragged, b: Ragged) -> Pairs:
    """Every text of `a` and text of `b` that have a hash in common."""
    return _counted(_sets(a), _sets(b))[0]


def _sets(found: Ragged) -> Ragged:
    """Each text's different hashes."""
    import numpy as np

    order = np.lexsort((found.hashes, found.owners))
    hashes, owners = found.hashes[order], found.owners[order]
    again = np.concatenate([[False], (hashes[1:] == hashes[:-1]) & (owners[1:] == owners[:-1])])[: len(hashes)]
    return Ragged(hashes, found.starts).kept(~again)


def _counted(a: Ragged, b: Ragged) -> tuple[Pairs, Array]:
    """Pairs of texts with something in common, and how much."""
    import numpy as np

    order = np.argsort(b.hashes, kind="stable")
    names, owners = b.hashes[order], b.owners[order]
    low, high = (np.searchsorted(names, a.hashes, side) for side in ("left", "right"))
    reach = high - low
    place = np.repeat(low, reach) + np.arange(reach.sum()) - np.repeat(np.cumsum(reach) - reach, reach)
    codes = np.repeat(a.owners, reach) * max(len(b), 1) + owners[place]
    pairs, shared = np.unique(codes, return_counts=True)
    return Pairs(pairs // max(len(b), 1), pairs % max(len(b), 1)), shared


def first_kept(pairs: Pairs, count: int) -> Array:
    """For each text the kept one that it repeats, or -1. pairs: verified, of texts in the order in which they are preferred.

    A text that repeats only one that was dropped itself is kept: similar is not transitive, and a chain must not empty a task.
    """
    import numpy as np

    like = np.full(count, -1, np.int64)
    order = np.lexsort((pairs.earlier, pairs.later))
    for later, earlier in zip(pairs.later[order].tolist(), pairs.earlier[order].tolist(), strict=True):
        if like[later] < 0 and like[earlier] < 0:
            like[later] = earlier
    return like
