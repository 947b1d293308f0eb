"""What people found in the samples that they judged, as counts that rows can be weighed by: signal x shape of row x app x group of users."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from pipeline import lake, lineage
from pipeline.audit import agreement, book, cases
from pipeline.audit.book import Verdict
from pipeline.audit.cases import Case
from pipeline.settings import Settings

FEW, MANY = 2, 10  # words of one user in a day: most users say one, and a tenth of them says half of everything


@dataclass(frozen=True, order=True)
class Cell:
    """Whose rows of which kind. An empty app or group stands for all of them."""

    rule: str
    """signal/table, such as thumb/kto"""
    app: str = ""
    group: str = ""


Counts = dict[Cell, tuple[int, int]]
"""(right, judged) of each cell."""


def group(words: int) -> str:
    """Users by how much they said on the day."""
    return "one word" if words < FEW else "few words" if words < MANY else "many words"


def decided(settings: Settings) -> dict[str, dict[str, bool]]:
    """By pairs folder that is still here: the rows that people agree on, and whether each is right."""
    said: dict[str, dict[str, list[Verdict]]] = defaultdict(lambda: defaultdict(list))
    for verdict in book.standing(book.read(settings)):
        if verdict.table in cases.TABLES:
            said[verdict.pairs][verdict.case].append(verdict)
    found = {}
    for pairs, of_case in sorted(said.items()):
        judged = {case: agreement.together(verdicts) for case, verdicts in of_case.items()}
        agreed = {case: word == "right" for case, word in judged.items() if word in ("right", "wrong")}
        if agreed and lineage.sealed(settings, pairs):
            found[pairs] = agreed
    return found


def counts(settings: Settings) -> Counts:
    """Every case that people agree on, by cell; empty where nobody has judged anything. Pairs and rows that are gone count no more."""
    found: Counter[tuple[Cell, bool]] = Counter()
    for pairs, of_case in decided(settings).items():
        found.update((cell, of_case[case]) for case, cell in _cells(settings, pairs, set(of_case)).items())
    return {cell: (found[cell, True], found[cell, True] + found[cell, False]) for cell in sorted({cell for cell, _ in found})}


def _cells(settings: Settings, pairs: str, wanted: set[str]) -> dict[str, Cell]:
    """The cell of each judged row of a pairs folder."""
    folder = lineage.folder(settings, pairs)
    rows = [case for case in cases.rows(settings, folder) if case.id in wanted]
    words, apps = _words(folder), _apps(settings, rows)
    return {
        c.id: Cell(c.rule, apps[c.conversation_id], group(words[c.row["user_hash"] or c.conversation_id]))
        for c in rows
        if c.conversation_id in apps
    }


def _words(folder: Path) -> Counter[str]:
    """What each user did on purpose that day; somebody without a name is known by the conversation."""
    said: Counter[str] = Counter()
    for line in (folder / "signals.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["origin"] == "explicit":
            said[row["evidence"].get("user_hash") or row["conversation_id"]] += 1
    return said


def _apps(settings: Settings, rows: list[Case]) -> dict[str, str]:
    if not rows or not lake.exists(settings):
        return {}
    with lake.connect(settings) as con:
        cases.ask(con, rows)
        return {r["conversation_id"]: r["app"] or "" for r in lake.query(con, "audit/apps")}
