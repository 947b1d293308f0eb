"""Try a remedy: make its lesson, train it, look at it on the dev half; what was tried is written down, so that a killed repair goes on."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import beside, lineage
from pipeline.commands import choice, lessons
from pipeline.commands.remedies import Remedy
from pipeline.errors import Permanent
from pipeline.gate import run as gate
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.report.words import lasting
from pipeline.settings import Settings
from pipeline.spec import Slice

Row = dict[str, Any]
FIRST = "as it was"
"""The blocked candidate itself on the dev half: what the gain of every try is measured beside."""


@dataclass
class Trials:
    """All tries at one verdict. Seconds count over kills: what was spent is part of what was written down."""

    settings: Settings
    verdict: str
    tasks: list[str] | None
    """What the blocked lesson was for: its gain is theirs. None = every task."""
    blocked: Recipe
    """Its recipe, with the tasks put back that the model in service was taught and it left out."""
    model: str
    mix: str
    """The lesson that remedies cut and teach."""
    stage: lessons.Stage
    minutes: float
    look: Callable[[str, Recipe, Settings], Row] = gate.look
    done: dict[str, Row] = field(default_factory=dict)
    skipped: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.path.exists():
            known = json.loads(self.path.read_text(encoding="utf-8"))
            self.done = {t["name"]: t for t in known if "failed" in t or lineage.sealed(self.settings, t["scores"])}

    @property
    def path(self) -> Path:
        return beside.folder(self.settings, "repair", self.verdict) / "tries.json"

    @property
    def spent(self) -> float:
        return math.fsum(t["seconds"] for t in self.done.values())

    @property
    def left(self) -> float:
        """Seconds of the budget that are left; one evaluation of the held half is kept back for the winner."""
        return 60 * self.minutes - self.spent - self.asking

    @property
    def asking(self) -> float:
        """What one evaluation of a half takes: as measured here, else half of what the blocked candidate's took."""
        seen = [t["asked"] for t in self.done.values() if "asked" in t and t["name"] != FIRST]
        if seen:
            return max(seen)
        scores = lineage.manifest(self.settings, self.verdict)["scores"]["candidate"]
        return lineage.lasted(lineage.manifest(self.settings, scores)) / 2

    def costs(self, remedy: Remedy, mix: str | None = None) -> float:
        """Seconds that a try is expected to take: an evaluation, and for a mix its tokens at the slowest pace seen so far."""
        if not mix or remedy.scale is not None:
            return self.asking
        paces = []
        for model in (self.model, *(t["model"] for t in self.done.values() if "taught" in t)):
            lesson = lineage.lesson(self.settings, model)
            assert lesson, "what is repaired has a lesson"
            paces.append(float(lineage.manifest(self.settings, model)["seconds"]) / max(1, self._tokens(lesson)))
        return self.asking + max(paces) * self._tokens(mix)

    def _tokens(self, mix: str) -> int:
        """Tokens of a lesson that are read in all its passes."""
        return int(lineage.manifest(self.settings, mix)["counts"]["total"].get("trained_tokens", 0))

    def attempt(self, remedy: Remedy, spare: float = 0.0) -> Row | None:
        """One try, from its recipe to a look at its dev half; None where the time does not reach. A try that was made is not made again.

        spare: seconds to leave for what comes after it.
        """
        lesson = lessons.write(
            self.settings, remedy.lesson(self.blocked, "dev"), f"{self.blocked.name}, repaired for {self.verdict}: {remedy.does}"
        )
        known = self.done.get(remedy.name)
        if known and known["recipe"] == lesson.name:
            return known
        left, start = max(0.0, self.left - spare), time.monotonic()
        found: Row = {"name": remedy.name, "does": remedy.does, "recipe": lesson.name, "scale": remedy.scale, "of": remedy.of}
        try:
            mix = self._mixed(remedy, lesson)
        except Permanent as error:
            return self._failed(found, error, start)
        wanted = self.costs(remedy, mix)
        if wanted > left:
            why = f"{remedy.name}: about {lasting(wanted)} needed, {lasting(left)} of {self.minutes:g} min left"
            why += f" beside {lasting(spare)} for strengths of what was taught" if spare else ""
            self.skipped.append({"name": remedy.name, "does": remedy.does, "why": why, "time": True})
            say(f"repair: {why}")
            return None
        say(f"repair: {remedy.name}: {remedy.does}")
        try:
            found |= self._made(remedy, lesson, mix)
        except Permanent as error:
            return self._failed(found, error, start)
        return self._keep(found, start)

    def _failed(self, found: Row, error: Permanent, start: float) -> Row:
        found["failed"] = str(error).splitlines()[0]
        say(f"repair: {found['name']} could not be tried: {found['failed']}")
        return self._keep(found, start)

    def _mixed(self, remedy: Remedy, lesson: Recipe) -> str | None:
        """The lesson to teach, made before its time is asked for: its tokens say what it will cost. None where nothing is taught."""
        if remedy.scale is not None or remedy.name == FIRST:
            return None
        return self.stage("mix", [self.mix], lesson)["id"] if lesson.mixing.slice != Slice() else self.mix

    def _made(self, remedy: Remedy, lesson: Recipe, mix: str | None) -> Row:
        found: Row = {}
        model = self.done[remedy.of]["model"] if remedy.of else self.model
        start = time.monotonic()
        if remedy.scale is not None:
            found["model"] = self.stage("train", [model], lesson)["id"]
        elif mix:
            found["mix"] = mix
            found["model"] = self.stage("train", [mix], lesson)["id"]
            found["taught"] = round(time.monotonic() - start, 1)
        else:
            found["model"] = model
        start = time.monotonic()
        found["scores"] = self.stage("evaluate", [found["model"]], lesson)["id"]
        found["asked"] = round(time.monotonic() - start, 1)
        return found | choice.measured(self.look(found["scores"], lesson, self.settings), self.tasks)

    def _keep(self, found: Row, start: float) -> Row:
        """Written down at once: a kill loses at most the try it falls into, and of that only what no stage has sealed."""
        found["seconds"] = round(time.monotonic() - start, 1)
        self.done[found["name"]] = found
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lineage.write_json(self.path, list(self.done.values()))
        return found
