"""Turn lm-eval's samples into the rows of items.parquet: one row an item, filter and metric."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """What a benchmark stands for: its ability, what kind of evidence it is, and the column that names its clusters."""

    ability: str
    kind: str = "suite"
    """suite gates, target is what the lesson was for, report is only shown."""
    cluster: str | None = None


COLUMNS = {
    "benchmark": "string",
    "ability": "string",
    "kind": "string",
    "doc_id": "int64",
    "doc_hash": "string",
    "prompt_hash": "string",
    "target_hash": "string",
    "occurrence": "int64",
    "filter": "string",
    "metric": "string",
    "value": "float64",
    "cluster": "string",
    "prompt": "string",
    "target": "string",
    "response": "string",
}


def rows(samples: dict[str, list[dict]], measured: dict[str, Measured]) -> list[dict[str, Any]]:
    """Rows of all benchmarks, in the order benchmark, filter, item, metric; equal samples give equal rows."""
    return [row for benchmark in samples for row in _benchmark(benchmark, samples[benchmark], measured[benchmark])]


def _benchmark(benchmark: str, samples: list[dict], what: Measured) -> Iterable[dict[str, Any]]:
    seen: Counter[tuple] = Counter()
    filters = list(dict.fromkeys(s["filter"] for s in samples))
    # documents repeat in real benchmarks: the n-th copy on one side pairs with the n-th on the other, counted in doc_id order
    for sample in sorted(samples, key=lambda s: (filters.index(s["filter"]), s["doc_id"])):
        key = (sample["filter"], sample["doc_hash"], sample["prompt_hash"])
        facts = {
            "benchmark": benchmark,
            "ability": what.ability,
            "kind": what.kind,
            "doc_id": int(sample["doc_id"]),
            **{k: sample[k] for k in ("doc_hash", "prompt_hash", "target_hash", "filter")},
            "occurrence": seen[key],
            "cluster": _cluster(sample["doc"], what.cluster),
            "prompt": _text(sample["arguments"][0][0]),
            "target": target(sample),
        }
        seen[key] += 1
        for metric in sample["metrics"]:
            yield facts | {"metric": metric, "value": number(sample[metric]), "response": response(sample, metric)}


def identity(document: Any) -> str:
    """A document as one line of text, the same on every machine."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, default=str)


def number(value: Any) -> float | None:
    """A metric's value of one item: a list of yes and no becomes its share (IFEval); NaN and what is no number become NULL."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list) and value and all(isinstance(v, bool) for v in value):
        return sum(value) / len(value)
    if not isinstance(value, bool | int | float) or not math.isfinite(value):
        return None
    return float(value)


def response(sample: dict, metric: str) -> str:
    """What the model said, to read: its own words, or the choice it found likeliest (per character for `acc_norm`)."""
    answers = [r[0] for r in sample["resps"]]
    if not isinstance(answers[0], list | tuple):
        return _text(answers[0])
    choices = [_text(a[1]) for a in sample["arguments"]]
    if len(choices) == 1:
        return f"{choices[0].strip()} (log-likelihood {answers[0][0]:.3f})"
    if len(set(choices)) == 1:  # the choices stand in the contexts (WinoGrande)
        choices = [_text(a[0]) for a in sample["arguments"]]
    score = [a[0] / max(1, len(c.strip())) if metric == "acc_norm" else a[0] for a, c in zip(answers, choices, strict=True)]
    return choices[score.index(max(score))].strip()


def target(sample: dict) -> str:
    """The right answer in words."""
    wanted, arguments = sample["target"], sample["arguments"]
    if isinstance(wanted, int) and not isinstance(wanted, bool) and len(arguments) > wanted and isinstance(arguments[wanted][1], str):
        return arguments[wanted][1].strip()
    return _text(wanted)


def _cluster(document: Any, column: str | None) -> str | None:
    value = document.get(column) if column and isinstance(document, dict) else None
    return None if value in (None, "") else _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def table(found: list[dict[str, Any]], columns: dict[str, str] = COLUMNS) -> Any:
    """The rows as an Arrow table with these columns and types (those of items.parquet)."""
    import pyarrow as pa

    return pa.Table.from_pylist(found, schema=pa.schema([(name, getattr(pa, kind)()) for name, kind in columns.items()]))


def differ(mine: list[dict], theirs: list[dict]) -> bool:
    """Whether two models differ in any value, or in more than one in a thousand of the texts that they answered the same prompts with."""
    values, words = _answers(mine), _answers(theirs)
    both = values.keys() & words.keys()
    moved = sum(values[key][0] != words[key][0] for key in both)
    reworded = sum(values[key][1] != words[key][1] for key in both)
    return moved > 0 or reworded > len(both) / 1000


def _answers(found: list[dict]) -> dict[tuple, tuple]:
    key = ("benchmark", "filter", "metric", "doc_hash", "prompt_hash", "occurrence")
    return {tuple(r[k] for k in key): (r["value"], r["response"]) for r in found}
