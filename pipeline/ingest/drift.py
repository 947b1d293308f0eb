"""Has the log changed its shape? A batch's profile says which keys stand in which share of its lines, and of which types they are.

`changes` compares a profile with those of the days before. Only keys and the names of types are kept, never a value; keys are
counted by line, by app, by a message's role and by an event's kind, because those are what decides which keys there are.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pipeline.ingest.scrub import Scrubber

FIRST, STEP = 1000, 200  # every line of the first thousand, then one in two hundred: 6,000 of a million
DEEPEST, MOST_PATHS, MOST_APPS, LONGEST = 6, 2000, 50, 64  # a log that makes up keys must not make a profile grow
RARE, FEW = 0.01, 5  # a key in fewer lines than this is not kept: it may be one person's, and says nothing about the exporter
TYPES = {str: "text", bool: "true/false", int: "number", float: "number", dict: "object", list: "list", type(None): "null"}
WORD = re.compile(r"[a-z_]{1,24}")
LATE = "(late events)"

Json = dict[str, Any]


@dataclass
class Shape:
    """The keys of one app's lines. Counts are of lines, each weighed by how many it stands for."""

    lines: int = 0
    squares: int = 0
    """Sum of squared weights: lines² / squares is the number of equal lines that would know as much."""
    paths: dict[str, Counter[str]] = field(default_factory=dict)
    """path: lines that have it, under "", and lines in which it is of a type, under the type's name"""

    def see(self, line: Json, weight: int) -> None:
        self.lines += weight
        self.squares += weight * weight
        for path, types in _types(line).items():
            if path in self.paths or len(self.paths) < MOST_PATHS:
                counts = self.paths.setdefault(path, Counter())
                for name in ("", *types):
                    counts[name] += weight

    def add(self, other: "Shape") -> None:
        self.lines += other.lines
        self.squares += other.squares
        for path, counts in other.paths.items():
            if path in self.paths or len(self.paths) < MOST_PATHS:
                self.paths.setdefault(path, Counter()).update(counts)

    def as_json(self) -> Json:
        kept = {path: _common(counts, self.lines) for path, counts in sorted(self.paths.items())}
        return {"lines": self.lines, "squares": self.squares, "paths": {path: counts for path, counts in kept.items() if counts}}


class Profile:
    """What the lines of one batch look like, app by app."""

    def __init__(self) -> None:
        self._met = 0
        self._apps: dict[str, Shape] = {}

    def lines(self, bodies: Iterable[bytes | Json]) -> None:
        """Look at some of a batch's lines. Which ones is decided by their number alone, so it is the same every time."""
        import orjson

        for at, body in enumerate(bodies, self._met):
            self._met = at + 1
            if at >= FIRST and at % STEP:
                continue
            try:
                found = orjson.loads(body) if isinstance(body, bytes) else body
            except orjson.JSONDecodeError:
                continue
            if type(found) is dict:
                self.see(found, 1 if at < FIRST else STEP)

    def see(self, line: Json, weight: int = 1) -> None:
        """Count one line. Lines that are refused count too: a changed type is why they are. Without consent not even keys are looked at."""
        if line.get("consent") is False:
            return
        late = "kind" in line and "messages" not in line
        app = line.get("app")
        name = LATE if late else _named(app) if type(app) is str else "-"
        if name not in self._apps and len(self._apps) >= MOST_APPS:
            name = "(others)"
        self._apps.setdefault(name, Shape()).see(line, weight)

    def merge(self, other: "Profile") -> None:
        """Add what another part of the batch looked like."""
        self._met += other._met
        for name, shape in other._apps.items():
            self._apps.setdefault(name, Shape()).add(shape)

    def as_json(self) -> Json:
        """app: {lines, squares, paths: {path: {"": lines, type: lines}}}, rare keys left out."""
        return {name: shape.as_json() for name, shape in sorted(self._apps.items()) if shape.lines >= FEW}


def merged(profiles: list[Json]) -> Json:
    """Several batches of one day as one profile."""
    shapes: dict[str, Shape] = {}
    for profile in profiles:
        for name, found in profile.items():
            paths = {path: Counter(counts) for path, counts in found["paths"].items()}
            shapes.setdefault(name, Shape()).add(Shape(found["lines"], found["squares"], paths))
    return {name: shape.as_json() for name, shape in shapes.items()}


def _types(line: Json) -> dict[str, set[str]]:
    """Every path of one line and the types found there. `messages[user].content`: elements of a list are told apart by role or kind."""
    found: dict[str, set[str]] = {}
    todo: list[tuple[str, Any, int]] = [("", line, 0)]
    while todo and len(found) < MOST_PATHS:
        path, value, depth = todo.pop()
        if path:
            found.setdefault(path, set()).add(TYPES.get(type(value), "text"))
        if depth >= DEEPEST:
            continue
        if type(value) is dict:
            todo.extend((f"{path}.{_named(key)}" if path else _named(key), one, depth + 1) for key, one in value.items())
        elif type(value) is list:
            todo.extend((f"{path}[{_sort_of(one)}]", one, depth + 1) for one in value)
    return found


def _sort_of(element: Any) -> str:
    if type(element) is dict:
        for key in ("role", "kind"):
            if type(element.get(key)) is str and WORD.fullmatch(element[key]):
                return element[key]
    return ""


@lru_cache(maxsize=4096)
def _named(key: str) -> str:
    """A key as a word of a path: nothing personal in it, and no sign that paths are made of."""
    key = key[:LONGEST]
    if not key.isascii() or not key.isidentifier():
        key = "".join(c if c.isprintable() and c not in ".[]" else "·" for c in Scrubber().text(key))
    return key


def _common(counts: Counter[str], lines: int) -> dict[str, int]:
    """Counts without the types that hardly occur; empty where the key itself hardly does."""
    if counts[""] < least(lines):
        return {}
    return {name: n for name, n in sorted(counts.items()) if n >= least(counts[""])}


def least(lines: float) -> float:
    """Fewer lines than this out of `lines` are not kept in a profile."""
    return max(FEW, RARE * lines)
