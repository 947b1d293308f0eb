"""The published benchmarks whose questions a template cannot ask."""

from collections.abc import Mapping, Sequence


def winogrande_gold(doc: Mapping) -> int:
    """An int as text tells lm-eval that the contexts differ and the continuation is one."""
    return doc["gold"]


def winogrande_heads(doc: Mapping) -> list[str]:
    """The sentence up to its blank, filled with each option."""
    head = doc["question"].split("_", 1)[0]
    return [head + choice for choice in doc["choices"]]


def winogrande_tail(doc: Mapping) -> str:
    """The rest of the sentence, whose likelihood is judged."""
    return doc["question"].split("_", 1)[1].strip()


def ifeval(doc: Mapping, results: Sequence[str]) -> dict[str, float]:
    """lm-eval's own rules for IFEval, by prompt."""
    from lm_eval.tasks.ifeval import utils

    found = utils.process_results(doc, results)
    return {name: float(found[name]) for name in ("prompt_level_strict_acc", "prompt_level_loose_acc")}
