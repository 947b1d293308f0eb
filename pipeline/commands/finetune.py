"""OpenAI fine-tuning files as hotfix files: what a team has collected for one tuning service is taken by `equipoise hotfix` as it is."""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import BadInput
from pipeline.ingest.formats import openai_finetune
from pipeline.ingest.quarantine import Refused
from pipeline.settings import Settings

MOST_BYTES = 1 << 20  # as for any hotfix: what is larger is read by nobody here, and refused with its reason


@contextlib.contextmanager
def translated(file: Path, task: str, settings: Settings) -> Iterator[Path]:
    """The file itself; a fine-tuning file as a hotfix file of this task, in a private place and as long as the block lasts."""
    rows = _records(file)
    if not rows or not all(openai_finetune.claims(row) for _, row in rows):
        yield file
        return
    work = settings.home / "work"
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hotfix-", dir=work) as folder:
        copy = Path(folder) / file.name
        with copy.open("w", encoding="utf-8") as out:
            for number, row in rows:
                try:
                    out.write(json.dumps(openai_finetune.example(row, task), ensure_ascii=False) + "\n")
                except Refused as problem:
                    raise BadInput(f"{file} line {number}: {problem.reason}") from None
        yield copy


def _records(file: Path) -> list[tuple[int, dict]]:
    """Every line's object by its number; none where a line holds no object: then it is no fine-tuning file."""
    try:
        if not file.is_file() or file.stat().st_size > MOST_BYTES:
            return []
        lines = file.read_text(encoding="utf-8-sig").splitlines()
        rows = [(number, json.loads(line)) for number, line in enumerate(lines, 1) if line.strip()]
    except (OSError, ValueError, RecursionError):
        return []
    return rows if all(isinstance(row, dict) for _, row in rows) else []
