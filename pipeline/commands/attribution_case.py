"""One verdict and everything that its attribution rests on, read when it is first asked for."""

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from pipeline import beside, lineage
from pipeline.causes import lost, taught
from pipeline.causes.lost import Fallen
from pipeline.commands.lessons import Stage
from pipeline.recipe import Recipe
from pipeline.settings import Settings

GENERAL = "general"
SPARE_S = 45  # of a stage beside its work: a process starts, a model is loaded

Row = dict[str, Any]


@dataclass
class Case:
    """One verdict and everything that its attribution rests on."""

    settings: Settings
    id: str
    stage: Stage
    minutes: float
    started: float = field(default_factory=time.monotonic)
    tried: dict[str, str] = field(default_factory=dict)
    """Method: what was done, or why it was not."""
    made: list[str] = field(default_factory=list)
    """Ids of what the evidence rests on."""

    @cached_property
    def facts(self) -> Row:
        return beside.verdict(self.settings, self.id)[1]

    @cached_property
    def model(self) -> Row:
        return lineage.manifest(self.settings, self.facts["candidate"])

    @cached_property
    def lesson(self) -> Recipe:
        """The candidate's own lesson, from before its strength was changed: whatever is retrained differs from it by rows alone."""
        taught = self.model
        while taught.get("scaled_from"):
            taught = lineage.manifest(self.settings, taught["scaled_from"])
        return Recipe.model_validate(taught["recipe"])

    @cached_property
    def tables(self) -> dict[str, list[Row]]:
        return {who: table(self.settings, id, "items") for who, id in self.facts["scores"].items()}

    @cached_property
    def declared(self) -> Row:
        return lineage.require(self.settings, self.facts["scores"]["candidate"], "scores").get("abilities") or {}

    @cached_property
    def fallen(self) -> list[Fallen]:
        named = lost.named(self.facts)
        return [lost.parted(name, who, self.tables[who], self.tables["candidate"], self.declared) for name, who in named.items()]

    @cached_property
    def rows(self) -> dict[str, list[Row]]:
        return {kind: table(self.settings, self.facts["mix"], kind) for kind in taught.KINDS}

    @cached_property
    def parts(self) -> dict[str, int]:
        """The tasks of the lesson, and its general rows, with the tokens of each: what may be guilty."""
        path = lineage.folder(self.settings, self.facts["mix"]) / "plan.yaml"
        plan = yaml.safe_load(path.read_text(encoding="utf-8"))
        every = [r for rows in self.rows.values() for r in rows]
        found = dict.fromkeys(plan.get("tasks") or sorted({r["task"] for r in every}), 0)
        for row in every:
            if row["task"] in found or row["task"] == GENERAL:
                found[row["task"]] = found.get(row["task"], 0) + (row.get("tokens") or 1)
        return {task: n for task, n in sorted(found.items()) if n}

    def seconds_left(self) -> float:
        return 60 * self.minutes - (time.monotonic() - self.started)

    def training_s(self, tokens: int) -> float:
        """What training so many of the lesson's tokens will take, by what the candidate took."""
        return SPARE_S + float(self.model.get("seconds") or 0) * tokens / max(1, sum(self.parts.values()))


def table(settings: Settings, id: str, name: str) -> list[Row]:
    """A table of a sealed folder; none where it has none."""
    import pyarrow.parquet as pq

    path = lineage.folder(settings, id) / f"{name}.parquet"
    return pq.read_table(path).to_pylist() if path.exists() else []
