"""Meanings of earlier days' rows: kept beside their keys in home/cache/similar, so that a day embeds its own rows and no other.

All of it is derived and may be deleted at any time; an erasure does. Today's row is a duplicate of the newest earlier day that has a prompt like
it, and only if that day teaches the same: else it is the users' last word again.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import lineage
from pipeline.meaning import Table
from pipeline.mine import remembered, spoken
from pipeline.mine.spoken import Lesson, Vectors
from pipeline.ngrams import Array
from pipeline.recipe import Task
from pipeline.settings import Settings

SHAPE = 1  # raise it when vectors are kept or keys are made in another way
KINDS = ("sft", "dpo", "kto")


@dataclass(frozen=True)
class Day:
    """The rows of one sealed pairs folder."""

    pairs: str
    path: Path

    @cached_property
    def vectors(self) -> Vectors:
        import numpy as np

        with np.load(self.path) as kept:
            arrays = {name: kept[name] for name in kept.files}
        wide = {name: arrays[name].astype(np.float32) for name in ("prompts", "answers")}
        return Vectors(arrays["names"].tolist(), arrays["keys"], arrays["groups"], wide["prompts"], wide["answers"])


def told(today: Vectors, days: Iterable[Day], least: float) -> dict[int, str]:
    """The earlier row that each of today's repeats."""
    import numpy as np

    like: dict[int, str] = {}
    open_ = today.known.copy()
    for day in days:
        for group in np.unique(today.groups[open_]).tolist():
            mine, theirs = np.flatnonzero(open_ & (today.groups == group)), np.flatnonzero(day.vectors.groups == group)
            near = today.prompts[mine] @ day.vectors.prompts[theirs].T >= least
            for n, row in zip(mine.tolist(), near, strict=True):
                if row.any():
                    open_[n] = False
                    like |= _taught(n, today, day, theirs[row], least)
    return like


def _taught(n: int, today: Vectors, day: Day, near: Array, least: float) -> dict[int, str]:
    """The first of a day's near rows that teaches the same."""
    its = day.vectors
    same = near[its.keys[near] == today.keys[n]]
    same = same[spoken.answered(its.answers[same], today.answers[[n] * len(same)], least)]
    return {n: f"{day.pairs}/{its.names[same[0]]}"} if len(same) else {}


def days(settings: Settings, pairs: Iterable[str], cards: Mapping[str, Task], table: Table) -> tuple[Day, ...]:
    """The folders' meanings, the newest first; what is missing is made from the tables."""
    newest = sorted(pairs, key=lambda id: (lineage.day_of(id), id), reverse=True)
    return tuple(Day(id, _kept(settings, id, cards, table)) for id in newest)


def _kept(settings: Settings, id: str, cards: Mapping[str, Task], table: Table) -> Path:
    import numpy as np

    place = settings.home / "cache" / "similar"
    forms = {name: card.answer.format for name, card in sorted(cards.items())}
    name = hashlib.sha256(json.dumps([SHAPE, id, remembered.digests(settings, id), table.sha, forms]).encode()).hexdigest()[:24]
    path = place / f"meanings-{name}.npz"
    if not path.exists():
        lessons = [_lesson(kind, row, cards) for kind in KINDS for row in remembered.stored(settings, id, kind)]
        box = remembered.kept(settings, id)
        found = spoken.vectors(lessons, box.counts, remembered.SHARE, table)
        narrow = {"prompts": found.prompts.astype(np.float16), "answers": found.answers.astype(np.float16)}
        draft = place / f".{path.name}.{os.getpid()}.tmp"
        with draft.open("wb") as file:
            np.savez(file, names=np.array(found.names, np.str_), keys=found.keys, groups=found.groups, **narrow)
        os.replace(draft, path)
    return path


def _lesson(kind: str, row: dict[str, Any], cards: Mapping[str, Task]) -> Lesson:
    card = cards.get(row["task"])
    messages = row["messages"] if kind == "sft" else row["prompt"]
    answer = messages[-1:] if kind == "sft" else row["chosen"] if kind == "dpo" else row["completion"]
    context = messages[:-1] if kind == "sft" else messages
    rejected = row["rejected"] if kind == "dpo" else []
    free = card is None or card.answer.format == "free"
    return Lesson(row["example_id"], row["task"], kind, row.get("label"), tuple(context), tuple(answer), tuple(rejected), free)
