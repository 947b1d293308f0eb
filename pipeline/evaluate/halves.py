"""Two halves of every benchmark: one to choose by, one to be judged on. An item's half is fixed by its content, on every machine and for good."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pipeline.evaluate.suites import Battery

SALT = "half"
"""Apart from every other draw by hash: what a benchmark's sampling takes must not lean to one side."""


def of(doc_hash: str) -> str:
    """dev or held. Copies of an item fall on the same side, so none is chosen by and judged on."""
    return "held" if hashlib.sha256(f"{SALT}:{doc_hash}".encode()).digest()[0] & 1 else "dev"


def doc_hash(document: Any) -> str:
    """lm-eval's own name for an item, as its samples carry it."""
    from lm_eval.utils import handle_non_serializable, hash_string

    return str(hash_string(json.dumps(document, indent=2, default=handle_non_serializable, ensure_ascii=False)))


def cut(battery: Battery, half: str) -> Battery:
    """The battery with the items of one half. A benchmark that has none there is not asked."""
    if half == "all":
        return battery
    samples = {}
    for name, task in battery.tasks.items():
        documents = list(task.eval_docs)
        asked: Iterable[int] = battery.samples[name] if battery.samples else range(len(documents))
        samples[name] = [i for i in asked if of(doc_hash(documents[i])) == half]
    there = {name for name, found in samples.items() if found}
    abilities = {name: _left(ability, there) for name, ability in battery.abilities.items()}
    return replace(
        battery,
        tasks={n: t for n, t in battery.tasks.items() if n in there},
        measured={n: m for n, m in battery.measured.items() if n in there},
        samples={n: s for n, s in samples.items() if n in there},
        abilities={name: ability for name, ability in abilities.items() if ability["tasks"]},
    )


def _left(ability: dict[str, Any], there: set[str]) -> dict[str, Any]:
    decides = {t: by for t, by in ability["decides"].items() if t in there}
    return ability | {"tasks": [t for t in ability["tasks"] if t in there], "decides": decides}
