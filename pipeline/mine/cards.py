"""Which task a row belongs to: at most one card may match it."""

import re
from collections.abc import Mapping

from pipeline.errors import BadRecipe
from pipeline.mine.contexts import Context, Talk
from pipeline.recipe import Task

OTHER = "other"
"""Rows that no card matches: kept, counted, and not trained on by default."""


def compiled(cards: Mapping[str, Task]) -> dict[str, re.Pattern[str]]:
    """The cards' patterns; one that is no pattern is the card's fault and named."""
    found = {}
    for name, card in cards.items():
        for what, text in (("match.prompt_regex", card.match.prompt_regex), ("answer.pattern", card.answer.pattern)):
            try:
                pattern = re.compile(text or "")
            except re.error as error:
                raise BadRecipe(f"tasks/{name}.yaml: {what} {text!r} is no regular expression: {error}") from None
            if what == "match.prompt_regex":
                found[name] = pattern
    return found


class Desk:
    """Hands every row to its task."""

    def __init__(self, cards: Mapping[str, Task]):
        if OTHER in cards:
            raise BadRecipe(f"tasks/{OTHER}.yaml: `{OTHER}` is what rows without a card are called; name the task something else")
        self.cards, self._patterns = cards, compiled(cards)
        self._seen: dict[tuple, tuple[str, str | None]] = {}

    def task(self, talk: Talk, context: Context) -> tuple[str, str | None]:
        """(task, None), or (`other`, the reason why the row cannot be mined)."""
        if talk.hotfix:
            named = str(talk.metadata.get("task"))
            return (named, None) if named in self.cards else (OTHER, "unknown_task")
        what = (talk.app, talk.locale, context.question)
        if what not in self._seen:
            names = [n for n in self.cards if self._matches(n, *what)]
            self._seen[what] = (names[0], None) if len(names) == 1 else (OTHER, "several_cards" if names else None)
        return self._seen[what]

    def _matches(self, name: str, app: str | None, locale: str | None, question: str) -> bool:
        match = self.cards[name].match
        if match.app not in (None, app) or match.locale not in (None, locale):
            return False
        return bool(self._patterns[name].search(question))
