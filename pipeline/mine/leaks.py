"""What keeps tests and lessons apart, and lessons from repeating one another: today's candidates beside each other and beside earlier days.

The unit that a split may not cut is a conversation tree, a user, and a cluster of near-duplicates. Users are drawn (splits.py); here go the rows
that stand on the wrong side of a tree or a cluster: of today's the training row, of a test that an earlier day taught the test.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pipeline.mine import prints, similar
from pipeline.mine.candidates import Candidate
from pipeline.mine.marks import Drop
from pipeline.mine.prints import COMMON_OPENING, Prints
from pipeline.mine.remembered import HELD, Match, Past, lesson
from pipeline.mine.similar import Pairs
from pipeline.ngrams import Array, Ragged
from pipeline.recipe import Mining

Sifted = tuple[list[Candidate], list[Drop]]
NOTHING = Past()


@dataclass
class Neighbours:
    """Today's candidates for training and testing, and who of them is near whom."""

    candidates: Sequence[Candidate]
    mining: Mining
    past: Past = NOTHING
    _place: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._place = {id(c): n for n, c in enumerate(self.candidates)}

    @property
    def least(self) -> float:
        """How alike near-duplicates are; above 1, nothing is."""
        return 2.0 if self.mining.near_duplicate is None else self.mining.near_duplicate

    @cached_property
    def prints(self) -> Prints:
        found = [prints.said(c.task, c.context.messages) for c in self.candidates]
        return prints.prints(found, self.mining.template_share, self.past.counts)

    @cached_property
    def matches(self) -> Mapping[int, list[Match]]:
        """Rows of earlier days that each of today's is like, the newest first."""
        found: dict[int, list[Match]] = {}
        for match in self.past.matches(self.prints, self.least) if self.past.boxes else ():
            if match.alike or match.row in self._openers:
                found.setdefault(match.row, []).append(match)
        return found

    @cached_property
    def _openers(self) -> set[int]:
        """Rows whose talk does not open as a script does."""
        chains = self._chains
        return set(chains.owners.tolist())

    @cached_property
    def _chains(self) -> Ragged:
        """The questions on the way, without those that many of the day's conversations share."""
        import numpy as np

        chains = self.prints.chains
        talks = {t: n for n, t in enumerate(dict.fromkeys(c.talk.conversation_id for c in self.candidates))}
        whose = np.array([talks[c.talk.conversation_id] for c in self.candidates], np.int64)[chains.owners]
        names, which = np.unique(chains.hashes, return_inverse=True)
        spread = np.bincount(np.unique(which * max(len(talks), 1) + whose) // max(len(talks), 1), minlength=len(names))
        common = spread > max(COMMON_OPENING, self.mining.template_share * len(talks))
        return chains.kept(~common[which]) if len(names) else chains

    def tests(self, items: Iterable[Candidate]) -> Sifted:
        """Held-out items of which no earlier day taught anything like it: the model in service knows those answers."""
        kept, dropped = [], []
        for c in items:
            taught = next((m for m in self.matches.get(self._place[id(c)], ()) if m.kind != HELD), None)
            if taught:
                dropped.append(Drop("taught_before", c, c.kind, like=taught.name))
            else:
                kept.append(c)
        return kept, dropped

    def apart(self, rows: Iterable[Candidate], items: Sequence[Candidate]) -> Sifted:
        """Rows that are like no held-out item, of today or of an earlier day, and open no talk as one does."""
        rows = list(rows)
        near = self._crossing(rows, items)
        kept, dropped = [], []
        for c in rows:
            held = next((m.name for m in self.matches.get(self._place[id(c)], ()) if m.kind == HELD), None)
            like = near.get(id(c)) or held
            if like:
                dropped.append(Drop("held_out_near", c, c.kind, like=like))
            else:
                kept.append(c)
        return kept, dropped

    def _crossing(self, rows: Sequence[Candidate], items: Sequence[Candidate]) -> dict[int, str]:
        """The held-out item of today that a row is like: every pair that shares a shingle is counted, none is left to chance."""
        if not rows or not items:
            return {}
        mine, tested = self._places(rows), self._places(items)
        found = similar.overlapping(self.prints.own.taken(mine), self.prints.own.taken(tested), self.least)
        found = found.where(self._whole(mine[found.later], tested[found.earlier]) >= self.least)
        opening = similar.sharing(self._chains.taken(mine), self._chains.taken(tested))
        near: dict[int, str] = {}
        for pairs in (found, opening):
            for row, item in zip(pairs.later.tolist(), pairs.earlier.tolist(), strict=True):
                near.setdefault(id(rows[row]), items[item].example_id)
        return near

    def _places(self, of: Sequence[Candidate]) -> Array:
        import numpy as np

        return np.array([self._place[id(c)] for c in of], np.int64)

    def _whole(self, a: Array, b: Array) -> Array:
        return similar.jaccard(self.prints.whole.taken(a), self.prints.whole.taken(b))

    def once(self, rows: Sequence[Candidate]) -> Sifted:
        """The first of each lesson: rows with a near-duplicate prompt and the very same answer. A hotfix is never left out for another row.

        An earlier day's row stands for today's unless a newer one says otherwise of such a prompt: then it is the users' last word again.
        """
        import numpy as np

        ordered = sorted(rows, key=lambda c: (not c.talk.hotfix, c.order))
        places = self._places(ordered)
        lessons = np.array([_lesson(c) for c in ordered], np.uint64)
        keys = self.prints.keys[places] if ordered else np.zeros((0, similar.BANDS), np.uint64)
        salted = np.where(keys.any(axis=1)[:, None], keys ^ lessons[:, None], np.uint64(0))
        like = similar.first_kept(self._alike(similar.candidates(salted), places, lessons), len(ordered))
        kept, dropped = [], []
        for n, c in enumerate(ordered):
            first = ordered[like[n]].example_id if like[n] >= 0 else self._told(c, int(lessons[n]))
            if first and not c.talk.hotfix:
                dropped.append(Drop("near_duplicate", c, c.kind, like=first))
            else:
                kept.append(c)
        return kept, dropped

    def _alike(self, pairs: Pairs, places: Array, lessons: Array) -> Pairs:
        pairs = pairs.where(lessons[pairs.later] == lessons[pairs.earlier])
        a, b = places[pairs.later], places[pairs.earlier]
        pairs = pairs.where(similar.jaccard(self.prints.own.taken(a), self.prints.own.taken(b)) >= self.least)
        return pairs.where(self._whole(places[pairs.later], places[pairs.earlier]) >= self.least)

    def _told(self, c: Candidate, taught: int) -> str | None:
        """The row of the newest day that has one like this, if it teaches the same."""
        before = [m for m in self.matches.get(self._place[id(c)], ()) if m.kind == c.kind and m.alike]
        return next((m.name for m in before if m.day == before[0].day and m.lesson == taught), None)


def _lesson(c: Candidate) -> int:
    return lesson(c.kind, c.label, [m for m in (c.answer, c.rejected) if m is not None])
