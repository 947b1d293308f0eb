"""Read anybody's lm-eval output folder: the newest results and the samples of the same run. JSON only; nothing is executed."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput
from pipeline.gate.evidence import Benchmark, Row, Run, number

DATE = re.compile(r"_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.json$")
BACKENDS = {"huggingface": "hf", "hf-auto": "hf"}
MEMBER = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash", "target_hash"}


def read(where: str, clusters: Mapping[str, str] | None = None) -> Run:
    """The results at an lm-eval output_path, at a model folder in it, or in one results file.

    clusters names, for a task, the column of its documents that says which items hang together.
    """
    path, notes = newest(Path(where).expanduser())
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        configs = dict(results["configs"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"{path}: no results of lm-eval ({error!r}); write them with lm_eval --output_path … --log_samples") from None
    date = _date(path)
    files = {
        p.name[len("samples_") : -len(f"_{date}.jsonl")]: p for p in path.parent.glob("samples_*") if p.name.endswith(f"_{date}.jsonl")
    }
    if not files:
        raise BadInput(f"{path}: no samples of this run beside it (samples_*_{date}.jsonl); run lm_eval again with --log_samples")
    try:
        benchmarks = {task: _benchmark(task, results, files.get(task), (clusters or {}).get(task)) for task in sorted({*configs, *files})}
        groups = {str(g): tuple(map(str, members)) for g, members in (results.get("group_subtasks") or {}).items() if members}
        return Run(str(path), benchmarks, _facts(results), groups, notes=tuple(notes))
    except (AttributeError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: not the shape of lm-eval's results ({error}); run the task again") from None


def newest(where: Path) -> tuple[Path, list[str]]:
    """The newest results file, by the date in its name, and what was passed over."""
    if where.is_file():
        found = [where]
    elif where.suffix == ".json":  # lm-eval writes `--output_path x.json` as x_<date>.json beside it
        found = list(where.parent.glob(f"{where.stem}_*.json"))
    else:
        found = [*where.glob("results_*.json"), *where.glob("*/results_*.json")]
    found = sorted((p for p in found if DATE.search(p.name)), key=lambda p: (_date(p), str(p)))
    if not found:
        what = "no results_<date>.json in it or in a folder below" if where.exists() else "there is no such file or folder"
        raise BadInput(f"{where}: {what}; name an lm-eval output_path, the model folder in it, or a scores id")
    notes = []
    if len(found) > 1:
        models = sorted({p.parent.name for p in found})
        of = f" of {len(models)} models ({', '.join(models)})" if len(models) > 1 else ""
        notes.append(f"{where} holds {len(found)} results{of}; the newest is used: {found[-1].relative_to(where.parent)}")
    return found[-1], notes


def _date(path: Path) -> str:
    match = DATE.search(path.name)
    if not match:
        raise BadInput(f"{path}: its name has no date, so its samples cannot be told from another run's; keep lm-eval's own file names")
    return match.group(1)


def _facts(results: dict[str, Any]) -> dict[str, str]:
    """How the model was run, as far as the answers depend on it."""
    config = results.get("config") or {}
    given = config.get("model_args") or {}
    if isinstance(given, str):
        given = dict(part.split("=", 1) for part in given.split(",") if "=" in part)
    size = str(config.get("batch_size"))
    backend = str(config.get("model"))
    return {
        "chat template": str(results.get("chat_template_sha")),
        "system prompt": str(results.get("system_instruction_sha")),
        "few-shot as multi-turn": str(bool(results.get("fewshot_as_multiturn"))),
        "few-shot seed": str(config.get("fewshot_seed")),
        "backend": BACKENDS.get(backend, backend),
        "dtype": str(config.get("model_dtype") or given.get("dtype")).removeprefix("torch."),
        "batch size": f"{size} {config.get('batch_sizes')}" if size.startswith("auto") else size,
        "generation settings": json.dumps(config.get("gen_kwargs") or {}, sort_keys=True),
    }


def _benchmark(task: str, results: dict[str, Any], path: Path | None, cluster: str | None) -> Benchmark:
    """One task's rows with what its configuration says about them; no rows where it wrote no samples."""
    config = (results.get("configs") or {}).get(task) or {}
    rows, listed, filters = [], [], []
    for line, entry in _lines(path) if path else ():
        rows.append(_row(f"{path}, line {line}", entry, cluster))
        filters.append(rows[-1].filter)
        listed += [m for m in entry.get("metrics") or [] if m not in listed]
    declared = [str(m.get("metric")) for m in config.get("metric_list") or [] if isinstance(m, dict)]
    higher = (results.get("higher_is_better") or {}).get(task) or {}
    return Benchmark(
        rows=tuple(rows),
        metrics=tuple(dict.fromkeys([*declared, *listed, *sorted({m for row in rows for m in row.values})])),
        filters=tuple(dict.fromkeys([*(str(f.get("name")) for f in config.get("filter_list") or []), *filters])),
        lower_is_better=frozenset(m for m, better in higher.items() if better is False),
        facts={
            "task version": str((results.get("versions") or {}).get(task)),
            "few-shot count": str((results.get("n-shot") or {}).get(task)),
            "generation settings": json.dumps(config.get("generation_kwargs") or {}, sort_keys=True, default=str),
        },
        generates=config.get("output_type") == "generate_until",
    )


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as file:
        for line, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            try:
                entry = json.loads(raw.decode("utf-8"))
            except (ValueError, RecursionError) as error:
                raise BadInput(f"{path}, line {line}: no JSON object ({error}); the file is torn, run the task again") from None
            if not isinstance(entry, dict):
                raise BadInput(f"{path}, line {line}: no JSON object but {type(entry).__name__}; this is no samples file of lm-eval")
            yield line, entry


def _row(where: str, entry: dict[str, Any], cluster: str | None = None) -> Row:
    """One line of a samples file. Hashes that an old lm-eval did not write are made from what it did write, the same way."""
    doc, prompt, target = entry.get("doc_hash"), entry.get("prompt_hash"), entry.get("target_hash")
    try:
        doc = doc or _sha(json.dumps(entry["doc"], indent=2, ensure_ascii=False))
        prompt = prompt or _sha(_first(entry["arguments"]))
        target = target or _sha(str(entry["target"]))
    except (KeyError, IndexError, TypeError, StopIteration):
        raise BadInput(f"{where}: neither hashes nor document, prompt and target: items of two runs cannot be told apart") from None
    if not all(isinstance(h, str) for h in (doc, prompt, target)) or not isinstance(entry.get("doc_id"), int | None):
        raise BadInput(f"{where}: hashes must be text and doc_id a number; this is no sample of lm-eval")
    values = {k: number(v) for k, v in entry.items() if k not in MEMBER}
    answer = json.dumps(entry.get("filtered_resps"), ensure_ascii=False)
    return Row(
        entry.get("doc_id"), doc, prompt, target, str(entry.get("filter") or "none"), values, answer, _cluster(where, entry, cluster)
    )


def _cluster(where: str, entry: dict[str, Any], column: str | None) -> str | None:
    """What an item hangs together with, as its document says under that column."""
    if column is None:
        return None
    document = entry.get("doc")
    if not isinstance(document, dict) or document.get(column) in (None, ""):
        there = f"it has {', '.join(map(str, document))}" if isinstance(document, dict) else "there is none"
        raise BadInput(f"{where}: its document has no {column} to cluster by ({there}); correct `cluster:` in the abilities file")
    return str(document[column])


def _first(arguments: Any) -> str:
    """The prompt: the first part of the first request, written as a list by older versions and as a mapping by newer ones."""
    request = next(iter(arguments.values())) if isinstance(arguments, dict) else arguments[0]
    return str(next(iter(request.values())) if isinstance(request, dict) else request[0])


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
