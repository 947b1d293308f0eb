"""What a row says, as meanings are compared: the vector of its prompt and of a free answer, and a key of all that vectors do not see."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.meaning import Table
from pipeline.mine import similar
from pipeline.mine.contexts import Message
from pipeline.mine.prints import FEW, Counts
from pipeline.mine.remembered import lesson
from pipeline.ngrams import Array, Ragged, windows, words

DENIES = re.compile(r"\b(?:not|no|never|none|nothing|without|cannot|\w+n['’]t)\b|[不没無无非别勿]", re.IGNORECASE)
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
SIGNS = "぀-ヿ㐀-鿿豈-﫿\U00020000-\U0003ffff"
PIECE = re.compile(rf"[{SIGNS}]|(?:(?![{SIGNS}])\w)+")


@dataclass(frozen=True)
class Lesson:
    """A row of today's, or of a sealed folder."""

    name: str
    task: str
    kind: str
    label: bool | None
    context: tuple[Message, ...]
    """The messages that lead to the answer."""
    answer: tuple[Message, ...]
    rejected: tuple[Message, ...]
    free: bool
    """Whether the task's answers have no form, so that their meaning is what counts."""

    @property
    def question(self) -> str:
        return next((str(m["content"] or "") for m in reversed(self.context) if m["role"] == "user"), "")

    @property
    def rest(self) -> str:
        """What led to the question, without system texts."""
        at = max((n for n, m in enumerate(self.context) if m["role"] == "user"), default=-1)
        return "\n".join(str(m["content"] or "") for n, m in enumerate(self.context) if n != at and m["role"] != "system")

    @property
    def said(self) -> str:
        return "\n".join(str(m["content"] or "") for m in self.answer)

    @property
    def by_meaning(self) -> bool:
        return self.free and not any(m["tool_calls"] for m in self.answer)


@dataclass(frozen=True)
class Vectors:
    """Rows side by side."""

    names: list[str]
    keys: Array
    """uint64: rows with unequal keys are never one lesson."""
    groups: Array
    """uint64, one a task and kind: rows whose prompts may be compared."""
    prompts: Array
    """[rows, dims]; zeros where the table knows too little."""
    answers: Array
    """[rows, dims]; zeros where answers must be the same to the sign."""

    @property
    def known(self) -> Array:
        return self.prompts.any(axis=1)


def vectors(lessons: Sequence[Lesson], counts: Counts, share: float, table: Table) -> Vectors:
    """counts: what is known of the tasks' templates, which are not compared."""
    import numpy as np

    last = payloads([r.question for r in lessons], [r.task for r in lessons], counts, share)
    prompts = [f"{r.rest}\n{text}".strip() for r, text in zip(lessons, last, strict=True)]
    answers = table.embed([r.said if r.by_meaning else "" for r in lessons])
    spoken = answers.any(axis=1).tolist()
    keys = [
        _hash([r.task, r.kind, by, _same(r, by), _guards(text), _guards(r.said)])
        for r, text, by in zip(lessons, prompts, spoken, strict=True)
    ]
    groups = [_hash([r.task, r.kind, r.label]) for r in lessons]
    shape = np.uint64
    return Vectors([r.name for r in lessons], np.array(keys, shape), np.array(groups, shape), table.embed(prompts), answers)


def answered(a: Array, b: Array, least: float) -> Array:
    """Whether the answers of each pair say the same. Where both have no vector their keys have said so already."""
    import numpy as np

    return (np.einsum("ij,ij->i", a, b) >= least) | (~a.any(axis=1) & ~b.any(axis=1))


def _same(row: Lesson, by_meaning: bool) -> int:
    """What must be the same to the sign: the rejected answer, and the answer where it is not compared by meaning."""
    return lesson(row.kind, row.label, row.rejected if by_meaning else [*row.rejected, *row.answer])


def _guards(text: str) -> list[object]:
    """What vectors do not see: numbers, and whether something is denied."""
    return [sorted(NUMBER.findall(text)), bool(DENIES.search(text))]


def _hash(parts: list[object]) -> int:
    text = json.dumps(parts, ensure_ascii=False)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def payloads(texts: Sequence[str], tasks: Sequence[str], counts: Counts, share: float) -> list[str]:
    """Each text without the words of its task's template; whole where nothing else is left."""
    import numpy as np

    found = words(texts)
    template = _template(windows(found, similar.SHINGLE, whole=True), tasks, counts, share)
    made = []
    for text, count, flags in zip(texts, found.lengths.tolist(), template, strict=True):
        pieces = PIECE.findall(unicodedata.normalize("NFKC", text).casefold())  # the words as `ngrams.words` cuts them
        if len(pieces) != count or count < similar.SHINGLE or not flags.any():
            made.append(text)
            continue
        covered = np.zeros(count, bool)
        for step in range(similar.SHINGLE):
            covered[step : step + len(flags)] |= flags
        kept = [p for p, gone in zip(pieces, covered.tolist(), strict=True) if not gone]
        made.append(" ".join(kept) if kept else text)
    return made


def _template(found: Ragged, tasks: Sequence[str], counts: Counts, share: float) -> list[Array]:
    """For each window of each text, whether it is its task's template; the rule of `prints.varying`."""
    import numpy as np

    known = {task: c.shingles[c.seen > max(FEW, share * c.prompts)] for task, c in counts.items()}
    none = np.zeros(0, np.uint64)
    return [np.isin(found.of(n), known.get(task, none)) for n, task in enumerate(tasks)]
