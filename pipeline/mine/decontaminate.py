"""Rows that repeat what the gate asks are not trained on: a score on those items would measure memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.mine.candidates import Candidate
from pipeline.mine.marks import Drop
from pipeline.mine.remembered import Past
from pipeline.ngrams import words
from pipeline.overlap import Items


@dataclass(frozen=True)
class Known:
    """What a day may not teach: what the gate asks. And what it need not: the rows of earlier days."""

    past: Past = field(default_factory=Past)
    names: Sequence[str] = ()
    """Of the gate's items."""
    texts: Sequence[str] = ()


NOTHING = Known()


def apart(rows: list[Candidate], known: Known, cover: float) -> tuple[list[Candidate], list[Drop]]:
    """Rows that neither hold `cover` of an item's own n-grams nor ask an item word for word."""
    if not rows or not known.texts:
        return rows, []
    items = Items.of(known.texts)
    found = {hit.text: hit.item for hit in items.same(words([c.context.question for c in rows]))}
    held = sorted(items.hits(words([_text(c) for c in rows])), key=lambda hit: hit.cover)
    found |= {hit.text: hit.item for hit in held if hit.cover >= cover}  # the item that is held most comes last
    dropped = [Drop("gate_item", rows[row], rows[row].kind, like=known.names[item]) for row, item in sorted(found.items())]
    return [c for n, c in enumerate(rows) if n not in found], dropped


def _text(c: Candidate) -> str:
    """All words that would be trained on or read in training, but the system text."""
    said = [*c.context.messages, c.answer, *([c.rejected] if c.rejected else [])]
    return "\n".join(str(m["content"] or "") for m in said if m["role"] != "system")
