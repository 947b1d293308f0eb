"""Fingerprints of prompts: the shingles of the part that varies, and the band keys by which days find one another's rows.

A task's prompts often share an instruction. Shingles that stand in more than a twentieth of a task's different prompts are that template and
say nothing of the prompt; what is left is compared. A prompt that is all template is compared whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from pipeline.mine import similar
from pipeline.mine.contexts import Message, asked
from pipeline.ngrams import Array, Ragged, texts, words

FEW = 2  # prompts: what only two share may be a near-duplicate as well as a template, and must be seen
RARE = 0.01  # of the prompts: what fewer share is not remembered as a coming template
OPENING_WORDS = 3  # "hi" and "hello there" start a fifth of all talks and make none of them a copy of another
COMMON_OPENING = 10  # conversations of a day: an opening that more share, and more than a template's share, is a script


class Said(NamedTuple):
    """A prompt as it is compared."""

    task: str
    last: str
    """The user's last turn."""
    rest: str
    """What led to it, without system texts."""
    asked: tuple[str, ...]
    """Every question on the way with what led to it, as `contexts.asked` writes it."""


def said(task: str, messages: Sequence[Message]) -> Said:
    turns = [m for m in messages if m["role"] != "system"]
    at = max((n for n, m in enumerate(turns) if m["role"] == "user"), default=-1)
    rest = "\n".join(str(m["content"] or "") for n, m in enumerate(turns) if n != at)
    chain = tuple(asked(list(turns[: n + 1])) for n, m in enumerate(turns) if m["role"] == "user")
    return Said(task, str(turns[at]["content"] or "") if at >= 0 else "", rest, chain)


class Count(NamedTuple):
    """How many different prompts of a task were seen, and how often the shingles that several of them share."""

    prompts: int
    shingles: Array
    """uint64, in order."""
    seen: Array


Counts = Mapping[str, Count]


def added(a: Counts, b: Counts) -> dict[str, Count]:
    return dict(a) | {task: _added(a[task], count) if task in a else count for task, count in b.items()}


def _added(a: Count, b: Count) -> Count:
    import numpy as np

    names, which = np.unique(np.concatenate([a.shingles, b.shingles]), return_inverse=True)
    seen = np.bincount(which, weights=np.concatenate([a.seen, b.seen]), minlength=len(names)).astype(np.int64)
    return Count(a.prompts + b.prompts, names, seen)


def counted(found: Ragged, tasks: Sequence[str]) -> dict[str, Count]:
    """Count each task's shingles over its different prompts."""
    import numpy as np

    whole, named = texts(found), np.asarray(tasks, dtype=object)
    counts = {}
    for task in sorted(set(tasks)):
        of = np.flatnonzero((named == task) & (found.lengths > 0))
        of = of[np.sort(np.unique(whole[of], return_index=True)[1])]
        least = max(FEW + 1, RARE * len(of))
        counts[task] = Count(len(of), *_frequent(found.taken(of), least))
    return counts


def _frequent(found: Ragged, least: float) -> tuple[Array, Array]:
    """Shingles that stand in at least so many texts. A coarse count first: it rules out nearly all of them without a sort."""
    import numpy as np

    bucket = (found.hashes >> np.uint64(44)).astype(np.int64)
    often = np.bincount(bucket, minlength=1 << 20)[bucket] >= least
    few = found.kept(often)
    names, which = np.unique(few.hashes, return_inverse=True)
    once = np.unique(which * max(len(found), 1) + few.owners) // max(len(found), 1)
    seen = np.bincount(once, minlength=len(names))
    return names[seen >= least], seen[seen >= least]


def varying(found: Ragged, tasks: Sequence[str], counts: Counts, share: float) -> Ragged:
    """The lists without their task's template; a list that is nothing else stays whole."""
    import numpy as np

    named, owners = np.asarray(tasks, dtype=object), found.owners
    template = np.zeros(len(found.hashes), bool)
    for task, count in counts.items():
        known = count.shingles[count.seen > max(FEW, share * count.prompts)]
        if len(known):
            of = (named == task)[owners]
            template[of] = np.isin(found.hashes[of], known)
    left = np.bincount(owners[~template], minlength=len(found))
    return found.kept(~template | (left == 0)[owners])


@dataclass(frozen=True)
class Prints:
    """The fingerprints of a list of prompts."""

    tasks: tuple[str, ...]
    last: Ragged
    """All shingles of the last turn."""
    rest: Ragged
    chains: Ragged
    """Hashes of the questions on the way that are long enough to tell."""
    counts: Counts
    """Of these prompts and of those before them."""
    share: float

    @cached_property
    def own(self) -> Ragged:
        """What varies of the last turn."""
        return varying(self.last, self.tasks, self.counts, self.share)

    @cached_property
    def whole(self) -> Ragged:
        """What varies of the whole prompt."""
        return beside(self.own, varying(self.rest, self.tasks, self.counts, self.share))

    @cached_property
    def keys(self) -> Array:
        return similar.keys(self.own)

    def __len__(self) -> int:
        return len(self.tasks)


def prints(prompts: Sequence[Said], share: float, past: Counts | None = None) -> Prints:
    """past: what is known of the tasks' templates from earlier days; a small day learns from it."""
    tasks = tuple(p.task for p in prompts)
    last, rest = (similar.shingles([getattr(p, part) for p in prompts]) for part in ("last", "rest"))
    counts = added(past or {}, counted(beside(last, rest), tasks))
    return Prints(tasks, last, rest, chains(prompts), counts, share)


def beside(a: Ragged, b: Ragged) -> Ragged:
    """The lists of `a`, each followed by that of `b`."""
    import numpy as np

    starts = a.starts + b.starts
    hashes = np.empty(starts[-1], np.uint64)
    hashes[np.arange(len(a.hashes)) + b.starts[:-1][a.owners]] = a.hashes
    hashes[np.arange(len(b.hashes)) + a.starts[1:][b.owners]] = b.hashes
    return Ragged(hashes, starts)


def chains(prompts: Sequence[Said]) -> Ragged:
    """The questions on the way as hashes: two prompts of one conversation tree have the first of them in common."""
    import numpy as np

    entries = [entry for p in prompts for entry in p.asked]
    found = words(entries)
    long = (
        found.lengths - np.array([entry.count("\n") + 1 for entry in entries], np.int64) >= OPENING_WORDS
    )  # each line opens with its role
    starts = np.concatenate([[0], np.cumsum([len(p.asked) for p in prompts])]).astype(np.int64)
    return Ragged(texts(found), starts).kept(long)
