"""What was found out about a verdict after it was given: one record of each kind in home, sealed by its own sum, and shown by the report.

A sealed verdict never changes; why an ability fell or how it was mended is known later, or never. Records hold ids and figures, no texts.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pipeline import lineage
from pipeline.errors import BadInput, Permanent
from pipeline.settings import Settings

FILES = {"attribution": "culprits.json", "repair": "repair.json", "probe": "probe.json"}
VERBS = {"attribution": "attribute", "repair": "repair", "probe": "probe"}

Facts = dict[str, Any]


def folder(settings: Settings, what: str, id: str) -> Path:
    """Where everything of one kind about one artefact is kept. The id's shape is checked before it becomes a path."""
    lineage.kind_of(id)
    return settings.home / what / id


def write(settings: Settings, what: str, id: str, facts: Facts) -> Facts:
    """Seal a record, whole or not at all; one that says the same is left as it is."""
    sealed = json.loads(json.dumps(facts, ensure_ascii=False, sort_keys=True, allow_nan=False, default=str))
    sealed |= {"sum": digest(sealed)}
    path = folder(settings, what, id) / FILES[what]
    if not path.exists() or json.loads(path.read_text(encoding="utf-8")) != sealed:
        path.parent.mkdir(parents=True, exist_ok=True)
        lineage.write_json(path, sealed)
    return sealed


def read(settings: Settings, what: str, id: str) -> Facts | None:
    """A record as it was sealed, or None where there is none."""
    path = folder(settings, what, id) / FILES[what]
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        whole = found.get("sum") == digest({k: v for k, v in found.items() if k != "sum"})
    except (ValueError, AttributeError):
        whole = False
    if not whole:
        raise Permanent(f"{path} is not what was sealed; delete it and run `equipoise {VERBS[what]} {id}` again")
    return found


def sums(settings: Settings, id: str) -> dict[str, str]:
    """The sum of every record about an artefact: what a report of it depends on beside the artefact."""
    found = {what: read(settings, what, id) for what in FILES}
    return {what: facts["sum"] for what, facts in found.items() if facts}


def digest(facts: Facts) -> str:
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False, sort_keys=True, allow_nan=False).encode()).hexdigest()


def verdict(settings: Settings, id: str) -> tuple[Facts, Facts]:
    """(manifest, verdict.json) of a verdict whose sums hold."""
    if lineage.kind_of(id) != "verdict":
        raise BadInput(f"{id} is of kind {lineage.kind_of(id)}: name a verdict-… id; `equipoise status` and the report's page say it")
    manifest = lineage.require(settings, id, "verdict")
    return manifest, json.loads((lineage.folder(settings, id) / "verdict.json").read_text(encoding="utf-8"))
