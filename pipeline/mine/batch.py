"""A batch from signals to rows, in running order: set on answers, split, weighed against each other, made, checked, thinned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pipeline.audit.found import Counts
from pipeline.mine import (
    answers,
    caps,
    complaints,
    concerts,
    decontaminate,
    dedup,
    edits,
    grow,
    influence,
    leaks,
    likeness,
    lint,
    picks,
    regenerated,
    reliability,
    splits,
    thumbs,
    votes,
    witness,
)
from pipeline.mine.candidates import Candidate
from pipeline.mine.cards import OTHER, Desk
from pipeline.mine.complaints import NOBODY, Ruled
from pipeline.mine.concerts import Concert
from pipeline.mine.contexts import Talk
from pipeline.mine.decontaminate import Known
from pipeline.mine.explicit import Signal
from pipeline.mine.implicit import Listened
from pipeline.mine.lint import Finding
from pipeline.mine.marks import Drop, Mark, placed
from pipeline.mine.reliability import Reliability
from pipeline.mine.sieve import Sieve
from pipeline.recipe import Mining

KINDS = ("sft", "dpo", "kto")
SILENCE = Listened()


@dataclass
class Batch:
    """What one day's feedback gives."""

    kept: list[Candidate] = field(default_factory=list)
    heldout: list[Candidate] = field(default_factory=list)
    dropped: list[Drop] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    listened: Listened = field(default_factory=Listened)
    """What users said about answers in their next words; of the day alone."""
    concerts: list[Concert] = field(default_factory=list)
    """Users who were heard as one voice."""
    beliefs: Reliability = field(default_factory=lambda: Reliability({}, {}))
    findings: list[Finding] = field(default_factory=list)
    """What lint says of the rows."""
    ruled: Ruled = NOBODY
    """What a judge made of the day's complaints."""
    sieved: list[str] = field(default_factory=list)
    """What the filters say of themselves."""

    def of(self, kind: str) -> list[Candidate]:
        return [c for c in self.kept if c.kind == kind]


def mined(
    signals: list[Signal],
    talks: Mapping[str, Talk],
    desk: Desk,
    mining: Mining,
    written: frozenset[str],
    day: date,
    listened: Listened = SILENCE,
    judged: Counts | None = None,
    ruled: Ruled = NOBODY,
    known: Known = decontaminate.NOTHING,
    sieve: Sieve | None = None,
) -> Batch:
    """All rows that became minable on `day`, and a reason for everything else that was said that day.

    signals: every current event of the touched conversations; earlier ones still vote. written: held-out prompts of files.
    judged: what people found in samples of rows. ruled: what a judge made of complaints. known: rows of earlier days, and what the gate asks.
    sieve: the filters that the recipe asks for.
    """
    sieve = sieve or Sieve(mining)
    heard = [s for s in signals if s.day <= day]  # in a backfill the lake knows later days, whose own batch mines them
    batch = Batch(signals=[s for s in heard if s.day == day], listened=listened.of(day), ruled=ruled, sieved=sieve.notes)
    marks, dropped = placed(heard, talks, desk)
    marks, unsaid = votes.against(marks, listened.against)
    taught, held, silent = splits.divide(marks, mining.heldout_share)
    batch.dropped += dropped + unsaid + silent
    (taught, batch.concerts), (held, _) = (concerts.heard(marks, likeness.clusters) for marks in (taught, held))
    batch.beliefs = Reliability(judged or {}, witness.agreement(taught))
    batch.heldout = [c for c in _tests(held, mining, written, batch.dropped) if c.day == day]
    made = [c for c in _made(taught, mining, batch.dropped, ruled) if c.day == day]
    near = leaks.Neighbours([*batch.heldout, *made], mining, known.past)
    batch.heldout, taught_before = near.tests(batch.heldout)
    batch.dropped += taught_before
    held_out = written | {c.context.asked[-1] for c in batch.heldout}
    batch.kept = _thinned(made, held_out, sieve, batch.dropped, near, batch.heldout, known)
    _weigh(batch, mining)
    batch.kept += _grown(batch, held_out, mining, known)
    batch.dropped = [d for d in batch.dropped if d.day == day]
    return batch


def _grown(batch: Batch, held_out: frozenset[str], mining: Mining, known: Known) -> list[Candidate]:
    """Variants of the rows that were kept, away from the tests as these are."""
    rows = grow.grown(batch.kept, mining.growth, held_out)
    apart, _ = leaks.Neighbours([*batch.heldout, *batch.kept, *rows], mining, known.past).apart(rows, batch.heldout) if rows else (rows, [])
    return apart


def _weigh(batch: Batch, mining: Mining) -> None:
    """How far each row is believed, how much of them one voice may be, and what they are like together: lint looks at weights, so that no
    voice can stop a task."""
    rows, wrong = reliability.weighed(batch.kept, batch.beliefs, batch.signals)
    batch.kept, stopped, batch.findings = lint.checked(influence.weighed(rows, mining), mining)
    batch.dropped += wrong + stopped


def _made(marks: list[Mark], mining: Mining, dropped: list[Drop], ruled: Ruled) -> list[Candidate]:
    """Weigh the marks against each other and make rows of those that stand."""
    telling, standing = _settled(marks, mining, dropped)
    reported = {m.answer for m in standing if m.signal.kind == "report"}
    made = thumbs.rows(standing, mining)
    for rows, lost in (
        edits.rows(telling, mining),
        picks.rows([m for m in standing if m.signal.kind == "choose"], reported, mining.min_net_score),
        regenerated.rows([*telling, *standing]),
        complaints.rows(ruled, telling, standing),
    ):
        made += rows
        dropped += lost
    dropped += thumbs.unused(standing, {s.event for c in made for s in c.signals})
    return made


def _settled(marks: list[Mark], mining: Mining, dropped: list[Drop]) -> tuple[list[Mark], list[Mark]]:
    """Edits that tell something, and other words that nobody contradicts enough. A hotfix is not voted on."""
    telling, lost = edits.telling([m for m in marks if m.signal.kind == "edit"], mining)
    words, over = caps.words([*telling, *(m for m in marks if m.signal.kind != "edit")], mining.max_rows_per_user_day)
    words, contested = influence.contests(words, mining.max_voice_share)
    dropped += contested
    fixes, words = [m for m in words if m.talk.hotfix], [m for m in words if not m.talk.hotfix]
    telling = [m for m in words if m.signal.kind == "edit"]
    rest, own = votes.own([m for m in words if m.signal.kind != "edit"], {(*m.place, m.signal.voice) for m in telling})
    rest, strict, contradicted = votes.across(rest, [m for m in telling if m.one_answer], mining.min_net_score)
    strict, outdone = votes.rivals(strict, mining.min_net_score)
    dropped += lost + over + own + contradicted + outdone
    free = [m for m in telling if not m.one_answer]
    return (
        [m for m in [*fixes, *free, *strict] if m.signal.kind == "edit"],
        [*rest, *(m for m in fixes if m.signal.kind != "edit")],
    )


def _tests(held: list[Mark], mining: Mining, written: frozenset[str], dropped: list[Drop]) -> list[Candidate]:
    """Held-out items: edits of known tasks that stand, as prompt and answer."""
    telling, standing = _settled(held, mining, dropped)
    dropped += [Drop("held_out_user", m) for m in [*standing, *(m for m in telling if not _askable(m))]]
    made, _ = edits.rows([m for m in telling if _askable(m)], mining)
    items = []
    for c in [c for c in made if c.kind == "sft"]:
        assert c.mark.card is not None
        if answers.unscorable(c.answer["content"], c.mark.card):
            dropped.append(Drop("unscorable", c, c.kind))
        else:
            items.append(c)
    kept, surplus = splits.tests(items, written, mining)
    dropped += surplus
    return kept


def _askable(m: Mark) -> bool:
    """Whether the question can be put to a model again: its task is known, and no tool has to answer first."""
    return m.task != OTHER and m.context.turns[-1].role == "user"


def _thinned(
    made: list[Candidate],
    held_out: frozenset[str],
    sieve: Sieve,
    dropped: list[Drop],
    near: leaks.Neighbours,
    tests: list[Candidate],
    known: Known,
) -> list[Candidate]:
    """Answers of the right form, away from the tests, once each, one way round, and no user over the cap."""
    mining, kept = sieve.mining, []
    for c in made:
        reason = None if c.label is False else _fault(c)
        if reason:
            dropped.append(Drop(reason, c, c.kind))
        else:
            kept.append(c)
    kept, lost = sieve.texts(kept)
    dropped += lost
    kept, lost = splits.apart(kept, held_out)
    dropped += lost
    kept, lost = near.apart(kept, tests)
    dropped += lost
    kept, lost = decontaminate.apart(kept, known, mining.item_cover)
    dropped += lost
    kept, lost = dedup.one_way(kept, mining.min_net_score)
    dropped += lost
    kept, lost = dedup.exact(kept)
    dropped += lost
    kept, lost = near.once(kept)
    dropped += lost
    kept, lost = sieve.meanings.once(kept, near)
    dropped += lost
    kept, lost = caps.by_user(kept, mining.max_rows_per_user_day)
    dropped += lost
    return kept


def _fault(c: Candidate) -> str | None:
    """An answer that calls tools has no text to check; what a user wrote or liked must have the task's form."""
    return None if c.answer["tool_calls"] else answers.fault(c.answer["content"] or "", c.mark.card)
