"""A hotfix by hand: a handful of examples, a short lesson on top of the champion, the whole gate, and a person's yes."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipeline import recipe
from pipeline.chat import ROLES
from pipeline.commands import day as days
from pipeline.commands import finetune
from pipeline.errors import BadInput
from pipeline.settings import Settings

MOST_BYTES = 1 << 20  # a handful of examples; more than 1 MiB is a data set and belongs into the daily logs
KEYS = {"task", "messages", "answer", "rejected", "note"}
LESSON = "hotfix"


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    named = inside(args.file, settings) if args.inside else Path(args.file)
    with finetune.translated(named, args.task, settings) as file:
        examples = read(file, args.task, settings)
        if args.check:
            days.feasible(LESSON, settings)
            return {
                "id": None,
                "file": str(named),
                "examples": len(examples),
                "text": f"{named}: {len(examples)} good examples for {args.task}",
            }
        day = date.fromisoformat(args.day) if args.day else datetime.now(UTC).date()
        return run(file, args.task, args.reason, day, settings)


def inside(name: str, settings: Settings) -> Path:
    """The file of that name in the home's hotfix folder; a name that leads out of it is refused, through links too."""
    folder = (settings.home / "hotfix").resolve()
    file = (folder / name).resolve()
    if not file.is_relative_to(folder):
        raise BadInput(f"{name!r} leads out of {folder}: put the file into that folder and give its name")
    return file


def run(file: Path, task: str, reason: str, day: date, settings: Settings) -> dict[str, Any]:
    """Ingest the examples and follow the hotfix lesson up to the report; a person promotes it."""
    read(file, task, settings)
    days.feasible(LESSON, settings)
    made: dict[str, Any] = {"day": day.isoformat(), "recipe": LESSON, "task": task, "reason": reason, "seconds": {}}
    logs = days.stage("ingest", [str(file), "--format", "hotfix", "--day", day.isoformat()], LESSON, settings, made)
    return days.from_logs(str(logs["id"]), LESSON, settings, made)


def read(file: Path, task: str, settings: Settings) -> list[dict[str, Any]]:
    """The examples of a hotfix file. Every fault names its line; nothing starts before all lines are good."""
    known = recipe.cards(settings, recipe.load(settings, LESSON))
    if task not in known:
        raise BadInput(f"task {task!r} has no card: write tasks/{task}.yaml or name one of {', '.join(sorted(known)) or 'none yet'}")
    if not file.is_file():
        raise BadInput(f"{file} is no file")
    if file.stat().st_size > MOST_BYTES:
        raise BadInput(f"{file} has {file.stat().st_size} bytes, a hotfix has at most {MOST_BYTES}: put this much into the daily logs")
    examples = []
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: byte {error.start} is no UTF-8: save the file as UTF-8") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            fault, example = _example(line, task)
            if fault:
                raise BadInput(f"{file} line {number}: {fault}")
            examples.append(example)
    if not examples:
        raise BadInput(f"{file} holds no example: write one JSON object a line")
    return examples


def _example(line: str, task: str) -> tuple[str, dict[str, Any]]:
    """The first fault of a line in words ("" when it is good), and its row."""
    try:
        row = json.loads(line)
    except ValueError as error:
        return f"no JSON: {error}", {}
    if not isinstance(row, dict):
        return f"expected an object, found {type(row).__name__}", {}
    return next(_faults(row, task), ""), row


def _faults(row: dict[str, Any], task: str) -> Iterator[str]:
    """Everything that is wrong with one example, in the order that a person would mend it."""
    if set(row) - KEYS:
        yield f"unknown key {sorted(set(row) - KEYS)[0]!r}: the keys are {', '.join(sorted(KEYS))}"
    if "task" not in row:
        yield f"task is missing: write {task!r}"
    elif row["task"] != task:
        yield f"task is {row['task']!r}, this hotfix teaches {task!r}: one task a hotfix"
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages or not all(_message(m) for m in messages):
        yield "messages must be a list of {role, content} with text in both"
    elif messages[-1]["role"] != "user":
        yield f"the last message is of {messages[-1]['role']}, it must be the user's: the answer stands under `answer`"
    if not isinstance(row.get("answer"), str) or not row["answer"].strip():
        yield "answer is missing or empty"
    if not isinstance(row.get("rejected", ""), str) or not isinstance(row.get("note", ""), str):
        yield "rejected and note must be text"
    elif not row.get("rejected", "x").strip():
        yield "rejected is empty: write the model's answer, or leave the key out"
    if row.get("rejected") == row.get("answer"):
        yield "rejected equals answer: it would teach nothing"


def _message(m: object) -> bool:
    return isinstance(m, dict) and m.get("role") in ROLES and isinstance(m.get("content"), str) and set(m) <= {"role", "content", "name"}
