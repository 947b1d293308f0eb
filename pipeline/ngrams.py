"""Texts as runs of words, hashed whole columns at a time: what looks for near-duplicates and for benchmark items counts the same words.

A word is a run of letters, digits and underscores, read without case (NFKC, casefold); in scripts without spaces it is one sign. A hash of
64 bits stands for each word, each window of words and each text.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

Array = Any
"""A numpy array; numpy is imported inside functions, as everything heavy is."""

SEPARATOR, LETTER, SIGN, END, UNSEEN = range(5)
SIGNS = ((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))  # kana and ideographs: written without spaces
AT_ONCE = 100_000  # characters a pass: its arrays of eight bytes stay near the processor
BLOCK = 1 << 15  # hashes a pass, likewise
WIDEST = 0x110000
LONGEST = 512  # letters whose place in a word counts: what is longer is no word


@dataclass(frozen=True)
class Ragged:
    """A list of hashes for each text, end to end: those of text i are `hashes[starts[i]:starts[i + 1]]`."""

    hashes: Array
    """uint64."""
    starts: Array
    """int64, one more than there are texts."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Array:
        return self.starts[1:] - self.starts[:-1]

    @property
    def owners(self) -> Array:
        """The text of each hash."""
        import numpy as np

        return np.repeat(np.arange(len(self)), self.lengths)

    def of(self, text: int) -> Array:
        return self.hashes[self.starts[text] : self.starts[text + 1]]

    def kept(self, chosen: Array) -> "Ragged":
        """Only the hashes for which `chosen` is true."""
        import numpy as np

        return Ragged(self.hashes[chosen], np.concatenate([[0], np.cumsum(chosen)])[self.starts])

    def taken(self, texts: Array) -> "Ragged":
        """The lists of these texts, in this order."""
        import numpy as np

        lengths = self.lengths[texts]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.repeat(self.starts[texts] - starts[:-1], lengths) + np.arange(starts[-1])
        return Ragged(self.hashes[places], starts)


def joined(parts: Sequence[Ragged]) -> Ragged:
    """The lists of all parts, one part after the other."""
    import numpy as np

    lengths = np.concatenate([np.zeros(1, np.int64), *(part.lengths for part in parts)])
    return Ragged(np.concatenate([np.zeros(0, np.uint64), *(part.hashes for part in parts)]), np.cumsum(lengths))


@dataclass(frozen=True)
class Words(Ragged):
    """The words of each text."""

    signs: Array
    """Whether each word is a single sign of a script without spaces."""


def words(texts: Sequence[str]) -> Words:
    """The words of all texts, hashed."""
    import numpy as np

    parts = [_words(part) for part in _parts(texts)]
    if not parts:
        return Words(np.zeros(0, np.uint64), np.zeros(1, np.int64), np.zeros(0, bool))
    counts = np.concatenate([counts for _, counts, _ in parts])
    return Words(
        np.concatenate([hashes for hashes, _, _ in parts]),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.concatenate([signs for _, _, signs in parts]),
    )


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for text in texts:
        part.append(text.replace("\0", " ") if "\0" in text else text)
        size += len(text)
        if size >= AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part


def _words(texts: list[str]) -> tuple[Array, Array, Array]:
    """(hash of each word, words of each text, whether each is a sign). One string goes through Unicode's tables, not a text at a time."""
    import numpy as np

    joined = unicodedata.normalize("NFKC", "\0".join(texts) + "\0").casefold()
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds, letters = _alphabet()
    kind = kinds[codes]
    if UNSEEN in kind:
        _learn(np.unique(codes[kind == UNSEEN]))
        kind = kinds[codes]
    letter, sign = kind == LETTER, kind == SIGN
    begins = letter.copy()
    begins[1:] &= ~letter[:-1]
    begins |= sign
    at = np.flatnonzero(begins)
    counts = np.diff(np.searchsorted(at, np.flatnonzero(kind == END)), prepend=0)
    if not len(at):
        return np.zeros(0, np.uint64), counts, np.zeros(0, bool)
    first = at[0]
    place = np.arange(first, len(codes)) - np.repeat(at, np.diff(at, append=len(codes)))
    np.minimum(place, LONGEST - 1, out=place)
    summed = letters[codes[first:]]
    summed *= _powers()[place]
    return mixed(np.add.reduceat(summed, at - first)), counts, sign[at]


@cache
def _alphabet() -> tuple[Array, Array]:
    """(what each character is, its random number); filled as characters are met. What is no part of a word counts 0."""
    import numpy as np

    return np.full(WIDEST, UNSEEN, np.uint8), np.zeros(WIDEST, np.uint64)


def _learn(codes: Array) -> None:
    """The same letters as `\\w` in Python's re."""
    import numpy as np

    kinds, letters = _alphabet()
    for code in codes.tolist():
        letter = chr(code).isalnum() or code == ord("_")
        kinds[code] = (SIGN if any(low <= code <= high for low, high in SIGNS) else LETTER) if letter else SEPARATOR
    kinds[0] = END
    known = codes[(kinds[codes] == LETTER) | (kinds[codes] == SIGN)]
    letters[known] = mixed((known.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))


@cache
def _powers() -> Array:
    """Odd random numbers for places."""
    import numpy as np

    return mixed(np.arange(1, LONGEST + 1, dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03)) | np.uint64(1)


def mixed(values: Array) -> Array:
    """Every bit of the result depends on every bit of the value (the finaliser of SplitMix64)."""
    import numpy as np

    done = np.empty_like(values)
    for start in range(0, len(values), BLOCK):
        x = values[start : start + BLOCK]
        x = x ^ (x >> np.uint64(30))
        x *= np.uint64(0xBF58476D1CE4E5B9)
        x ^= x >> np.uint64(27)
        x *= np.uint64(0x94D049BB133111EB)
        np.bitwise_xor(x, x >> np.uint64(31), out=done[start : start + BLOCK])
    return done


def windows(found: Ragged, size: int, whole: bool = False) -> Ragged:
    """Every run of `size` words of each text. whole: a shorter text gives one window, of all its words."""
    import numpy as np

    powers, n = _powers(), len(found.hashes)
    summed = np.zeros(n, np.uint64)
    for start in range(0, n - size + 1, BLOCK):
        end = min(start + BLOCK, n - size + 1)
        for step in range(size):
            summed[start:end] += found.hashes[start + step : end + step] * powers[step]
    left = np.repeat(found.starts[1:], found.lengths) - np.arange(n)
    fits = left >= size
    starts = np.concatenate([[0], np.cumsum(np.maximum(found.lengths - size + 1, 0))]).astype(np.int64)
    made = Ragged(mixed(summed[fits]), starts)
    short = (found.lengths > 0) & (found.lengths < size)
    return _widened(made, short, texts(found.taken(np.flatnonzero(short)))) if whole and short.any() else made


def _widened(made: Ragged, where: Array, one: Array) -> Ragged:
    """The lists, with one hash more for each text of `where`, which has none."""
    import numpy as np

    starts = np.concatenate([[0], np.cumsum(made.lengths + where)]).astype(np.int64)
    hashes = np.empty(starts[-1], np.uint64)
    alone = np.zeros(starts[-1], bool)
    alone[starts[:-1][where]] = True
    hashes[alone], hashes[~alone] = one, made.hashes
    return Ragged(hashes, starts)


def texts(found: Ragged) -> Array:
    """One hash for each text: equal where the words are. Of a text without words it is 0."""
    import numpy as np

    owners = found.owners
    place = (np.arange(len(found.hashes)) - found.starts[owners]).astype(np.uint64)
    salted = mixed(found.hashes + mixed(place + np.uint64(1)))
    sums = np.concatenate([[np.uint64(0)], np.cumsum(salted, dtype=np.uint64)])
    whole = sums[found.starts[1:]] - sums[found.starts[:-1]]
    return np.where(found.lengths > 0, mixed(whole), np.uint64(0))
