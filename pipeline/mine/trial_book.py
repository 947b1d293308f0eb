"""The book of trials, home/judge/trials.jsonl: how each judge did against people's verdicts. No text of a log stands in it, nor an id."""

import json
import os
from pathlib import Path
from typing import Any

from pipeline import lineage
from pipeline.errors import Permanent
from pipeline.settings import Settings

Trial = dict[str, Any]


def path(settings: Settings) -> Path:
    return settings.home / "judge" / "trials.jsonl"


def read(settings: Settings) -> list[Trial]:
    """Every trial, oldest first. A last line that a kill left half-written is none."""
    place = path(settings)
    if not place.exists():
        return []
    book = place.read_bytes()
    found = []
    for number, line in enumerate(book[: book.rfind(b"\n") + 1].decode("utf-8").splitlines(), 1):
        try:
            trial = json.loads(line)
            found.append({"judge": trial["judge"], "passes": trial["passes"], "control": trial["control"]} | trial)
        except (ValueError, KeyError, TypeError) as error:
            raise Permanent(f"{place}:{number}: {type(error).__name__}, this line is no trial; take it out, the others stay") from None
    return found


def last(settings: Settings, identity: dict[str, Any]) -> Trial | None:
    """The newest trial of exactly this judge: the same model asked in the same words."""
    return next((t for t in reversed(read(settings)) if t["judge"] == identity), None)


def add(settings: Settings, trial: Trial) -> None:
    """Append, on disk before it returns."""
    with lineage.lock(settings, "judge-trials"):
        place = path(settings)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(place, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
            book = file.read()
            file.truncate(book.rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            file.write((json.dumps(trial, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n").encode())
            os.fsync(file.fileno())
