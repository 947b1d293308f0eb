"""Users who act in concert are one voice: the same words of their own, the same acts on the same answers, or one label pushed everywhere.

Many users who say the same of one answer are not a concert: that is what a bad answer looks like. What gives a concert away is likeness in
several things at once. Many users who do one thing each, in words of their own, are not told apart from honest ones.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from pipeline.mine.marks import Mark

FEWEST = 5  # voices; fewer may be colleagues, and two friends
OWN_WORDS = 6  # of the user's own in an edit: shorter ones are alike by chance
ACTS = 3  # shared acts: one or two answers in common are a shared question
ALIKE = 0.8  # Jaccard of two voices' acts; people who judge the same items honestly agree less (kappa .6 to .7, feedback.md)
PUSHES = 5  # edits of a voice before its favourite label means anything
CHANCE = 1e-3  # that an honest voice has such a favourite, by the labels of all others
CROWD = (
    100  # voices on one act that are all compared with one another; in a larger crowd each with its next CHAIN, which still links a concert
)
CHAIN = 10
WORD = re.compile(r"[^\W_]+")
CHINESE = re.compile(r"[\u3040-\u9fff]")

Clusters = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True)
class Concert:
    """Voices that are heard as one."""

    voices: frozenset[str]
    how: str

    @property
    def name(self) -> str:
        return f"concert:{min(self.voices)}"


def heard(marks: list[Mark], clusters: Clusters) -> tuple[list[Mark], list[Concert]]:
    """The marks with the members of a concert under one voice. A hotfix is the operator's and is not asked."""
    found = _joined([*copied(marks, clusters), *acting(marks), *pushing(marks)])
    names = {voice: c.name for c in found for voice in c.voices}
    if not names:
        return marks, []
    return [_renamed(m, names) for m in marks], found


def _renamed(m: Mark, names: dict[str, str]) -> Mark:
    name = None if m.talk.hotfix else names.get(m.signal.voice)
    return replace(m, signal=replace(m.signal, concert=name)) if name else m


def copied(marks: list[Mark], clusters: Clusters) -> list[Concert]:
    """The same own words, written by many. Words of the question and of the answer are nobody's own, so one right answer is no concert."""
    said = [(m, own) for m in marks if m.signal.kind == "edit" and not m.talk.hotfix for own in [own_words(m)] if own]
    groups: dict[int, list[Mark]] = defaultdict(list)
    for (m, _), cluster in zip(said, clusters([own for _, own in said]) if said else [], strict=True):
        groups[cluster].append(m)
    return [Concert(voices, "the same words of their own") for group in groups.values() if len(voices := _voices(group)) >= FEWEST]


def own_words(m: Mark) -> str:
    """What the user wrote that neither the answer nor the conversation said; nothing where it is too little to be told apart."""
    if m.one_answer:
        return ""  # a label is the task's word, not the user's
    text = (m.signal.text or "").casefold()
    known = Counter(_words(f"{m.turn.text} {m.context.question}".casefold()))
    own = [w for w in _words(text) if not known[w]]
    return " ".join(own) if len(own) >= OWN_WORDS else ""


def _words(text: str) -> list[str]:
    """Words, and of Chinese or Japanese its characters two by two."""
    return [part for w in WORD.findall(text) for part in ([w[i : i + 2] for i in range(len(w) - 1)] if CHINESE.search(w) else [w])]


def acting(marks: list[Mark]) -> list[Concert]:
    """Voices who did nearly the same several things to the same answers."""
    acts: dict[str, set[Hashable]] = defaultdict(set)
    for m in marks:
        if not m.talk.hotfix and m.signal.kind not in ("copy", "regenerate"):
            said = (m.signal.text or "").strip() if m.signal.kind == "edit" else m.polarity
            acts[m.signal.voice].add((m.signal.kind, m.answer, said))
    busy = {voice: done for voice, done in acts.items() if len(done) >= ACTS}
    crowds: dict[Hashable, list[str]] = defaultdict(list)
    for voice, done in sorted(busy.items()):
        for act in done:
            crowds[act].append(voice)
    shared: Counter[tuple[str, str]] = Counter()
    for crowd in crowds.values():
        shared.update(combinations(crowd, 2) if len(crowd) <= CROWD else _chained(crowd))
    alike = [(a, b) for (a, b), n in shared.items() if n >= ACTS and n >= ALIKE * (len(busy[a]) + len(busy[b]) - n)]
    groups = _components(alike)
    return [Concert(voices, "same acts on the same answers") for voices in groups if len(voices) >= FEWEST]


def _chained(crowd: list[str]) -> Iterable[tuple[str, str]]:
    return ((a, b) for i, a in enumerate(crowd) for b in crowd[i + 1 : i + 1 + CHAIN])


def pushing(marks: list[Mark]) -> list[Concert]:
    """Voices who give one label to whatever was asked, far more often than all others do."""
    edits: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for m in marks:
        if m.signal.kind == "edit" and m.one_answer and not m.talk.hotfix:
            edits[m.task, m.signal.voice][(m.signal.text or "").strip()] += 1
    favourites: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (task, voice), labels in edits.items():
        label, n = labels.most_common(1)[0]
        if labels.total() >= PUSHES and n >= ALIKE * labels.total():
            favourites[task, label].add(voice)
    found = []
    for (task, label), voices in favourites.items():
        others = sum((labels for (t, voice), labels in edits.items() if t == task and voice not in voices), Counter())
        share = (others[label] + 1) / (others.total() + 2)
        sure = frozenset(v for v in voices if tail(edits[task, v][label], edits[task, v].total(), share) < CHANCE)
        if len(sure) >= FEWEST:
            found.append(Concert(sure, "one label for whatever was asked"))
    return found


def tail(hits: int, n: int, p: float) -> float:
    """P(X >= hits), X binomial."""
    return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(hits, n + 1))


def _voices(marks: Iterable[Mark]) -> frozenset[str]:
    return frozenset(m.signal.voice for m in marks)


def _joined(found: list[Concert]) -> list[Concert]:
    """Concerts that share a voice are one."""
    links = [(min(c.voices), voice) for c in found for voice in c.voices]
    groups = _components(links)
    return [Concert(group, "; ".join(sorted({c.how for c in found if c.voices <= group}))) for group in groups]


def _components(links: Iterable[tuple[str, str]]) -> list[frozenset[str]]:
    """Connected voices, by union-find."""
    above: dict[str, str] = {}

    def root(v: str) -> str:
        while above.setdefault(v, v) != v:
            above[v] = above[above[v]]
            v = above[v]
        return v

    for a, b in links:
        above[max(root(a), root(b))] = min(root(a), root(b))
    groups: dict[str, set[str]] = defaultdict(set)
    for v in sorted(above):
        groups[root(v)].add(v)
    return [frozenset(g) for _, g in sorted(groups.items())]
