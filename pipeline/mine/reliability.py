"""How far each row is believed: by what people found in rows of its kind, app and users, and by how far users agree.

The weight that judgement gives a signal is a belief too: weight w says that (1 + w) / 2 of such rows are right. It is worth PRIOR judged
rows; verdicts move it, the app's and the group's own rates move it further where they have cases enough. A row of belief p weighs 2p - 1:
what a right row gains less what a wrong one costs. Of a pair, 1 - p becomes the label smoothing of DPO, which does the same.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache, cached_property
from typing import Any

from pipeline.audit import belief
from pipeline.audit.belief import Belief
from pipeline.audit.found import Cell, Counts, group
from pipeline.mine.candidates import Candidate
from pipeline.mine.explicit import Signal
from pipeline.mine.marks import Drop
from pipeline.mine.witness import Agreement

PRIOR = 10.0  # judged rows that STRENGTH's judgement is worth
LEAST = 0.05  # weight of a row that is hardly believed: only a proof drops it

Row = dict[str, Any]


class Reliability:
    """Beliefs about rows by cell, from verdicts and agreement."""

    def __init__(self, judged: Counts, agreed: Agreement):
        self.judged, self.agreed = judged, agreed
        self.believed = cache(self._believed)
        self.cells = cache(self._cells)

    def about(self, rule: str, app: str, users: str, weight: float) -> Belief | None:
        """What is believed of rows of a cell that judgement gives `weight`; None where nothing was found."""
        return self.believed(rule, app, users, round((1 + weight) / 2, 6))

    def _cells(self, rule: str) -> dict[Cell, tuple[float, float]]:
        """(right, cases) of the rule's cells: rows that were judged, and beside them what agreement about its kind of signal is worth."""
        found = {cell: (float(right), float(n)) for cell, (right, n) in self.judged.items() if cell.rule == rule}
        kind, _, _ = rule.partition("/")
        for cell, (right, n) in self.agreed.items():
            if cell.rule == kind:
                found[Cell(rule, cell.app)] = (right, n)
        return found

    def _believed(self, rule: str, app: str, users: str, mean: float) -> Belief | None:
        """Judgement, then all other apps, then the app's other groups, then the group itself: what stands further off is never counted twice."""
        total, of_app, of_group = (self._sum(rule, *place) for place in ((), (app,), (app, users)))
        if not total[1]:
            return None
        far = belief.shrunk(total[0] - of_app[0], total[1] - of_app[1], mean, PRIOR)
        near = belief.shrunk(of_app[0] - of_group[0], of_app[1] - of_group[1], far.mean, min(self.strengths[0], PRIOR + far.n))
        own = belief.shrunk(*of_group, near.mean, min(self.strengths[1], near.a + near.b))
        return Belief(own.a, own.b, total[1])

    def _sum(self, rule: str, app: str | None = None, users: str | None = None) -> tuple[float, float]:
        found = [n for c, n in self.cells(rule).items() if app in (None, c.app) and users in (None, c.group)]
        return sum(right for right, _ in found), sum(n for _, n in found)

    @cached_property
    def strengths(self) -> tuple[float, float]:
        """What other apps' rows are worth to an app, and other groups' to a group, by how far each lies from all the others of its rule."""
        apps = sorted({(c.rule, c.app) for c in self.judged})
        by_app = [(*own, _rate(self._sum(rule), own)) for rule, app in apps for own in [self._sum(rule, app)]]
        by_group = [(float(own[0]), float(own[1]), _rate(self._sum(c.rule), own)) for c, own in self.judged.items()]
        return belief.strength(by_app), belief.strength(by_group)


def _rate(total: tuple[float, float], own: tuple[float, float]) -> float:
    """The rate of the others; with oneself among them everybody would look alike."""
    return (total[0] - own[0] + 0.5) / (total[1] - own[1] + 1)


def weighed(candidates: list[Candidate], known: Reliability, day: Iterable[Signal]) -> tuple[list[Candidate], list[Drop]]:
    """The rows with the weight that their belief gives. One is dropped where people found its kind wrong more often than right; that users
    disagree lowers a weight and never drops a row: else whoever contradicts everybody would.

    day: what was said on it; users are grouped by how much they said.
    """
    kept, dropped = [], []
    words, people = Counter(_speaker(s) for s in day), Reliability(known.judged, {})
    for c in candidates:
        about = f"{c.source}/{c.kind}", c.talk.app or "", group(words[_speaker(c.speaker)]), c.weight
        found = None if c.talk.hotfix else known.about(*about)
        if found is None:
            kept.append(c)
            continue
        low, high = found.interval()
        fact = {"right": round(found.mean, 4), "low": round(low, 4), "high": round(high, 4), "cases": round(found.n, 1)}
        weight = 1.0 if c.kind == "dpo" else max(LEAST, 2 * found.mean - 1)
        row = replace(c, weight=weight, more=(*c.more, ("reliability", fact)))
        if high < 0.5 and (proof := people.about(*about)) and proof.interval()[1] < 0.5:
            dropped.append(Drop("unreliable", row, row.kind))
        else:
            kept.append(row)
    return kept, dropped


def _speaker(s: Signal) -> str:
    return s.user_hash or s.conversation_id


def account(known: Reliability) -> list[Row]:
    """What people found, and what agreement is worth, by cell, for the manifest."""
    rows = []
    for cell, (right, n) in sorted([*known.judged.items(), *known.agreed.items()]):
        low, high = belief.shrunk(right, n, 0.5, 0.0).interval()
        facts = {"rule": cell.rule, "app": cell.app, "users": cell.group, "right": round(right, 1), "cases": round(n, 1)}
        rows.append(facts | {"low": round(low, 4), "high": round(high, 4)})
    return rows
