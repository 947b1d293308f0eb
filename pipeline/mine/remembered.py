"""What earlier days taught or held out: today's rows are looked up there, so that no lesson is given twice and no test is taught."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import lineage
from pipeline.mine import prints, shelf, similar
from pipeline.mine.contexts import Message
from pipeline.mine.prints import Counts, Prints
from pipeline.mine.shelf import Box, Span
from pipeline.ngrams import Array, joined
from pipeline.settings import Settings

KINDS = ("sft", "dpo", "kto", "heldout")
HELD = "heldout"
SHARE = 0.05  # of prompts, in the boxes: what a recipe says otherwise moves candidates a little, never what is similar


class Match(NamedTuple):
    """A row of an earlier day that a row of today is like."""

    row: int
    """Today's."""
    day: date
    pairs: str
    example_id: str
    kind: str
    lesson: int
    alike: float
    """Jaccard of what varies of their prompts; 0 where they only open alike."""

    @property
    def name(self) -> str:
        return f"{self.pairs}/{self.example_id}"


def lesson(kind: str, label: bool | None, answers: Iterable[Message]) -> int:
    """What a row teaches, beside its prompt: a sign that differs is another lesson, white space is not."""
    said = [[" ".join(str(m.get("content") or "").split()), m.get("tool_calls")] for m in answers]
    text = json.dumps([kind, label, said], ensure_ascii=False)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def earlier(sealed: Iterable[dict[str, Any]], day: date, name: str, max_days: int | None) -> dict[date, list[str]]:
    """The pairs that a lesson looks back on, by day: each earlier day's latest, of this recipe's name where there are such, and every hotfix."""
    first = day - timedelta(days=max_days - 1) if max_days else date.min
    latest: dict[str, tuple] = {}
    found: dict[date, list[str]] = {}
    for m in sorted(sealed, key=lambda m: m["id"]):
        if not first <= date.fromisoformat(m["day"]) < day:
            continue
        if m["recipe"].get("mining", {}).get("only") == "hotfix":
            found.setdefault(date.fromisoformat(m["day"]), []).append(m["id"])
        else:
            standing = (m["recipe"].get("name") == name, m["finished"], m["id"])
            latest[m["day"]] = max(latest.get(m["day"], standing), standing)
    for of, standing in latest.items():
        found.setdefault(date.fromisoformat(of), []).append(standing[2])
    return {of: sorted(ids) for of, ids in sorted(found.items())}


@dataclass(frozen=True)
class Past:
    """Earlier days' rows behind their keys; empty on the first day."""

    boxes: tuple[Box, ...] = ()
    singles: dict[str, Box] = field(default_factory=dict)
    """The box of each folder, where its rows lie."""

    @property
    def counts(self) -> Counts:
        found: dict[str, prints.Count] = {}
        for box in self.boxes:
            found = prints.added(found, box.counts)
        return found

    def matches(self, today: Prints, least: float) -> list[Match]:
        """Rows with a similar prompt, and rows that open alike; by today's row, the newest first."""
        found = _Found([], [])
        for kind, keys, owners in (
            ("bands", today.keys.ravel(), _repeated(len(today))),
            ("chains", today.chains.hashes, today.chains.owners),
        ):
            order = keys.argsort(kind="stable")
            for box in self.boxes:
                places, folders, rows = box.find(kind, keys[order])
                found.add(kind, box.ids, folders, owners[order[places]], rows)
        return sorted(self._verified(found, today, least), key=lambda m: (m.row, -m.day.toordinal(), m.pairs, m.example_id))

    def _verified(self, found: "_Found", today: Prints, least: float) -> Iterable[Match]:
        near, opening = set(found.bands), set(found.chains)
        places = sorted(near | opening)
        if not places:
            return
        by_folder = {id: list(of) for id, of in groupby(places, key=lambda place: place[0])}
        days = {id: lineage.day_of(id) for id in by_folder}
        alike = _alike(today, [(self.singles[id], of) for id, of in by_folder.items()])
        facts = [fact for id, of in by_folder.items() for fact in _named(self.singles[id], of)]
        for place, share, fact in zip(places, alike.tolist(), facts, strict=True):
            is_near = place in near and share >= least
            if is_near or place in opening:
                yield Match(place[1], days[place[0]], place[0], *fact, alike=share if is_near else 0.0)


Place = tuple[str, int, int]
"""Folder, today's row, its row."""


def _named(box: Box, places: Sequence[Place]) -> Iterable[tuple[str, str, int]]:
    """(example id, kind, lesson) of the rows."""
    rows = [row for _, _, row in places]
    columns = (box.array(name)[rows].tolist() for name in ("example_id", "kind", "lesson"))
    return zip(*columns, strict=True)


@dataclass
class _Found:
    """What the keys gave."""

    bands: list[Place]
    chains: list[Place]

    def add(self, kind: str, ids: list[str], folders: Array, mine: Array, rows: Array) -> None:
        """Each place once: rows that are alike meet in many bands."""
        import numpy as np

        order = np.lexsort((rows, mine, folders))
        places = np.stack([folders, mine, rows], axis=1)[order]
        fresh = np.ones(len(places), bool)
        fresh[1:] = (places[1:] != places[:-1]).any(axis=1)
        getattr(self, kind).extend((ids[folder], row, its) for folder, row, its in places[fresh].tolist())


def _repeated(count: int) -> Array:
    import numpy as np

    return np.repeat(np.arange(count), similar.BANDS)


def _alike(today: Prints, places: Sequence[tuple[Box, Sequence[Place]]]) -> Array:
    """How alike the prompts are, under today's knowledge of templates: the last turns, and the whole prompts where more led to them."""
    import numpy as np

    mine = np.array([row for _, of in places for _, row, _ in of])
    rows = [np.array([row for _, _, row in of]) for _, of in places]
    tasks = [task for (box, _), which in zip(places, rows, strict=True) for task in box.array("task")[which].tolist()]
    raw = [joined([box.list(part).taken(which) for (box, _), which in zip(places, rows, strict=True)]) for part in ("last", "rest")]
    last, rest = (prints.varying(lists, tasks, today.counts, today.share) for lists in raw)
    known = [np.minimum(similar.limits(a.taken(mine)), similar.limits(b)) for a, b in zip((today.last, today.rest), raw, strict=True)]
    own = similar.jaccard(today.own.taken(mine), last, known[0])
    whole = similar.jaccard(today.whole.taken(mine), prints.beside(last, rest), np.minimum(*known))
    return np.minimum(own, whole)


def past(settings: Settings, days: dict[date, list[str]]) -> Past:
    """Open the boxes of these pairs, and make those that are missing."""
    if not days:
        return Past()
    place = settings.home / "cache" / "similar"
    place.mkdir(parents=True, exist_ok=True)
    singles = {id: kept(settings, id) for ids in days.values() for id in ids}
    sums = {id: digests(settings, id) for id in singles}
    return Past(tuple(_box(place, span, singles, sums) for span in _cut(days)), singles)


def _cut(days: dict[date, list[str]]) -> list[Span]:
    first, last = min(days).toordinal(), max(days).toordinal()
    return list(Span.all(days).whole(first, last))


def _box(place: Path, span: Span, singles: dict[str, Box], sums: dict[str, Any]) -> Box:
    ids = span.ids
    if len(ids) == 1:
        return singles[ids[0]]
    names = [(id, sums[id]) for id in ids]
    return shelf.there(place, names) or shelf.merged(place, names, list(_parts(place, span, singles, sums)))


def _parts(place: Path, span: Span, singles: dict[str, Box], sums: dict[str, Any]) -> Iterable[Box]:
    """The largest boxes that are there already: no step between is written that nobody would read."""
    for half in span.halves:
        names = [(id, sums[id]) for id in half.ids]
        known = singles[half.ids[0]] if len(names) == 1 else shelf.there(place, names)
        if known:
            yield known
        else:
            yield from _parts(place, half, singles, sums)


def digests(settings: Settings, id: str) -> dict[str, str]:
    """What the rows of a folder are: an erasure changes them, and so the names of the boxes that they lie in."""
    files = lineage.manifest(settings, id)["files"]
    return {kind: files.get(f"{kind}.parquet", "") for kind in KINDS}


def kept(settings: Settings, id: str) -> Box:
    """The box of one sealed pairs folder, made from its tables where it is not there yet."""
    place = settings.home / "cache" / "similar"
    place.mkdir(parents=True, exist_ok=True)
    names = [(id, digests(settings, id))]
    known = shelf.there(place, names)
    if known:
        return known
    rows = [_facts(kind, row) for kind in KINDS for row in stored(settings, id, kind)]
    return shelf.single(place, id, names[0][1], rows, prints.prints([r["said"] for r in rows], SHARE))


def _facts(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    messages = row.get("prompt") or row["messages"]
    answers = row["chosen"] + row["rejected"] if kind == "dpo" else row["completion"] if kind == "kto" else row["messages"][-1:]
    prompt = messages[:-1] if kind == "sft" else messages
    facts = {name: row[name] for name in ("example_id", "task")}
    return facts | {"kind": kind, "lesson": lesson(kind, row.get("label"), answers), "said": prints.said(row["task"], prompt)}


def stored(settings: Settings, id: str, kind: str) -> list[dict[str, Any]]:
    """The rows of one table of a sealed folder, as far as they are compared."""
    import pyarrow.parquet as pq

    path = lineage.folder(settings, id) / f"{kind}.parquet"
    wanted = ("example_id", "task", "messages", "prompt", "chosen", "rejected", "completion", "label")
    return pq.read_table(path, columns=[c for c in wanted if c in pq.read_schema(path).names]).to_pylist() if path.exists() else []
