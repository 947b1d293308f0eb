"""What a report is made from: the sealed parents of one verdict, read once. Sealed folders never change, so equal ids give equal facts."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline.report import looks

Row = dict[str, Any]

ITEM_COLUMNS = (
    "benchmark",
    "ability",
    "doc_id",
    "doc_hash",
    "prompt_hash",
    "filter",
    "metric",
    "value",
    "response",
    "occurrence",
    "prompt",
    "target",
    "kind",
)


@dataclass(frozen=True)
class Sources:
    """Everything that bears on the decision. What a lesson does not have (DPO, a key pass, logs of a hotfix) is empty here."""

    verdict: Row
    manifests: dict[str, Row]
    """By id: the verdict's, and those of everything that the candidate was made from."""
    model: str
    mix: str | None
    pairs: str | None
    """Today's; older days' pairs stand among the mix's parents."""
    logs: str | None
    items: dict[str, list[Row]]
    """Items of candidate, champion and origin."""
    lower: dict[str, list[str]] = field(default_factory=dict)
    """Per benchmark the metrics that are better when lower."""
    longest: dict[str, int | None] = field(default_factory=dict)
    """Per benchmark that lets the model write: most tokens of an answer, where it says so."""
    counts: Row = field(default_factory=dict)
    plan: Row = field(default_factory=dict)
    losses: list[Row] = field(default_factory=list)
    dropped: list[Row] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    """sft, dpo and kto rows of the mix."""
    beside: dict[str, Row | None] = field(default_factory=dict)
    """What was found out since the verdict was given: records of attribution, repair and probe, where there are any."""
    earlier: Row = field(default_factory=dict)
    """The champion's lesson: counts, plan, and rows, the ids of what it taught. Empty where the champion is the origin."""


def read(verdict: Row, manifest_of: Callable[[str], Row | None], folder_of: Callable[[str], Path]) -> Sources:
    """Follow the verdict up to its logs. `manifest_of` gives None for an id that is no longer on disk."""
    manifests: dict[str, Row] = {}
    _follow([verdict["candidate"], *verdict["scores"].values()], manifest_of, manifests)
    model = verdict["candidate"]
    mix = _behind(manifests, model, "mix")
    pairs = _behind(manifests, mix, "pairs")
    logs = _parent(manifests, pairs, "logs")
    tables = {who: parquet(folder_of(id) / "items.parquet", ITEM_COLUMNS) for who, id in verdict["scores"].items() if id}
    if manifests.get(verdict["scores"]["candidate"], {}).get("sampling"):
        tables = looks.alike(tables)
    results = _json(folder_of(verdict["scores"]["candidate"]) / "results.json")
    return Sources(
        verdict,
        manifests,
        model,
        mix,
        pairs,
        logs,
        tables,
        lower=_lower(results),
        longest=_longest(results),
        counts=_json(folder_of(mix) / "counts.json") if mix else {},
        plan=_plan(folder_of, model, mix),
        losses=parquet(folder_of(model) / "losses.parquet"),
        dropped=parquet(folder_of(pairs) / "dropped.parquet", ("kind", "reason", "text", "task")) if pairs else [],
        rows={t: parquet(folder_of(mix) / f"{t}.parquet") for t in ("sft", "dpo", "kto")} if mix else {},
        earlier=_earlier(verdict["champion"], manifests, folder_of),
    )


def _earlier(champion: str, manifests: dict[str, Row], folder_of: Callable[[str], Path]) -> Row:
    mix = _behind(manifests, champion, "mix")
    if not mix:
        return {}
    taught = parquet(folder_of(mix) / "sft.parquet", ("example_id", "task"))
    rows = {r["example_id"] for r in taught if r["task"] != "general"}
    return {"counts": _json(folder_of(mix) / "counts.json"), "plan": _plan(folder_of, champion, mix), "rows": rows}


def _follow(ids: list[str], manifest_of: Callable[[str], Row | None], found: dict[str, Row]) -> None:
    queue = [i for i in ids if i and i != "origin"]
    while queue:
        id = queue.pop(0)
        manifest = None if id in found else manifest_of(id)
        if manifest:
            found[id] = manifest
            queue += manifest.get("parents", [])


def _behind(manifests: dict[str, Row], id: str | None, kind: str) -> str | None:
    """The same through one's own kind: a rescaled model has its lesson from the model that it scales, a slice from the mix it is cut from."""
    while id and not _parent(manifests, id, kind):
        first = next(iter(manifests.get(id, {}).get("parents", [])), None)
        id = first if first and first.split("-")[0] == id.split("-")[0] else None
    return _parent(manifests, id, kind)


def _parent(manifests: dict[str, Row], id: str | None, kind: str) -> str | None:
    """The first parent of a kind: a mix names today's pairs first."""
    parents = manifests.get(id or "", {}).get("parents", [])
    return next((p for p in parents if p.startswith(f"{kind}-") and p in manifests), None)


def _plan(folder_of: Callable[[str], Path], model: str, mix: str | None) -> Row:
    """The trainer's own plan where it wrote one, laid over the mix's."""
    plan: Row = {}
    for path in [folder_of(id) / "plan.yaml" for id in (mix, model) if id]:
        if path.is_file():
            newer = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            plan = plan | newer | {"values": (plan.get("values") or {}) | (newer.get("values") or {})}
    return plan


def parquet(path: Path, columns: tuple[str, ...] | None = None) -> list[Row]:
    """Rows of a table, or none where the lesson has no such table. Columns that a stage does not write are left out."""
    import pyarrow.parquet as pq

    if not path.is_file():
        return []
    file = pq.ParquetFile(path)
    wanted = [c for c in columns if c in file.schema_arrow.names] if columns else None
    return file.read(columns=wanted).to_pylist()


def _lower(results: Row) -> dict[str, list[str]]:
    higher = results.get("higher_is_better") or {}
    return {task: [m for m, better in metrics.items() if better is False] for task, metrics in higher.items()}


def _longest(results: Row) -> dict[str, int | None]:
    configs = {task: found for task, found in (results.get("configs") or {}).items() if found.get("output_type") == "generate_until"}
    most = {task: (found.get("generation_kwargs") or {}).get("max_gen_toks") for task, found in configs.items()}
    return {task: n if isinstance(n, int) else None for task, n in most.items()}


def _json(path: Path) -> Row:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
