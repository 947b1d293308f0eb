"""The ledger, `ledger.jsonl` in home: every verdict and every release a line in a hash chain, so that whoever noted its last line can hold us to all."""

import hashlib
import json
from pathlib import Path
from typing import Any

from pipeline import chain, lineage
from pipeline.settings import Settings

KINDS = ("verdict", "release")
BOOKKEEPING = ("n", "prev")

Facts = dict[str, Any]


def path(settings: Settings) -> Path:
    return settings.home / "ledger.jsonl"


def enter(settings: Settings, id: str) -> None:
    """Write the line of a sealed verdict or release, once. A kill before it is mended by running the stage again."""
    with lineage.lock(settings, "ledger"):
        if id not in lines(settings):
            chain.append(path(settings), line(settings, id))


def lines(settings: Settings) -> dict[str, Facts]:
    """What the ledger holds, by id, without the links of the chain."""
    found = chain.read(chain.load(path(settings)))
    return {str(r["id"]): {k: v for k, v in r.items() if k not in BOOKKEEPING} for r in found if "id" in r}


def line(settings: Settings, id: str) -> Facts:
    """What a line says of an artefact: a function of its sealed folder and of those it rests on."""
    manifest = lineage.manifest(settings, id)
    facts = {k: manifest.get(k) for k in ("id", "kind", "day", "finished", "git", "versions", "files", "parents", "verdict")}
    if manifest["kind"] == "release":
        sealed = json.loads((lineage.folder(settings, id) / "release.json").read_text(encoding="utf-8"))
        kept = {k: sealed.get(k) for k in ("verdict", "verdict_id", "report", "model", "origin_sha", "previous")}
        return facts | kept | {"adapter": sealed.get("files")}
    models = {side: lineage.manifest(settings, scored) for side, scored in manifest["scores"].items()}
    return facts | {
        "candidate": manifest["candidate"],
        "champion": manifest["champion"],
        "gate": manifest.get("gate"),
        "margins": manifest["recipe"].get("gate"),
        "scores": {side: _evidence(settings, m) for side, m in models.items()},
        "inputs": digest(manifest.get("inputs")),
    }


def _evidence(settings: Settings, scores: Facts) -> Facts:
    """One side's answers: which items were asked, every answer's sum, and the weights that gave them."""
    model = scores["model"]
    files = lineage.manifest(settings, model)["files"] if lineage.SHAPE.match(model) and lineage.sealed(settings, model) else {}
    return {
        "id": scores["id"],
        "model": model,
        "questions": scores.get("evalset"),
        "items": scores["files"].get("items.parquet"),
        "weights": scores.get("weights"),
        "adapter": {name: sha for name, sha in files.items() if name.startswith("adapter/")},
    }


def digest(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
