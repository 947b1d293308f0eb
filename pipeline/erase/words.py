"""Words of people who are gone, found again in texts that carry no ids: reports, plans, logs of a stage."""

import re
from collections.abc import Iterable
from typing import Any

ERASED = "[erased]"
START = 20  # letters and digits by which a text is looked up: few enough that a text that was cut short is still found
SHORTEST = 8  # a shorter text ("ok then") names nobody, and would take every sentence with it that holds the same words
ONE_WORD = 24  # a text without a space may be a label or the name of an ability; a long one is a key or an address
SHORTEST_ID = 4
ESCAPES = re.compile(r"\\[nrt\"\\/]|\\u00[0-1][0-9a-f]")
CUT = re.compile(r"(…|\s…\s\[[\d,]+ more characters\])\s*$")
TOKEN = re.compile(r"[\w.@:+-]+")


def bare(text: str) -> str:
    """Letters and digits alone: the same words in JSON, on a page or with other line breaks are the same."""
    return "".join(c for c in ESCAPES.sub(" ", text) if c.isalnum())


class Words:
    """What to look for. `texts` are whole texts; `ids` are found as whole words only."""

    def __init__(self, texts: Iterable[str] = (), ids: Iterable[str] = ()):
        texts = set(texts)
        self.whole = {b for b in map(bare, texts) if b}
        self.ids = {i for i in ids if len(i) >= SHORTEST_ID}
        self.starts: dict[int, dict[str, list[str]]] = {}
        for text in {bare(t) for t in texts if len(t.split()) > 1 or len(t) >= ONE_WORD}:
            if len(text) >= SHORTEST:
                size = min(len(text), START)
                self.starts.setdefault(size, {}).setdefault(text[:size], []).append(text)

    def __bool__(self) -> bool:
        return bool(self.whole or self.ids)

    def same(self, text: str) -> bool:
        """Whether this is one of the texts, or its beginning: for fields that hold one person's text and nothing else."""
        cut, letters = bool(CUT.search(text)), bare(CUT.sub("", text))
        return letters in self.whole or (cut and any(w.startswith(letters) for w in self.whole)) or self.hold(text)

    def hold(self, text: str) -> bool:
        """Whether the text holds one of the ids, one of the texts, or at its end the beginning of one."""
        if self.ids and any(t in self.ids for t in TOKEN.findall(text)):
            return True
        letters = bare(CUT.sub("", text))
        return any(
            self._starts_at(letters, at, size, known) for size, known in self.starts.items() for at in range(len(letters) - size + 1)
        )

    @staticmethod
    def _starts_at(letters: str, at: int, size: int, known: dict[str, list[str]]) -> bool:
        candidates = known.get(letters[at : at + size], ())
        rest = letters[at:]
        return any(rest.startswith(c) or c.startswith(rest) for c in candidates)

    def clean(self, value: Any) -> Any:
        """JSON with every string that holds such words replaced; the rest is the same object."""
        if isinstance(value, str):
            return ERASED if self.hold(value) else value
        if isinstance(value, list):
            return [self.clean(v) for v in value]
        if isinstance(value, dict):
            return {k: self.clean(v) for k, v in value.items()}
        return value
