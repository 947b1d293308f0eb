"""What `mixing.quality` adds to rows: how good each is and how complex, by rules or by what people's verdicts showed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import meaning, merit
from pipeline import recipe as recipes
from pipeline.audit import quality
from pipeline.meaning import Table
from pipeline.settings import Settings

Row = dict[str, Any]


@dataclass(frozen=True)
class Merits:
    """How rows are judged before they are chosen."""

    by: str = "off"
    table: Table | None = None
    scorer: Row | None = None
    why_not: str = ""
    """Why the verdicts' scorer was not used though the recipe asks for it."""

    @property
    def name(self) -> list[Any]:
        """What decides, for an id; nothing where rows are not judged."""
        if self.by == "off":
            return []
        return [
            [
                "quality",
                self.by,
                merit.VERSION,
                self.table.sha if self.table else None,
                recipes.digest(self.scorer) if self.scorer else None,
            ]
        ]

    @property
    def account(self) -> Row | None:
        """What judged, for the manifest."""
        if self.by == "off":
            return {"by": "off", "why": self.why_not} if self.why_not else None
        figures = {k: self.scorer[k] for k in ("n", "right", "auc", "brier")} if self.scorer else {}
        return {"by": self.by, "version": merit.VERSION, **figures}

    def judged(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with `quality` and `complexity`, 0 to 1. A vote's row has no answer to learn and stays as it is."""
        if self.by == "off":
            return list(rows)
        own = [row for row in rows if "label" not in row]
        found = dict(zip(map(id, own), merit.figures(own, self.table), strict=True))
        return [row | self._of(found[id(row)]) if id(row) in found else row for row in rows]

    def _of(self, figures: merit.Figures) -> Row:
        good = quality.chance(self.scorer, figures) if self.scorer else merit.quality(figures)
        return {"quality": round(good, 4), "complexity": round(merit.complexity(figures), 4)}


OFF = Merits()


def of(by: str, settings: Settings) -> Merits:
    """By `off`, `rules` or `verdicts`; without a scorer that is proved to be of use, verdicts judge nothing and say why."""
    if by == "off":
        return OFF
    table = meaning.table(settings)
    if by == "rules":
        return Merits("rules", table)
    scorer = quality.read(settings)
    why = quality.trusted(scorer)
    if not why and scorer and scorer["embeddings"] != (table.sha if table else None):
        why = "it was fitted with other embeddings, or with none: run `equipoise audit --fit` again"
    return Merits("off", why_not=f"quality by verdicts: the scorer is not used, {why}") if why else Merits("verdicts", table, scorer)
