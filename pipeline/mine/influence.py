"""The influence budget: no voice contradicts more than its share of a day, and none weighs more than its share of what is taught."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline import voices
from pipeline.mine.candidates import Candidate
from pipeline.mine.caps import lot
from pipeline.mine.concerts import Concert
from pipeline.mine.marks import Drop, Mark
from pipeline.mine.votes import VOTES
from pipeline.recipe import Mining

LEAST_CONTESTS = 3  # anybody may contradict this often, however small the day
CROWD = 200  # voices on one subject
OPPONENTS = 3  # who contradicts fewer voices than this has a quarrel, and a quarrel is nobody's alone

Event = tuple[str, str]
Subject = tuple[Hashable, ...]
Act = tuple[Hashable, str]
"""What is spoken of (an answer, a prompt, a pick) by which kind of signal."""


def contests(marks: list[Mark], share: float) -> tuple[list[Mark], list[Drop]]:
    """Words that contradict others': of one voice at most on `share` of what others spoke of by each kind of act. Who contradicts most goes first."""
    kept, dropped = marks, []
    while surplus := _surplus(kept, share):
        dropped += [Drop("contest_cap", m) for m in kept if m.signal.event in surplus]
        kept = [m for m in kept if m.signal.event not in surplus]
    return kept, dropped


@dataclass
class Spoken:
    """What one voice says of one subject."""

    sides: set[Hashable] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)


Said = dict[Subject, dict[str, Spoken]]


def _surplus(marks: list[Mark], share: float) -> set[Event]:
    """The words to leave out of the voices that contradict most others, where they contradict too much; nothing where none does."""
    said: Said = defaultdict(lambda: defaultdict(Spoken))
    own: dict[str, list[Mark]] = defaultdict(list)
    for m in marks:
        own[m.signal.voice] += [] if m.talk.hotfix else [m]
        for subject, side in stances(m):
            said[subject][m.signal.voice].sides.add(side)
            said[subject][m.signal.voice].kinds.add(m.signal.kind)
    allowed = voices.limit(share, len(own))
    if allowed >= 1:
        return set()
    everybody, alone = _spoken(said)
    over: list[tuple[int, set[Event]]] = []
    for voice, of in own.items() if len(own) > 1 else ():
        against = {m.signal.event: found for m in of if (found := _against(m, said))}
        opponents = {other for found in against.values() for told in found.values() for other in told}
        if len(against) > LEAST_CONTESTS and len(opponents) >= OPPONENTS:
            room = {act: max(LEAST_CONTESTS, int(allowed * (n - alone[voice][act]))) for act, n in everybody.items()}
            surplus = _beyond(of, against, said, room)
            over += [(len(opponents), surplus)] if surplus else []
    most = max((n for n, _ in over), default=0)
    return {event for n, surplus in over if 2 * n > most for event in surplus}  # who has half as many opponents may be one of the attacked


def _spoken(said: Said) -> tuple[Counter[Act], dict[str, Counter[Act]]]:
    """On how many subjects each kind of act speaks, and of these on how many only one voice does."""
    everybody: Counter[Act] = Counter()
    alone: dict[str, Counter[Act]] = defaultdict(Counter)
    for subject, by in said.items():
        speakers: dict[str, list[str]] = defaultdict(list)
        for voice, spoken in by.items():
            for kind in spoken.kinds:
                speakers[kind].append(voice)
        everybody.update((subject[0], kind) for kind in speakers)
        for kind, of in speakers.items():
            if len(of) == 1:
                alone[of[0]][subject[0], kind] += 1
    return everybody, alone


def _against(m: Mark, said: Said) -> dict[Subject, list[str]]:
    """The voices that a word contradicts, by subject. Where very many speak, one voice tips nothing."""
    found = {}
    for subject, side in stances(m):
        by = said[subject]
        others = [v for v, o in by.items() if v != m.signal.voice and o.sides - {side}] if 1 < len(by) <= CROWD else []
        if others:
            found[subject] = others
    return found


def _beyond(of: list[Mark], against: dict[Event, dict[Subject, list[str]]], said: Said, room: dict[Act, int]) -> set[Event]:
    """Contradicting words of one voice that find no room, in the order of the lot."""
    taken: dict[Act, set[Subject]] = defaultdict(set)
    surplus = set()
    for m in sorted(of, key=lambda m: lot(m.signal)):
        places = {((s[0], kind), s) for s, others in against.get(m.signal.event, {}).items() for v in others for kind in said[s][v].kinds}
        if all(s in taken[act] or len(taken[act]) < room[act] for act, s in places):
            for act, s in places:
                taken[act].add(s)
        else:
            surplus.add(m.signal.event)
    return surplus


def stances(m: Mark) -> Iterator[tuple[Subject, Hashable]]:
    """What a mark takes a side in, and which: the answer, the one right answer to its prompt, two answers side by side."""
    if m.talk.hotfix:
        return
    edit = m.signal.kind == "edit" and m.one_answer
    if edit:
        yield ("prompt", m.context.key), (m.signal.text or "").strip()
    if edit or m.signal.kind in (*VOTES, "choose"):
        yield ("answer", *m.answer), m.polarity
    if m.signal.kind == "choose":
        for other in m.signal.over:
            if other in m.talk.turns:
                yield ("pick", m.context.key, frozenset((m.turn.text, m.talk.turns[other].text))), m.turn.text


def weighed(candidates: list[Candidate], mining: Mining) -> list[Candidate]:
    """The rows with weights that fall as their voice has more of them, and no voice above its share of a task's rows of one kind."""
    ranks: Counter[tuple] = Counter()
    found = []
    for c in sorted(candidates, key=lambda c: (lot(c.speaker), c.example_id)):
        ranks[c.speaker.voice, c.kind] += 1
        found.append(
            c if c.talk.hotfix else _lighter(c, "falls", voices.falling(ranks[c.speaker.voice, c.kind], mining.full_rows_per_user_day))
        )
    weights: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for c in found:
        if not c.talk.hotfix:
            weights[c.task, c.kind][c.speaker.voice] += c.weight
    cut = {place: voices.factors(of, mining.max_voice_share) for place, of in weights.items()}
    return [c if c.talk.hotfix else _lighter(c, "share", cut[c.task, c.kind].get(c.speaker.voice, 1.0)) for c in found]


def _lighter(c: Candidate, why: str, factor: float) -> Candidate:
    if factor >= 1:
        return c
    voice = dict(c.more).get("voice", {}) | {why: round(factor, 4)}
    return replace(c, weight=c.weight * factor, more=(*(fact for fact in c.more if fact[0] != "voice"), ("voice", voice)))


def account(kept: list[Candidate], concerts: list[Concert]) -> dict[str, Any]:
    """How evenly the rows are spread over voices, for the manifest and the report; a hotfix is nobody's."""
    rows: Counter[str] = Counter()
    weights: dict[str, float] = defaultdict(float)
    for c in kept:
        if not c.talk.hotfix:
            rows[c.speaker.voice] += 1
            weights[c.speaker.voice] += c.weight
    return {
        "voices": len(rows),
        "gini": round(voices.gini(weights.values()), 4),
        "largest_share_of_rows": round(voices.largest(rows.values()), 4),
        "largest_share_of_weight": round(voices.largest(weights.values()), 4),
        "lightened": sum(dict(c.more).get("voice") is not None for c in kept),
        "concerts": [{"voices": len(c.voices), "how": c.how, "rows": rows[c.name]} for c in concerts],
    }
