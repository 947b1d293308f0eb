"""Why it fell: for each fallen ability the evidence that names a task, from what `equipoise attribute` found and from the words of rows.

Likeness of words is worked out here, so that a report has it without being asked; the costlier kinds stand in the verdict's record.
"""

from typing import Any

from pipeline.causes import lost, neighbours, taught, told
from pipeline.causes.lost import Item
from pipeline.causes.taught import Taught
from pipeline.report.sources import Sources
from pipeline.report.words import cut

Row = dict[str, Any]
NEAREST = 2  # rows beside a lost item
LEAST_LIKE = 0.1  # of both likenesses together: below it two texts share little but common words
KINDS = {"A": "intervention", "B": "intervention on an approximation", "C": "association", "D": "likeness, for reading only"}


def of(s: Sources, verdict_id: str) -> Row | None:
    """Every fallen ability with its evidence, the strongest kind first; None where none fell or no row is at hand."""
    named, rows = lost.named(s.verdict), taught.of(s.rows)
    if not named or not rows:
        return None
    declared = s.manifests.get(s.verdict["scores"].get("candidate"), {}).get("abilities") or {}
    record = s.beside.get("attribution") or {}
    told_of = [_ability(s, name, who, declared, rows, (record.get("abilities") or {}).get(name) or {}) for name, who in named.items()]
    tried = {"D": taught.counted(rows)} | (record.get("tried") or {})
    more = [method for method in "ABC" if method not in tried or tried[method].startswith(("stopped", "not tried"))]
    return {
        "abilities": told_of,
        "tried": [{"method": told.METHODS[m], "kind": KINDS[m], "what": tried[m]} for m in told.METHODS if m in tried],
        "command": f"equipoise attribute {verdict_id}" if "B" in more and "A" in more else None,
    }


def _ability(s: Sources, name: str, who: str, declared: Row, rows: list[Taught], known: Row) -> Row:
    fell = lost.parted(name, who, s.items.get(who, []), s.items.get("candidate", []), declared)
    figures = {"D": neighbours.looks(fell, rows)} | (known.get("figures") or {})
    found = {method: told.evidence(method, figures[method]) for method in told.METHODS if method in figures}
    culprit = told.culprit(found)
    return {
        "name": name,
        "reference": who,
        "lost": len(fell.lost),
        "gained": fell.gained,
        "culprit": f"{name}: {culprit['sentence']}" if culprit else None,
        "task": culprit["task"] if culprit else None,
        "evidence": [
            {"kind": KINDS[m], "sentence": e["sentence"], "rows": _named(s, rows, e.get("rows") or [])}
            for m, by in found.items()
            for e in by
        ],
    }


def _named(s: Sources, rows: list[Taught], ids: list[str]) -> list[Row]:
    """The rows that a kind of evidence names, to be read; those that were forgotten since are left out."""
    conversations, by_id = _conversations(s), {r.example_id: r for r in rows}
    return [_row(by_id[id], conversations) for id in ids if id in by_id]


def beside(groups: list[Row], s: Sources) -> list[Row]:
    """The groups of items to read, with the nearest rows of the lesson beside each lost one."""
    rows = taught.of(s.rows)
    shown = [i for g in groups for i in g["lost_items"]]
    if not rows or not shown:
        return groups
    shelf = neighbours.Shelf(rows, [Item(i["benchmark"], 0, i["doc_hash"], i["prompt"], i["target"], i["candidate"]) for i in shown])
    conversations = _conversations(s)
    near = iter(
        [[_near(r, a, b, conversations) for r, a, b in shelf.nearest(n, NEAREST) if a + b >= LEAST_LIKE] for n in range(len(shown))]
    )
    return [g | {"lost_items": [i | {"nearest": next(near)} for i in g["lost_items"]]} for g in groups]


def _near(row: Taught, asked: float, answered: float, conversations: dict[str, Any]) -> Row:
    return _row(row, conversations) | {"like_question": asked, "like_answer": answered}


def _row(row: Taught, conversations: dict[str, Any]) -> Row:
    facts = {"example_id": row.example_id, "task": row.task, "conversation_id": conversations.get(row.example_id)}
    return facts | {"asked": cut(row.asked, 300), "answer": cut(row.answer, 200)}


def _conversations(s: Sources) -> dict[str, Any]:
    return {str(r["example_id"]): r.get("conversation_id") for table in s.rows.values() for r in table}
