"""One simulated day: users ask the served model, read its answers and leave feedback; their log goes to the inbox, the truth beside it."""

import json
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pipeline.demo.users import HOSTILE_USER, Turn, line
from pipeline.demo.world import Wish
from pipeline.lm import Served
from pipeline.progress import track
from pipeline.settings import Settings

MOST_TOKENS = 40  # a person's JSON takes about 30
TURNS_PER_USER = 2
HOSTILE_TURNS = 4


def crowd(day: date, turns: int) -> list[str]:
    """Who asks each question: a new crowd every day, and one hostile user among them."""
    honest = [f"{day:%d}-user-{n // TURNS_PER_USER:02d}" for n in range(turns - HOSTILE_TURNS)]
    return honest + [HOSTILE_USER] * HOSTILE_TURNS


def answers(served: Served, wishes: Sequence[Wish], label: str) -> list[str]:
    """What the served model says to each wish."""
    asked = ([{"role": "system", "content": w.system}, {"role": "user", "content": w.prompt}] for w in wishes)
    return [served.answer(messages, MOST_TOKENS) for messages in track(asked, label, len(wishes))]


def log(day: date, wishes: Sequence[Wish], said: Sequence[str], model: str, settings: Settings) -> Path:
    """Write the day's native log into the inbox and the planted truth into demo/; both whole, by rename."""
    rng = random.Random(f"users-{day}")
    start = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    lines, truths = [], []
    for n, (user, wish, answer) in enumerate(zip(crowd(day, len(wishes)), wishes, said, strict=True)):
        row, truth = line(Turn(user, wish, answer), n, start + timedelta(minutes=n), model, rng)
        lines.append(row)
        truths += truth
    inbox = settings.home / "inbox" / f"demo_{day}.jsonl"
    _write(settings.home / "demo" / f"truth_{day}.jsonl", truths)
    _write(inbox, lines)
    return inbox


def _write(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    draft.replace(path)
