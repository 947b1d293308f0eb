"""lm-eval output folders made by hand, so that each trap of the format stands in one place."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.gate.pairs import sides

DATE = "2026-11-20T08-00-00.000001"
Change = Callable[[dict[str, Any]], Any]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def samples(values: Iterable[Any], *, metric: str = "acc", filter: str = "none", start: int = 0) -> list[dict[str, Any]]:
    """The sample lines of one task under one filter, as lm-eval 0.4.13 writes them."""
    return [
        {
            "doc_id": i,
            "doc": {"q": f"question {i}"},
            "target": "yes",
            "arguments": {"gen_args_0": {"arg_0": f"question {i}?", "arg_1": " yes"}},
            "resps": [["yes"]],
            "filtered_resps": ["yes"],
            "filter": filter,
            "metrics": [metric],
            "doc_hash": sha(f"doc {i}"),
            "prompt_hash": sha(f"question {i}?"),
            "target_hash": sha("yes"),
            metric: value,
        }
        for i, value in enumerate(values, start)
    ]


def two(lost: int, gained: int, n: int, **kind: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Sample lines of champion and candidate with these counts."""
    a, b = sides(lost, gained, n)
    return samples(a, **kind), samples(b, **kind)


def output(
    folder: Path,
    tasks: Mapping[str, list[dict[str, Any]]],
    *,
    date: str = DATE,
    model: str = "org__model",
    groups: Mapping[str, list[str]] | None = None,
    change: Change | None = None,
) -> Path:
    """Write one run below output_path `folder`; `change` may bend its results file. Returns the output_path."""
    inner = folder / model
    inner.mkdir(parents=True, exist_ok=True)
    metrics = {task: list(dict.fromkeys(m for line in lines for m in line["metrics"])) for task, lines in tasks.items()}
    results = {
        "results": {task: {"alias": task} for task in tasks},
        "group_subtasks": dict(groups or {}),
        "configs": {
            task: {
                "task": task,
                "output_type": "generate_until" if "exact_match" in metrics[task] else "multiple_choice",
                "metric_list": [{"metric": m, "aggregation": "mean", "higher_is_better": True} for m in metrics[task]],
            }
            for task in tasks
        },
        "versions": dict.fromkeys(tasks, 1.0),
        "n-shot": dict.fromkeys(tasks, 0),
        "higher_is_better": {task: dict.fromkeys(metrics[task], True) for task in tasks},
        "config": {
            "model": "hf",
            "model_args": {"pretrained": "org/model", "dtype": "float32"},
            "batch_size": 8,
            "gen_kwargs": {},
            "fewshot_seed": 1234,
        },
        "chat_template_sha": None,
        "system_instruction_sha": None,
        "fewshot_as_multiturn": None,
    }
    if change:
        change(results)
    (inner / f"results_{date}.json").write_text(json.dumps(results, indent=2), encoding="utf-8")
    for task, lines in tasks.items():
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (inner / f"samples_{task}_{date}.jsonl").write_text(text, encoding="utf-8")
    return folder
