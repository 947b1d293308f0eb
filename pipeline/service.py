"""What is in service: the champion, the origin it is measured against, and the weights behind both."""

import hashlib
import json
from pathlib import Path
from typing import Any

from pipeline import lineage
from pipeline.errors import Permanent
from pipeline.settings import Settings

ORIGIN_FILES = ("*.safetensors", "tokenizer.json", "tokenizer_config.json", "chat_template*", "config.json")


def current(settings: Settings) -> dict[str, Any] | None:
    """The release in service, or None before the first promotion."""
    path = settings.home / "current.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def champion(settings: Settings) -> str:
    """The id of the model in service; `origin` before the first promotion."""
    found = current(settings)
    return found["model"] if found else "origin"


def origin(settings: Settings) -> Path:
    """The folder of the fixed reference: anchored, else EQUIPOISE_MODEL, else the small model that `make models` puts in home."""
    anchored = settings.home / "origin.json"
    default = settings.home / "models" / "smollm2-135m-instruct"
    path = Path(json.loads(anchored.read_text(encoding="utf-8"))["model"]) if anchored.exists() else Path(settings.model or default)
    if not (path / "config.json").exists():
        raise Permanent(
            f"no origin model at {path}: set EQUIPOISE_MODEL to a folder with config.json and safetensors, or run `make models`"
        )
    return path.resolve()


def origin_sha(settings: Settings) -> str:
    """sha256 over the origin's weights, tokenizer and chat template; one read of the weights per change of a file."""
    return folder_sha(settings, origin(settings))


def folder_sha(settings: Settings, path: Path) -> str:
    """sha256 over the files of a model that decide what it answers, cached by size and time of change."""
    files = sorted({p for pattern in ORIGIN_FILES for p in path.glob(pattern)})
    stamp = [[p.name, p.stat().st_size, p.stat().st_mtime_ns] for p in files]
    key = hashlib.sha256(json.dumps([str(path), stamp]).encode()).hexdigest()[:16]
    cache = settings.home / "cache" / "sha" / f"{key}.json"
    if cache.exists():
        return json.loads(cache.read_text(encoding="utf-8"))["sha256"]
    digest = hashlib.sha256(json.dumps([[p.name, lineage.sha256(p)] for p in files]).encode()).hexdigest()
    cache.parent.mkdir(parents=True, exist_ok=True)
    lineage.write_json(cache, {"sha256": digest, "folder": str(path)})
    return digest


def model_folder(settings: Settings, model: str) -> Path:
    """Where a model's files are: the adapter (or full weights) of a `model-…` id, or the origin."""
    return origin(settings) if model == "origin" else lineage.folder(settings, model) / "adapter"


def taints(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Models that have learnt from rows which were erased since: id -> what was erased, receipt by receipt."""
    path = settings.home / "tainted.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def tainted(settings: Settings, model: str) -> list[dict[str, Any]]:
    """Why a model is tainted, itself or through the model that it continues; nothing where it is not."""
    known = taints(settings)
    if not known or model == "origin" or not lineage.sealed(settings, model):
        return []
    return [note | {"model": id} for id in (model, *lineage.ancestors(settings, model)) for note in known.get(id, [])]
