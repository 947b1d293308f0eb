"""Start again where a killed run stopped: the last whole checkpoint, and the losses up to it.

Checkpoints live in the stage's private scratch folder and are no artefacts. The trainer reads its optimizer state with
`weights_only=True`; a test holds it to that.
"""

import json
import os
import shutil
from pathlib import Path

WHOLE = "trainer_state.json"  # the trainer writes it last: a checkpoint without a readable one was cut short


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end; broken ones are removed so that nobody reads them."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda p: int(p.name.rpartition("-")[2]))
    for path in reversed(found):
        if step(path) is not None:
            return path
        shutil.rmtree(path, ignore_errors=True)
    return None


def step(checkpoint: Path) -> int | None:
    """The optimizer step of a checkpoint, or None where its state is missing or torn."""
    try:
        return int(json.loads((checkpoint / WHOLE).read_text(encoding="utf-8"))["global_step"])
    except (OSError, ValueError, KeyError):
        return None


def cut(losses: Path, after: int) -> None:
    """Drop the loss records that were written after the checkpoint: those steps are about to be run again."""
    if not losses.exists():
        return
    kept = [line for line in losses.read_text(encoding="utf-8").splitlines() if _step_of(line) <= after]
    draft = losses.with_suffix(".tmp")
    draft.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    os.replace(draft, losses)


def _step_of(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except ValueError:  # the line that the kill tore
        return float("inf")
