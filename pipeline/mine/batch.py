"""A batch from signals to rows, in running order: set on answers, split, weighed against each other, made, checked, thinned."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipeline.mine import answers, caps, dedup, edits, explicit, picks, regenerated, splits, thumbs, votes
from pipeline.mine.candidates import Candidate
from pipeline.mine.cards import OTHER, Desk
from pipeline.mine.contexts import Talk
from pipeline.mine.explicit import Signal
from pipeline.mine.marks import Drop, Mark, placed
from pipeline.recipe import Mining

KINDS = ("sft", "dpo", "kto")
UNHEARD = ("automatic", "no_consent", "superseded", "unknown_message")
"""Reasons for which an event is no signal at all: nobody's standing word on something that is there."""


@dataclass
class Batch:
    """What one day's feedback gives."""

    kept: list[Candidate] = field(default_factory=list)
    heldout: list[Candidate] = field(default_factory=list)
    dropped: list[Drop] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)

    def of(self, kind: str) -> list[Candidate]:
        return [c for c in self.kept if c.kind == kind]


def mined(signals: list[Signal], talks: Mapping[str, Talk], desk: Desk, mining: Mining, written: frozenset[str], day: date) -> Batch:
    """All rows that became minable on `day`, and a reason for everything else that was said that day.

    signals: every current event of the touched conversations; earlier ones still vote. written: held-out prompts of files.
    """
    heard = [s for s in signals if s.day <= day]  # in a backfill the lake knows later days, whose own batch mines them
    batch = Batch(signals=[s for s in heard if s.day == day])
    marks, dropped = placed(heard, talks, desk)
    taught, held, silent = splits.divide(marks, mining.heldout_share)
    batch.dropped += dropped + silent
    batch.heldout = _tests(held, desk, mining, written, batch.dropped)
    made = [c for c in _made(taught, desk, mining, batch.dropped) if c.day == day]
    batch.heldout = [c for c in batch.heldout if c.day == day]
    batch.kept = _thinned(made, written | {c.context.asked[-1] for c in batch.heldout}, desk, mining, batch.dropped)
    batch.dropped = [d for d in batch.dropped if _day(d) == day]
    return batch


def _made(marks: list[Mark], desk: Desk, mining: Mining, dropped: list[Drop]) -> list[Candidate]:
    """Weigh the marks against each other and make rows of those that stand."""
    telling, standing = _settled(marks, desk, mining, dropped)
    words = [*telling, *standing]
    reported = {m.answer for m in standing if m.signal.kind == "report"}
    found = [
        edits.rows(telling, desk, mining),
        picks.rows([m for m in standing if m.signal.kind == "choose"], reported, desk, mining.min_net_score),
        regenerated.rows(words, desk),
    ]
    made = thumbs.rows(standing, desk, mining) + [c for candidates, _ in found for c in candidates]
    for _, lost in found:
        dropped += lost
    used = {s.event for c in made for s in c.signals}
    dropped += thumbs.unused(standing, used)
    return made


def _settled(marks: list[Mark], desk: Desk, mining: Mining, dropped: list[Drop]) -> tuple[list[Mark], list[Mark]]:
    """Edits that tell something and votes that nobody contradicts enough; a hotfix is not voted on."""
    telling, lost = edits.telling([m for m in marks if m.signal.kind == "edit"], desk, mining)
    rest, own = votes.own([m for m in marks if m.signal.kind != "edit"], {(*m.place, m.signal.voice) for m in telling if not m.talk.hotfix})
    fixes, free = [m for m in telling if m.talk.hotfix], [m for m in telling if not m.talk.hotfix and not desk.one_answer(m.task)]
    strict = [m for m in telling if not m.talk.hotfix and desk.one_answer(m.task)]
    rest, strict, contradicted = votes.across(rest, strict, mining.min_net_score)
    strict, outdone = votes.rivals(strict, mining.min_net_score)
    dropped += lost + own + contradicted + outdone
    return [*fixes, *free, *strict], rest


def _tests(held: list[Mark], desk: Desk, mining: Mining, written: frozenset[str], dropped: list[Drop]) -> list[Candidate]:
    """Held-out items: edits of known tasks that stand, as prompt and answer."""
    telling, standing = _settled(held, desk, mining, dropped)
    dropped += [Drop("held_out_user", m) for m in standing]
    dropped += [Drop("held_out_user", m) for m in telling if m.task == OTHER]
    made, _ = edits.rows([m for m in telling if m.task != OTHER], desk, mining)
    items = []
    for c in [c for c in made if c.kind == "sft"]:
        card = desk.card(c.task)
        assert card is not None
        if answers.unscorable(c.answer["content"], card):
            dropped.append(Drop("unscorable", c, c.kind))
        else:
            items.append(c)
    items, capped = caps.by_user(items, mining.max_rows_per_user_day)
    kept, surplus = splits.tests(items, written, mining)
    dropped += capped + surplus
    return kept


def _thinned(made: list[Candidate], held_out: frozenset[str], desk: Desk, mining: Mining, dropped: list[Drop]) -> list[Candidate]:
    """Answers of the right form, away from the tests, once each, one way round, and no user over the cap."""
    formed = []
    for c in made:
        reason = None if c.label is False else _fault(c, desk)
        if reason:
            dropped.append(Drop(reason, c, c.kind))
        else:
            formed.append(c)
    for thin in (
        lambda rows: splits.apart(rows, held_out),
        lambda rows: dedup.one_way(rows, mining.min_net_score),
        dedup.exact,
        lambda rows: caps.by_user(rows, mining.max_rows_per_user_day),
    ):
        formed, lost = thin(formed)
        dropped += lost
    return formed


def _fault(c: Candidate, desk: Desk) -> str | None:
    """An answer that calls tools has no text to check; what a user wrote or liked must have the task's form."""
    return None if c.answer["tool_calls"] else answers.fault(c.answer["content"] or "", desk.card(c.task))


def _day(d: Drop) -> date:
    return d.of.signal.day if isinstance(d.of, Mark) else d.of.day


def counts(batch: Batch) -> dict[str, Any]:
    """The figures of a batch, for the manifest, --json and the report."""
    tasks: dict[str, dict[str, int]] = {}
    for kind, rows in [(k, batch.of(k)) for k in KINDS] + [("heldout", batch.heldout)]:
        for task, n in sorted(Counter(c.task for c in rows).items()):
            tasks.setdefault(task, {})[kind] = n
    return {
        "signals": len(records(batch)),
        "examples": len(batch.of("sft")),
        "pairs": len(batch.of("dpo")),
        "unpaired": len(batch.of("kto")),
        "heldout": len(batch.heldout),
        "dropped": dict(sorted(Counter(d.reason for d in batch.dropped).items())),
        "tasks": tasks,
        "largest_user_share": caps.largest_share(batch.kept),
    }


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
    return [explicit.record(s, outcome) for s, outcome in lines if not set(outcome) & set(UNHEARD) or set(outcome) & set(KINDS)]
