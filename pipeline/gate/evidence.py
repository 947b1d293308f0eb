"""What a model answered, item by item, in one shape whoever wrote it down: lm-eval's own output or our sealed scores."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One item, as one filter read the answer."""

    doc_id: int | None
    doc_hash: str
    prompt_hash: str
    target_hash: str
    filter: str
    values: Mapping[str, float]
    """Metric -> value; NaN where what was written is no single number."""
    answer: str = ""
    cluster: str | None = None
    prompt: str = ""


@dataclass(frozen=True)
class Benchmark:
    """All rows of one lm-eval task, and what must be equal before two of them may be compared."""

    rows: tuple[Row, ...]
    metrics: tuple[str, ...] = ()
    """In the order in which the task lists them."""
    filters: tuple[str, ...] = ()
    lower_is_better: frozenset[str] = frozenset()
    facts: Mapping[str, str] = field(default_factory=dict)
    generates: bool = False


@dataclass(frozen=True)
class Run:
    """One model's results."""

    name: str
    """Where they stand, for sentences."""
    benchmarks: Mapping[str, Benchmark]
    facts: Mapping[str, str]
    """How the model was run: template, system prompt, backend, dtype and so on, by the words used in a refusal."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ability or group -> its direct members."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Ability -> suite, target or report, where sealed scores say so."""
    decides: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """Benchmark -> the metric and filter that it was declared to be decided by."""
    report_only: frozenset[str] = frozenset()
    """Abilities that were declared too small for their margin."""
    notes: tuple[str, ...] = ()


def number(value: Any) -> float:
    """One number out of what lm-eval writes: 1.0, true, "True", "0.5", or a list of yes and no; NaN for anything else.

    A list of anything but booleans is material for a corpus metric (gold and prediction), not a mean.
    """
    if isinstance(value, list) and value and all(isinstance(v, bool) for v in value):
        return sum(value) / len(value)
    if isinstance(value, str):
        value = {"True": 1.0, "False": 0.0}.get(value, value)
    try:
        return math.nan if value is None or isinstance(value, list | dict) else float(value)
    except ValueError:
        return math.nan


def flipped(value: float) -> float:
    """A share where lower is better, read the other way round."""
    return 1 - value
