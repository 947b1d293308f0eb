"""A book of JSON lines, each holding the sha256 of the line before it: a line that is changed, added or taken out later is seen."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

Record = dict[str, Any]
FIRST = "0" * 64  # what the first line has for a predecessor


def line(record: Record, entries: list[Record], last: str) -> str:
    """The next line of the book. `last` is the line before it, as it stands in the file."""
    prev = hashlib.sha256(last.encode()).hexdigest() if last else FIRST
    return json.dumps(record | {"n": len(entries) + 1, "prev": prev}, ensure_ascii=False, sort_keys=True, allow_nan=False)


def whole(book: str) -> str:
    """The book without a line that a killed process left half-written."""
    return book[: book.rfind("\n") + 1]


def read(book: str) -> list[Record]:
    """Every record that can be read, oldest first; a line damaged by hand is passed over here and found by `broken`."""
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


def load(path: Path) -> str:
    """The book as it stands; empty where there is none."""
    return path.read_bytes().decode("utf-8", "replace") if path.exists() else ""


def append(path: Path, record: Record) -> None:
    """Write one more line and have it on disk. A line that a killed process left half-written is cut first; the caller holds the lock."""
    book = load(path)
    if len(whole(book)) < len(book):
        os.truncate(path, len(whole(book).encode()))
    with path.open("ab") as file:
        file.write((line(record, read(book), last_line(book)) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())
