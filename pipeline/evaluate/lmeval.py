"""Put a battery of benchmarks to a model with lm-eval, quietly and the same way every time."""

import contextlib
import logging
import math
import random
from collections.abc import Iterator
from typing import Any

from pipeline.evaluate.suites import Battery

KEPT = ("results", "groups", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better", "n-samples", "samples")


def ask(lm: Any, battery: Battery, seed: int) -> dict[str, Any]:
    """lm-eval's results and samples. Greedy and seeded: asking again gives the same."""
    from lm_eval.api.model import LM
    from lm_eval.evaluator import evaluate

    LM.register(type(lm))
    _seed(seed)
    for task in battery.tasks.values():
        if battery.fewshot is not None and task.config.num_fewshot != 0:  # a task that says 0 means it (lm-eval's own rule)
            task.set_config("num_fewshot", battery.fewshot)
        elif task.config.num_fewshot is None:
            task.set_config("num_fewshot", 0)
        task.set_fewshot_seed(seed)
    with quiet():
        return evaluate(
            lm,
            {"tasks": battery.tasks, "groups": battery.groups, "group_map": {}},
            samples=battery.samples,
            bootstrap_iters=0,  # intervals are the gate's, paired; lm-eval's are unpaired and cost minutes
            log_samples=True,
            apply_chat_template=battery.chat,
            fewshot_as_multiturn=battery.chat,
        )


def _seed(seed: int) -> None:
    import numpy

    random.seed(seed)
    numpy.random.seed(seed)
    with contextlib.suppress(ImportError):
        import torch

        torch.manual_seed(seed)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """lm-eval's bars and notes off: progress is said once, by task, where the answers are made."""
    import datasets
    import lm_eval.api.task as building

    log, bar = logging.getLogger("lm_eval"), building.tqdm
    level = log.level
    log.setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    building.tqdm = lambda items, *_, **__: items
    try:
        yield
    finally:
        building.tqdm = bar
        log.setLevel(level)


def merged(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The results of several batteries as if lm-eval had asked them together."""
    whole: dict[str, Any] = {}
    for part in found:
        for key in KEPT:
            if key in part:
                whole[key] = whole.get(key, {}) | part[key]
    return whole


def results(found: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """results.json: what lm-eval reports, under the keys that its own command uses."""
    return plain(
        found
        | {
            "config": {
                "model": facts["backend"],
                "batch_size": facts["batch_size"],
                "device": facts["device"],
                "fewshot_seed": facts["fewshot_seed"],
            },
            "chat_template_sha": facts["template_sha"],
            "system_instruction_sha": facts["system_sha"],
            "lm_eval_version": facts["lm_eval"],
        }
    )


def plain(value: Any) -> Any:
    """Results as JSON wants them: numpy scalars as numbers, NaN and infinities as null, functions by name."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    return value if value is None or isinstance(value, str | int | float) else str(value)
