"""Read our own sealed scores into the shape that pairing wants."""

import dataclasses
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.gate.evidence import Benchmark, Row, Run

WORDS = {
    "template_sha": "chat template",
    "system_sha": "system prompt",
    "backend": "backend",
    "dtype": "dtype",
    "batch_size": "batch size",
    "fewshot": "few-shot",
    "versions": "task versions",
}


def read(folder: Path, manifest: Mapping[str, Any]) -> Run:
    """The items of one scores folder; its manifest says how the model was run."""
    import pyarrow.parquet as pq

    facts = {
        WORDS.get(k, k): v if isinstance(v, str) else json.dumps(v, sort_keys=True) for k, v in (manifest.get("settings") or {}).items()
    }
    declared = manifest.get("abilities") or {}
    return dataclasses.replace(
        _of(pq.read_table(folder / "items.parquet").to_pylist(), _lower_is_better(folder / "results.json")),
        name=manifest["id"],
        facts=facts,
        decides={t: (by.get("metric"), by.get("filter")) for a in declared.values() for t, by in (a.get("decides") or {}).items()},
        report_only=frozenset(name for name, ability in declared.items() if ability.get("report_only")),
    )


def of_rows(name: str, entries: list[dict[str, Any]], like: Run) -> Run:
    """Answers that are not sealed yet, asked in the way of another run."""
    found = _of(entries, {task: b.lower_is_better for task, b in like.benchmarks.items()})
    return dataclasses.replace(found, name=name, facts=like.facts, decides=like.decides, report_only=like.report_only)


def _of(entries: list[dict[str, Any]], lower: Mapping[str, frozenset[str]]) -> Run:
    rows: dict[str, list[Row]] = defaultdict(list)
    metrics: dict[str, dict[str, None]] = defaultdict(dict)
    groups: dict[str, dict[str, None]] = defaultdict(dict)
    kinds: dict[str, str] = {}
    for entry in entries:
        task, ability = entry["benchmark"], entry["ability"]
        rows[task].append(_row(entry))
        metrics[task].setdefault(entry["metric"])
        groups[ability].setdefault(task)
        kinds[ability] = entry.get("kind") or "suite"
    benchmarks = {
        task: Benchmark(tuple(found), tuple(metrics[task]), tuple(dict.fromkeys(row.filter for row in found)), lower.get(task, frozenset()))
        for task, found in rows.items()
    }
    return Run("", benchmarks, {}, groups={g: tuple(tasks) for g, tasks in groups.items()}, kinds=kinds)


def _row(entry: Mapping[str, Any]) -> Row:
    value = entry["value"]
    return Row(
        doc_id=entry.get("doc_id"),
        doc_hash=entry["doc_hash"],
        prompt_hash=entry["prompt_hash"],
        target_hash=entry.get("target_hash") or "",
        filter=entry["filter"] or "none",
        values={entry["metric"]: float("nan") if value is None else float(value)},
        answer=entry.get("response") or "",
        cluster=entry.get("cluster"),
        prompt=entry.get("prompt") or "",
    )


def _lower_is_better(path: Path) -> dict[str, frozenset[str]]:
    """Metrics of each task that lm-eval says are better when lower."""
    if not path.exists():
        return {}
    higher = json.loads(path.read_text(encoding="utf-8")).get("higher_is_better") or {}
    return {task: frozenset(m for m, better in metrics.items() if better is False) for task, metrics in higher.items()}


def written(folder: Path) -> list[str]:
    """Benchmarks that let the model write its answer."""
    path = folder / "results.json"
    configs = (json.loads(path.read_text(encoding="utf-8")).get("configs") or {}) if path.exists() else {}
    return sorted(task for task, config in configs.items() if config.get("output_type") == "generate_until")
