"""The shelf: band keys of earlier days' rows in sorted files, so that a day looks its own rows up and reads no other.

One box a pairs folder, made from its tables, and boxes of boxes for spans of 2, 4, 8 … days: a day opens as many as its history has binary
digits. All of it is derived, lies in home/cache/similar and may be deleted at any time; it is then made again.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.mine import prints, similar
from pipeline.mine.prints import Count, Prints
from pipeline.ngrams import Array, Ragged

SHAPE = 1  # raise it when boxes are written or keys are made in another way
CROWD = 64  # rows of one key that are looked at: more than a cap of rows a user leaves of one prompt
LEVELS = 22  # spans of up to 2**22 days: the calendar's whole length


@dataclass(frozen=True)
class Box:
    """Sorted keys of one or more pairs folders, and which row each belongs to."""

    path: Path

    @cached_property
    def ids(self) -> list[str]:
        return json.loads((self.path / "ids.json").read_text(encoding="utf-8"))

    def array(self, name: str) -> Array:
        import numpy as np

        return np.load(self.path / f"{name}.npy", mmap_mode="r")

    def list(self, name: str) -> Ragged:
        return Ragged(self.array(name), self.array(f"{name}_starts"))

    def find(self, kind: str, wanted: Array) -> tuple[Array, Array, Array]:
        """(place among `wanted`, which of the box's folders, row in it) of every equal key. kind: bands or chains; wanted in order."""
        import numpy as np

        keys, rows = self.array(kind), self.array(f"{kind}_rows")
        asking = _marked(self.array(f"{kind}_marks"), wanted)
        at = np.searchsorted(keys, wanted[asking])
        found: list[tuple[Array, Array]] = []
        for _ in range(CROWD):
            inside = at < len(keys)
            asking, at = asking[inside], at[inside]
            equal = keys[at] == wanted[asking]
            asking, at = asking[equal], at[equal]
            if not len(at):
                break
            found.append((asking, rows[at]))
            at = at + 1
        places = np.concatenate([p for p, _ in found]) if found else np.zeros(0, np.int64)
        row = np.concatenate([r for _, r in found]) if found else np.zeros(0, np.uint64)
        return places, (row >> np.uint64(32)).astype(np.int64), (row & np.uint64(2**32 - 1)).astype(np.int64)

    @property
    def counts(self) -> dict[str, Count]:
        heads = json.loads((self.path / "counts.json").read_text(encoding="utf-8"))
        shingles, seen = self.array("template"), self.array("template_seen")
        return {task: Count(n, shingles[low:high], seen[low:high]) for task, n, low, high in heads}


def single(place: Path, id: str, sums: object, rows: Sequence[dict[str, Any]], found: Prints) -> Box:
    """The box of one folder. rows: example_id, kind, task and lesson of each print."""
    import numpy as np

    def fill(folder: Path) -> None:
        lines = np.arange(len(rows), dtype=np.uint64)
        _sorted(folder, "bands", found.keys.ravel(), np.repeat(lines, similar.BANDS))
        _sorted(folder, "chains", found.chains.hashes, lines[found.chains.owners])
        for name, lists in (("last", similar.sketched(found.last)), ("rest", similar.sketched(found.rest))):
            np.save(folder / f"{name}.npy", lists.hashes)
            np.save(folder / f"{name}_starts.npy", lists.starts)
        np.save(folder / "lesson.npy", np.array([r["lesson"] for r in rows], np.uint64))
        for name in ("example_id", "kind", "task"):
            np.save(folder / f"{name}.npy", np.array([r[name] for r in rows], dtype=np.str_))
        _count(folder, prints.counted(prints.beside(found.last, found.rest), found.tasks))

    return _made(place, [(id, sums)], fill)


def merged(place: Path, names: Sequence[tuple[str, object]], parts: Sequence[Box]) -> Box:
    """One box of several; its folders in their order."""
    import numpy as np

    def fill(folder: Path) -> None:
        first = np.cumsum([0, *(len(p.ids) for p in parts)]).astype(np.uint64) << np.uint64(32)
        for kind in ("bands", "chains"):
            rows = [np.asarray(p.array(f"{kind}_rows")) + shift for p, shift in zip(parts, first, strict=False)]
            _sorted(folder, kind, np.concatenate([p.array(kind) for p in parts]), np.concatenate(rows))
        counts: dict[str, Count] = {}
        for part in parts:
            counts = prints.added(counts, part.counts)
        _count(folder, counts)

    return _made(place, names, fill)


def there(place: Path, names: Sequence[tuple[str, object]]) -> Box | None:
    path = _path(place, names)
    return Box(path) if (path / "ids.json").exists() else None


def _path(place: Path, names: Sequence[tuple[str, object]]) -> Path:
    return place / hashlib.sha256(json.dumps([SHAPE, names], sort_keys=True).encode()).hexdigest()[:24]


def _made(place: Path, names: Sequence[tuple[str, object]], fill: Any) -> Box:
    """Write a box whole under another name, then rename it: two processes may make the same one."""
    path = _path(place, names)
    draft = place / f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    draft.mkdir(parents=True)
    try:
        fill(draft)
        (draft / "ids.json").write_text(json.dumps([id for id, _ in names]), encoding="utf-8")
        os.rename(draft, path)
    except OSError:
        if not (path / "ids.json").exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Box(path)


def _sorted(folder: Path, kind: str, keys: Array, rows: Array) -> None:
    import numpy as np

    order = np.argsort(keys, kind="stable")  # the parts of a merge are runs in order, which a stable sort only joins
    np.save(folder / f"{kind}.npy", keys[order])
    np.save(folder / f"{kind}_marks.npy", _marks(keys[order]))
    np.save(folder / f"{kind}_rows.npy", rows[order].astype(np.uint64))


def _marks(keys: Array) -> Array:
    """A bit for each value that the first bits of a key may have, eight values a key: most keys that are not there are told by it alone."""
    import numpy as np

    bits = max(len(keys) * 8, 8).bit_length()
    place = keys >> np.uint64(64 - bits)
    marks = np.zeros(1 << (bits - 3), np.uint8)
    if len(keys):
        byte = (place >> np.uint64(3)).astype(np.int64)
        first = np.flatnonzero(np.diff(byte, prepend=-1))
        marks[byte[first]] = np.bitwise_or.reduceat(np.uint8(1) << (place & np.uint64(7)).astype(np.uint8), first)
    return marks


def _marked(marks: Array, wanted: Array) -> Array:
    """Places of the keys that may be there."""
    import numpy as np

    place = wanted >> np.uint64(64 - (len(marks) * 8).bit_length() + 1)
    byte = np.asarray(marks)[(place >> np.uint64(3)).astype(np.int64)]
    return np.flatnonzero((byte >> (place & np.uint64(7)).astype(np.uint8)) & 1)


def _count(folder: Path, counts: prints.Counts) -> None:
    import numpy as np

    heads, at = [], 0
    for task, count in sorted(counts.items()):
        heads.append((task, count.prompts, at, at := at + len(count.shingles)))
    for name, column in (("template", 1), ("template_seen", 2)):
        parts = [count[column] for _, count in sorted(counts.items())]
        np.save(folder / f"{name}.npy", np.concatenate(parts) if parts else np.zeros(0, np.uint64))
    (folder / "counts.json").write_text(json.dumps(heads), encoding="utf-8")


@dataclass(frozen=True)
class Span:
    """Days from `start` on (as ordinals), `size` of them, and the folders that they have."""

    start: int
    size: int
    days: dict[int, list[str]]

    @classmethod
    def all(cls, days: dict[date, list[str]]) -> "Span":
        return cls(0, 1 << LEVELS, {d.toordinal(): ids for d, ids in days.items() if ids})

    @property
    def ids(self) -> list[str]:
        return [id for _, ids in sorted(self.days.items()) for id in ids]

    @property
    def halves(self) -> list["Span"]:
        """The halves that have folders. A day's halves are its folders, one by one."""
        if self.size == 1:
            return [Span(self.start, 1, {self.start: [id]}) for id in self.ids]
        middle = self.start + self.size // 2
        low = {d: ids for d, ids in self.days.items() if d < middle}
        high = {d: ids for d, ids in self.days.items() if d >= middle}
        return [Span(start, self.size // 2, days) for start, days in ((self.start, low), (middle, high)) if days]

    def whole(self, first: int, last: int) -> Iterator["Span"]:
        """The largest spans that reach neither before nor beyond these days.

        A span begins at a multiple of its length, so tomorrow's are nearly the same ones: that makes a day's cost that of its own rows.
        """
        if not self.days:
            return
        if first <= self.start and self.start + self.size - 1 <= last:
            yield self
        else:
            for half in self.halves:
                yield from half.whole(first, last)
