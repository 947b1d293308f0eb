"""Does a model repeat the rows it was taught, where nobody asked for them? Long runs of words that answers share with training rows.

Only what users wrote counts: general rows are the origin's own words, and system texts are the task card's. What stands in the item's own
prompt is no leak. The champion's answers are held against the same rows, so that a phrase everybody uses counts on both sides.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.gate import pairing
from pipeline.gate.evidence import Run
from pipeline.gate.pairing import Paired
from pipeline.ngrams import Ragged, windows, words

RUN_WORDS = 10
"""Words in a row (signs, in Chinese) that two texts share by chance hardly ever; answers of 24 tokens still hold several such runs."""


def texts(row: dict[str, Any]) -> list[str]:
    """What a training row says, turn by turn."""
    turns = [*(row.get("messages") or []), *(row.get("prompt") or []), *(row.get("chosen") or []), *(row.get("completion") or [])]
    return [str(t["content"]) for t in turns if t.get("content") and t.get("role") != "system"]


def paired(champion: Run, candidate: Run, written: Iterable[str], taught: Sequence[str]) -> Paired:
    """Answers that were written to other prompts than the target tasks': 0 where one repeats a run of a training row, else 1."""
    prompts: list[str] = []
    answers: tuple[list[str], list[str]] = ([], [])
    for task in written:
        a, b = champion.benchmarks.get(task), candidate.benchmarks.get(task)
        chosen = pairing.decide(a, b) if a and b else None
        if a and b and chosen:
            left, right = pairing.items(a, *chosen), pairing.items(b, *chosen)
            both = sorted(left.keys() & right.keys())
            prompts += [left[key].prompt for key in both]
            answers[0].extend(left[key].answer for key in both)
            answers[1].extend(right[key].answer for key in both)
    rows = words(taught)
    before, after = ([float(not leak) for leak in repeats(side, prompts, rows)] for side in answers)
    return Paired(before, after, [str(i) for i in range(len(prompts))], prompts)


def repeats(answers: Sequence[str], prompts: Sequence[str], rows: Ragged) -> list[bool]:
    """Which answers hold a run of words that stands in the rows and not in their own prompt."""
    import numpy as np

    known = np.unique(windows(rows, RUN_WORDS).hashes)
    said, asked = windows(words(answers), RUN_WORDS), windows(words(prompts), RUN_WORDS)
    return [bool(np.isin(np.setdiff1d(said.of(i), asked.of(i)), known).any()) for i in range(len(answers))]
