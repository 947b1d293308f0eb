"""The book of decisions: one JSON line each, chained by hash so that a line changed later is seen. Pure; run.py writes it."""

import hashlib
import json
from typing import Any

Record = dict[str, Any]
FIRST = "0" * 64  # what the first line has for a predecessor
BOOKKEEPING = ("n", "prev")


def line(record: Record, entries: list[Record], last: str) -> str:
    """The next line of the book. `last` is the line before it, as it stands in the file."""
    prev = hashlib.sha256(last.encode()).hexdigest() if last else FIRST
    return json.dumps(record | {"n": len(entries) + 1, "prev": prev}, ensure_ascii=False, sort_keys=True, allow_nan=False)


def whole(book: str) -> str:
    """The book without a line that a killed process left half-written."""
    return book[: book.rfind("\n") + 1]


def read(book: str) -> list[Record]:
    """Every decision that can be read, oldest first; a line damaged by hand is passed over here and found by `broken`."""
    found = []
    for text in whole(book).splitlines():
        try:
            record = json.loads(text)
        except ValueError:
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def broken(book: str) -> int | None:
    """Number of the first line that does not follow from the one before it, or None."""
    prev = FIRST
    for number, text in enumerate(whole(book).splitlines(), 1):
        try:
            good = json.loads(text).get("prev") == prev
        except (ValueError, AttributeError):
            good = False
        if not good:
            return number
        prev = hashlib.sha256(text.encode()).hexdigest()
    return None


def last_line(book: str) -> str:
    lines = whole(book).splitlines()
    return lines[-1] if lines else ""


def holds(entries: list[Record], record: Record) -> bool:
    """Whether this very decision is on record."""
    return any({k: v for k, v in e.items() if k not in BOOKKEEPING} == record for e in entries)


def rejected(entries: list[Record], report: str) -> Record | None:
    """The no that stands for a report, unless a later yes took it back."""
    about = [e for e in entries if e.get("report") == report and e.get("action") in ("promote", "reject")]
    return about[-1] if about and about[-1]["action"] == "reject" else None


def undone(entries: list[Record], release: str) -> Record | None:
    """The rollback that took a release out of service, unless it was put back since."""
    about = [
        e for e in entries if e.get("release") == release or (e["action"] == "rollback" and (e.get("from") or {}).get("release") == release)
    ]
    return about[-1] if about and about[-1].get("release") != release else None


def repeated(entries: list[Record], release: str, by: str | None, note: str | None) -> bool:
    """Whether the same word was given before and has not been undone: saying it twice is saying it once."""
    said = [e for e in entries if e["action"] == "promote" and e.get("release") == release]
    return bool(said) and not undone(entries, release) and any(by is None or (e["who"], e["note"]) == (by, note) for e in said)
