"""Your own lesson to start from: a folder with a recipe, a task card, a held-out file, two log lines and an inbox."""

import argparse
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput
from pipeline.settings import Settings

SAMPLES = Path(__file__).parent / "samples"


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    return run(Path(args.folder))


def run(folder: Path) -> dict[str, Any]:
    """Write the samples that are not there yet; a file of yours is never touched."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file: name a folder")
    written, kept = [], []
    for sample in sorted(p for p in SAMPLES.rglob("*") if p.is_file()):
        target = folder / sample.relative_to(SAMPLES)
        if target.exists():
            kept.append(str(target))
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(sample.read_text(encoding="utf-8"), encoding="utf-8")
        written.append(str(target))
    lines = [*(f"wrote {p}" for p in written), *(f"kept  {p} (yours)" for p in kept), "", "next:"]
    lines += [f"  export EQUIPOISE_CONFIG={folder} EQUIPOISE_INBOX={folder}/inbox EQUIPOISE_MODEL=/path/to/your/model"]
    lines += ["  equipoise doctor --recipe mine", "  equipoise day 2026-11-20 --recipe mine"]
    return {"folder": str(folder), "written": written, "kept": kept, "text": "\n".join(lines)}
