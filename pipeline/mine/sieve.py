"""The filters that a recipe may ask for, on rows that are about to be taught: languages, offence, and prompts that say the same again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import meaning
from pipeline.mine import offence, recalled, semantic, tongues
from pipeline.mine.candidates import Candidate
from pipeline.mine.marks import Drop
from pipeline.recipe import Mining, Recipe, Task
from pipeline.settings import Settings

PRAISE = ("thumb", "copy", "rating")
"""Signals that like an answer as it is: jailbreaks are praised too."""


@dataclass(frozen=True)
class Sieve:
    """What a batch is sifted by. Without any filter every row passes."""

    mining: Mining
    meanings: semantic.Meanings = semantic.NONE

    @property
    def name(self) -> list[Any]:
        """What decides beside the recipe, for the pairs id: versions and tables of the filters that are on."""
        by_language = self.mining.languages is not None or self.mining.one_language
        used = [("languages", tongues.version)] if by_language else []
        used += [("toxic", offence.version)] if self.mining.toxic is not None else []
        found: list[Any] = [[what, version()] for what, version in used]
        return found + ([["meanings", *self.meanings.name]] if self.mining.semantic_duplicate is not None else [])

    @property
    def notes(self) -> list[str]:
        """What a person should know of the filters themselves."""
        if self.mining.semantic_duplicate is None or self.meanings.table is not None:
            return []
        return ["semantic duplicates were not looked for: no table of embeddings in home/models (`make models` makes it)"]

    def texts(self, rows: Sequence[Candidate]) -> tuple[list[Candidate], list[Drop]]:
        """Rows whose texts may be taught. What is taught not to be said passes, and so does a hotfix: somebody wrote it on purpose."""
        asked: list[Callable[[Sequence[Candidate]], dict[int, str]]] = []
        if self.mining.languages is not None or self.mining.one_language:
            asked.append(self._foreign)
        if self.mining.toxic is not None:
            asked.append(self._offensive)
        lost: dict[int, str] = {}
        for judge in asked:
            lost |= judge([c for c in rows if id(c) not in lost and c.label is not False and not c.talk.hotfix])
        return [c for c in rows if id(c) not in lost], [Drop(lost[id(c)], c, c.kind) for c in rows if id(c) in lost]

    def _foreign(self, rows: Sequence[Candidate]) -> dict[int, str]:
        allowed, found = self.mining.languages, {}
        for c in rows:
            asked, said = tongues.language(c.context.question), tongues.language(_free(c))
            if allowed is not None and not {asked, said} <= {*allowed, None}:
                found[id(c)] = "other_language"
            elif self.mining.one_language and asked and said and asked != said:
                found[id(c)] = "mixed_language"
        return found

    def _offensive(self, rows: Sequence[Candidate]) -> dict[int, str]:
        least = self.mining.toxic or 1.0
        answers = offence.chances([c.answer["content"] or "" for c in rows])
        prompts = offence.chances([c.context.question if c.source in PRAISE else "" for c in rows])
        found = {id(c): "toxic_answer" for c, p in zip(rows, answers, strict=True) if p >= least}
        praised = {id(c): "toxic_praise" for c, p in zip(rows, prompts, strict=True) if c.source in PRAISE and p >= least}
        return praised | found


def _free(c: Candidate) -> str:
    """The answer where it is words; labels, JSON and calls of tools are in no language."""
    card = c.mark.card
    return str(c.answer["content"] or "") if card is None or card.answer.format == "free" else ""


def of(recipe: Recipe, settings: Settings, cards: Mapping[str, Task], pairs: Iterable[str] = ()) -> Sieve:
    """The filters of a recipe. pairs: those of earlier days that rows are compared with. Embeddings are read only where they are asked for."""
    least = recipe.mining.semantic_duplicate
    table = meaning.table(settings) if least is not None else None
    if least is None or table is None:
        return Sieve(recipe.mining, semantic.Meanings(least or 1.0, None))
    return Sieve(recipe.mining, semantic.Meanings(least, table, recalled.days(settings, pairs, cards, table)))
