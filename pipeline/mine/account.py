"""The account of a batch: how many of what, and what became of each thing that was said."""

from collections import Counter
from typing import Any

from pipeline.mine import caps, complaints, explicit, influence, reliability, words
from pipeline.mine.batch import KINDS, Batch
from pipeline.mine.candidates import Candidate
from pipeline.mine.marks import Mark

UNHEARD = {"automatic", "no_consent", "superseded", "unknown_message"}
"""Reasons for which an event is no signal at all: nobody's standing word on something that is there."""


def counts(batch: Batch) -> dict[str, Any]:
    """The figures of a batch, for the manifest, --json and the report."""
    tasks: dict[str, dict[str, int]] = {}
    for kind, rows in [(k, batch.of(k)) for k in KINDS] + [("heldout", batch.heldout)]:
        for task, n in sorted(Counter(c.task for c in rows).items()):
            tasks.setdefault(task, {})[kind] = n
    found: dict[str, Any] = {
        "signals": len(records(batch)),
        "examples": len(batch.of("sft")),
        "pairs": len(batch.of("dpo")),
        "unpaired": len(batch.of("kto")),
        "heldout": len(batch.heldout),
        "implicit": batch.listened.account,
        "dropped": dict(sorted(Counter(d.reason for d in batch.dropped).items())),
        "tasks": tasks,
        "largest_user_share": caps.largest_share(batch.kept),
        "voices": influence.account(batch.kept, batch.concerts),
        "reliability": reliability.account(batch.beliefs),
        "lint": [f.record() for f in batch.findings],
    } | ({"judge": dict(batch.ruled.account)} if batch.ruled.account else {})
    return found | {"notes": [*batch.sieved, *words.notes(found)]}


def outcomes(batch: Batch) -> dict[tuple[str, str], list[str]]:
    """What became of each event: kinds of rows, and reasons."""
    found: dict[tuple[str, str], set[str]] = {}
    for kind, c in [(c.kind, c) for c in batch.kept] + [("heldout", c) for c in batch.heldout]:
        for s in c.signals:
            found.setdefault(s.event, set()).add(kind)
    for d in batch.dropped:
        signals = d.of.signals if isinstance(d.of, Candidate) else [d.of.signal if isinstance(d.of, Mark) else d.of]
        for s in signals:
            found.setdefault(s.event, set()).add(d.reason)
    return {key: sorted(words) for key, words in found.items()}


def records(batch: Batch) -> list[dict[str, Any]]:
    """The lines of signals.jsonl: what people said and still say, whatever became of it."""
    became = outcomes(batch)
    lines = [(s, became.get(s.event, [])) for s in batch.signals]
    clicked = [explicit.record(s, outcome) for s, outcome in lines if not UNHEARD & set(outcome) or set(outcome) & set(KINDS)]
    judged = batch.ruled.facts
    return clicked + [complaints.record(heard, judged) for heard in batch.listened.heard]
