"""The book of verdicts, home/audit/verdicts.jsonl: who said what about which case, one line each, only ever added to.

Nothing in it needs erasing when a user is forgotten. A line names its case by a keyed hash of the row's or the signal's id, as an erasure
keeps keyed marks of who is gone; it holds no conversation, no user, no event and no text of theirs, and once the row has left the pairs
nothing leads from the hash to anybody. Only a note is free text, the auditor's own: `forget` reads this file among those that no rule
cleans, and names it where a note repeats what the forgotten wrote.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline import lineage
from pipeline.errors import Permanent
from pipeline.settings import Settings

WORDS = ("right", "wrong", "unsure")
LONGEST_NOTE = 500


@dataclass(frozen=True)
class Verdict:
    """One person's word about one case."""

    at: str
    """UTC, ISO 8601."""
    by: str
    pairs: str
    case: str
    table: str
    rule: str
    task: str
    version: int | None
    """VERSION of mine that made the case; None of pairs that were sealed before it was noted."""
    verdict: str
    note: str = ""

    @property
    def what(self) -> tuple[str, str, str]:
        """Whose word about what; a later one takes its place."""
        return (self.by, self.pairs, self.case)

    @property
    def says(self) -> tuple[str, str]:
        return (self.verdict, self.note)


def path(settings: Settings) -> Path:
    return settings.home / "audit" / "verdicts.jsonl"


def read(settings: Settings) -> list[Verdict]:
    """Every verdict, oldest first. A last line that a kill left half-written is none."""
    place = path(settings)
    if not place.exists():
        return []
    found = []
    for number, line in enumerate(_whole(place.read_bytes()).decode("utf-8").splitlines(), 1):
        try:
            found.append(Verdict(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise Permanent(
                f"{place}:{number}: {type(error).__name__}, this line is no verdict; mend it or take it out, the others stay"
            ) from None
    return found


def standing(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The last word of each person about each case, in the order in which they were last said."""
    last: dict[tuple[str, str, str], Verdict] = {}
    for v in verdicts:
        last.pop(v.what, None)
        last[v.what] = v
    return list(last.values())


def add(settings: Settings, verdicts: list[Verdict]) -> int:
    """Append those that say something new, all in one write and on disk before it returns; how many they were."""
    with lineage.lock(settings, "audit"):
        known = {v.what: v.says for v in standing(read(settings))}
        new = [v for v in verdicts if known.get(v.what) != v.says]
        if not new:
            return 0
        place = path(settings)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(place, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
            file.truncate(len(_whole(file.read())))
            file.seek(0, os.SEEK_END)
            file.write("".join(json.dumps(asdict(v), ensure_ascii=False) + "\n" for v in new).encode())
            os.fsync(file.fileno())
    return len(new)


def _whole(book: bytes) -> bytes:
    return book[: book.rfind(b"\n") + 1]
