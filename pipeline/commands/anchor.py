"""Set or move the origin: the fixed reference that every candidate is measured against, and the weights that lessons start from."""

import argparse
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline import chat, lineage, service
from pipeline.errors import BadInput, Permanent
from pipeline.promote.run import record, write_down
from pipeline.settings import Settings


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    return run(Path(args.model), args.reason, args.by, settings)


def run(model: Path, reason: str, by: str | None, settings: Settings) -> dict[str, Any]:
    """Record the folder as origin, here and in the book of decisions. The same folder again starts a new account of losses."""
    if not reason.strip():
        raise BadInput("--reason is empty: say why the reference moves, a reviewer will ask")
    model = model.expanduser().resolve()
    if not (model / "config.json").exists() or not list(model.glob("*.safetensors")):
        raise BadInput(f"{model} is no model folder: it needs config.json and *.safetensors (pickled weights are refused)")
    chat.template(model)
    settings.home.mkdir(parents=True, exist_ok=True)
    with lineage.lock(settings, "current"):
        before = None
        with contextlib.suppress(Permanent):  # no default model either: this is the first origin
            before = {"model": str(service.origin(settings)), "sha": service.origin_sha(settings)}
        sha = service.folder_sha(settings, model)
        facts = {"model": str(model), "sha": sha, "reason": reason, "by": by, "since": datetime.now(UTC).isoformat(), "before": before}
        lineage.write_json(settings.home / "origin.json", facts)
        moved = {"origin": str(model), "sha": sha, "before": before}
        write_down(settings, record("anchor", by or "a person", reason, service.current(settings)) | moved)
    return facts | {"text": f"origin: {model} ({sha[:12]}), because {reason}; what was lost against it is counted anew from here"}
