"""The journal of an erasure: written before anything is changed, so that a kill at any moment is finished by running it again.

It holds keyed hashes, sums and counts, and nothing that names a person. While it lies there, the erasure is open.
"""

import json
import os
import secrets
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline import lineage
from pipeline.settings import Settings

Entry = dict[str, Any]
Marks = set[tuple[str, str]]


@dataclass
class Journal:
    """One open erasure. Entries are appended and flushed one by one; a line torn by a kill is passed over."""

    folder: Path
    entries: list[Entry] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def about(self) -> Entry:
        """What was asked for: reason, by whom, when, and what the lake held of it."""
        return self.entries[0]["about"]

    @property
    def marks(self) -> Marks:
        return {(what, mark) for what, mark in self.entries[0]["marks"]}

    def write(self, **entry: Any) -> None:
        """Put an entry on disk before the change that it speaks of."""
        self.entries.append(entry)
        with (self.folder / "journal.jsonl").open("ab") as file:
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def of(self, key: str) -> list[Entry]:
        return [e for e in self.entries if key in e]

    def before(self, id: str) -> dict[str, str] | None:
        """Sums that the files of a sealed folder had before this erasure touched it, or None where it was not touched yet."""
        found = [e["files"] for e in self.entries if e.get("sealed") == id]
        return found[0] if found else None

    def close(self, receipt: Entry) -> None:
        """The receipt is the end: the journal goes after it."""
        lineage.write_json(self.folder / "receipt.json", receipt)
        (self.folder / "journal.jsonl").unlink()


def begin(settings: Settings, marks: Marks, about: Entry) -> Journal:
    """Open an erasure in one step: its first line lies there whole, or the erasure was never begun."""
    now = datetime.now(UTC)
    folder = settings.home / "erasures" / f"erasure-{now:%Y%m%d}-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    first = {"about": about | {"at": now.isoformat(timespec="seconds")}, "marks": sorted(marks)}
    draft = folder / ".journal.tmp"
    with draft.open("wb") as file:
        file.write(json.dumps(first, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, folder / "journal.jsonl")
    return Journal(folder, [first])


def open_ones(settings: Settings) -> list[Journal]:
    """Erasures that were begun and have no receipt yet, oldest first. Only reads: any process may ask."""
    paths = [p for p in (settings.home / "erasures").glob("erasure-*/journal.jsonl") if not (p.parent / "receipt.json").exists()]
    found = []
    for path in paths:
        whole = path.read_bytes()
        found.append(Journal(path.parent, [json.loads(line) for line in whole[: whole.rfind(b"\n") + 1].splitlines()]))
    return sorted(found, key=lambda j: j.about["at"])


def take_up(settings: Settings) -> list[Journal]:
    """The open erasures, for the process that will finish them: what a kill left torn or superfluous is put in order first."""
    for draft in settings.home.glob(".tainted.json.*.tmp"):
        draft.unlink()
    for folder in (settings.home / "erasures").glob("erasure-*"):
        path = folder / "journal.jsonl"
        for draft in folder.glob(".receipt.json.*.tmp"):
            draft.unlink()
        if (folder / "receipt.json").exists():
            path.unlink(missing_ok=True)
        elif path.exists():
            whole = path.read_bytes()
            os.truncate(path, whole.rfind(b"\n") + 1)
        else:
            shutil.rmtree(folder)  # killed before its first line was whole: nothing was begun
    return open_ones(settings)


def receipts(settings: Settings) -> list[Entry]:
    """Every finished erasure of this home, oldest first."""
    paths = (settings.home / "erasures").glob("erasure-*/receipt.json")
    return sorted((json.loads(p.read_text(encoding="utf-8")) for p in paths), key=lambda r: (r["at"], r["id"]))
