"""Reports and verdicts without the gone: what carries an id is taken out, words that stand in sentences are replaced."""

import json
from pathlib import Path
from typing import Any

import yaml

from pipeline.erase.gone import Gone, Row
from pipeline.erase.words import ERASED
from pipeline.report import page

PLAIN = (
    "<!doctype html><meta charset=utf-8><title>{id}</title><p>{id} was rewritten when a user was forgotten; its facts stand in report.json."
)


def report(path: Path, gone: Gone, half_done: bool) -> tuple[bytes, bytes, int] | None:
    """(report.json, index.html, parts taken out), or None where nothing of the gone stands in it.

    half_done: a kill may have fallen between the two files, so the page is drawn again from facts that are clean already.
    """
    facts = json.loads(path.read_text(encoding="utf-8"))
    out = _samples(facts, gone) + _items(facts, gone) + _examples(facts, gone) + _causes(facts, gone)
    cleaned = gone.words.clean(facts)
    if not out and cleaned == facts and not half_done:
        return None
    text = json.dumps(cleaned, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    return text.encode(), _drawn(cleaned).encode(), max(out, 1)


def _drawn(facts: Row) -> str:
    """The page is a function of its facts; facts of an older version may lack what today's template asks for."""
    from jinja2 import TemplateError

    try:
        return page.render(facts)
    except (TemplateError, TypeError):
        return PLAIN.format(id=facts["id"])


def _samples(facts: Row, gone: Gone) -> int:
    """Sample rows of the lesson."""
    out = 0
    for kind, rows in (facts.get("samples") or {}).items():
        stay = [r for r in rows if not _taught_by(r, gone)]
        out += len(rows) - len(stay)
        facts["samples"][kind] = stay
    return out


def _items(facts: Row, gone: Gone) -> int:
    """Held-out items shown as lost or gained; their counts stay, they are figures."""
    out = 0
    for group in facts.get("items") or []:
        for side in ("lost_items", "gained_items"):
            stay = [i for i in group.get(side) or [] if (i.get("benchmark"), i.get("doc_hash")) not in gone.items]
            out += len(group.get(side) or []) - len(stay)
            group[side] = stay
            out += sum(_fewer(item, "nearest", gone) for item in stay)
    return out


def _causes(facts: Row, gone: Gone) -> int:
    """Rows that are named as evidence for why an ability fell."""
    named = [e for a in (facts.get("causes") or {}).get("abilities") or [] for e in a.get("evidence") or []]
    return sum(_fewer(evidence, "rows", gone) for evidence in named)


def _fewer(holder: Row, column: str, gone: Gone) -> int:
    """Rows of the lesson that stand beside something: a lost item's nearest, or what evidence names."""
    rows = holder.get(column) or []
    stay = [row for row in rows if not _taught_by(row, gone)]
    if len(stay) < len(rows):
        holder[column] = stay
    return len(rows) - len(stay)


def _taught_by(row: Row, gone: Gone) -> bool:
    return gone.conversation(row.get("conversation_id")) or row.get("example_id") in gone.examples


def _examples(facts: Row, gone: Gone) -> int:
    """One text is shown for every reason to drop a row."""
    found = [row for row in (facts.get("data") or {}).get("dropped") or [] if row.get("example") and gone.words.same(row["example"])]
    for row in found:
        row["example"] = ERASED
    return len(found)


def plain(path: Path, gone: Gone) -> tuple[bytes, int] | None:
    """Any other readable file of a sealed folder, or None where no word of the gone stands in it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".json", ".yaml"):
        value = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        cleaned = gone.words.clean(value)
        return None if cleaned == value else (_written(path, text, cleaned).encode(), 1)
    lines = text.splitlines(keepends=True)
    cleaned = [f"{ERASED}\n" if gone.words.hold(line) else line for line in lines]
    return None if cleaned == lines else ("".join(cleaned).encode(), sum(a != b for a, b in zip(lines, cleaned, strict=True)))


def _written(path: Path, before: str, value: Any) -> str:
    if path.suffix == ".json":
        return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    header = "".join(line for line in before.splitlines(keepends=True) if line.startswith("#"))
    return header + yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=140)
