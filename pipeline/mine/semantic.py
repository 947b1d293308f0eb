"""Semantic duplicates: rows that teach the same about prompts that say the same in other words. The first is kept.

Prompts are compared without their task's template, by static embeddings, inside k-means clusters. Such vectors hardly see a "not" and no
number, so two rows are one lesson only where their answers agree as well: to the sign where a task's answers have a form, in meaning and in every
number where they are free.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.meaning import Table
from pipeline.mine import means, recalled, similar, spoken
from pipeline.mine.candidates import Candidate
from pipeline.mine.leaks import Neighbours
from pipeline.mine.marks import Drop
from pipeline.mine.recalled import Day
from pipeline.mine.spoken import Lesson, Vectors
from pipeline.ngrams import Array

AT_ONCE = 2048  # rows of a cluster that are compared with the others at one time: 8 MB of cosines for a cluster of a thousand


@dataclass(frozen=True)
class Meanings:
    """How semantic duplicates are found: from which cosine on, by which vectors, beside which earlier days."""

    least: float
    table: Table | None
    """None where nobody made the table: then nothing is found, and the batch says so."""
    days: tuple[Day, ...] = ()
    """Rows of earlier days, the newest first."""

    @property
    def name(self) -> list[Any]:
        """What decides the result beside the earlier pairs, for an id."""
        return [self.least, self.table.sha if self.table else None]

    def once(self, rows: Sequence[Candidate], near: Neighbours) -> tuple[list[Candidate], list[Drop]]:
        """The first of each lesson. A hotfix is never left out for another row. near: what knows the tasks' templates."""
        if self.table is None or not rows:
            return list(rows), []
        ordered = sorted(rows, key=lambda c: (not c.talk.hotfix, c.order))
        lessons = [_lesson(c) for c in ordered]
        vectors = spoken.vectors(lessons, near.prints.counts, near.mining.template_share, self.table)
        like = {n: lessons[first].name for n, first in self._today(vectors).items()}
        like |= recalled.told(vectors, self.days, self.least)
        kept, dropped = [], []
        for n, c in enumerate(ordered):
            if n in like and not c.talk.hotfix:
                dropped.append(Drop("semantic_duplicate", c, c.kind, like=like[n]))
            else:
                kept.append(c)
        return kept, dropped

    def _today(self, vectors: Vectors) -> dict[int, int]:
        """For each row that repeats an earlier one of the batch that is kept, that one."""
        import numpy as np

        like: dict[int, int] = {}
        for key in np.unique(vectors.keys[vectors.known]).tolist():
            group = np.flatnonzero((vectors.keys == key) & vectors.known)
            if len(group) > 1:
                first = similar.first_kept(_pairs(group, vectors, self.least), len(vectors.keys))
                like |= {n: int(first[n]) for n in np.flatnonzero(first >= 0).tolist()}
        return like


NONE = Meanings(1.0, None)


def _lesson(c: Candidate) -> Lesson:
    card = c.mark.card
    free = card is None or card.answer.format == "free"
    return Lesson(c.example_id, c.task, c.kind, c.label, tuple(c.context.messages), (c.answer,), (c.rejected,) if c.rejected else (), free)


def _pairs(group: Array, vectors: Vectors, least: float) -> similar.Pairs:
    """Near rows of a group, looked for inside its clusters."""
    import numpy as np

    cluster = means.clusters(vectors.prompts[group])
    found = []
    for number in np.unique(cluster).tolist():
        of = group[cluster == number]
        found += [_near(of, start, vectors, least) for start in range(0, len(of), AT_ONCE)]
    return similar.Pairs(np.concatenate([p.later for p in found]), np.concatenate([p.earlier for p in found]))


def _near(of: Array, start: int, vectors: Vectors, least: float) -> similar.Pairs:
    """Pairs of a cluster whose prompts are near, and whose answers are where these are free; the later one from `start` on."""
    import numpy as np

    block = of[start : start + AT_ONCE]
    near = (vectors.prompts[block] @ vectors.prompts[of].T >= least) & (block[:, None] > of[None, :])
    later, earlier = np.nonzero(near)
    later, earlier = block[later], of[earlier]
    alike = spoken.answered(vectors.answers[later], vectors.answers[earlier], least)
    return similar.Pairs(later[alike], earlier[alike])
