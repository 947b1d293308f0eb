"""The same answers from vLLM as from transformers? `EQUIPOISE_VLLM=… python -m evals.vllm_writer [MODEL …]`.

Every benchmark of the recipe's suites that is answered by writing, put to the origin and to the models named, first with transformers and then
with vLLM, nothing remembered. Says how many answers are the same to the letter, how many scores moved, and what each side cost, starting included.
"""

import argparse
import dataclasses
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline import recipe
from pipeline import settings as machine
from pipeline.errors import BadInput
from pipeline.evaluate import items, lmeval, scorer
from pipeline.evaluate.memory import KEPT_EVERY, Remembering
from pipeline.evaluate.questions import Questions
from pipeline.settings import Settings


def written(questions: Questions, settings: Settings, model: str) -> tuple[list[dict[str, Any]], float]:
    """Rows of all written answers, and the seconds that they took."""
    batteries = [dataclasses.replace(b, tasks=_written(b.tasks), groups={}) for b in questions.batteries]
    batteries = [dataclasses.replace(b, samples=b.samples and {n: b.samples[n] for n in b.tasks}) for b in batteries if b.tasks]
    evaluation, found = questions.lesson.evaluation, []
    with TemporaryDirectory() as folder:
        answerer, began = scorer.Answerer(settings, model, evaluation), time.monotonic()
        lm = Remembering(answerer, Path(folder), evaluation.batch_size * KEPT_EVERY, model)
        for battery in batteries:
            found += items.rows(lmeval.ask(lm, battery, evaluation.seed)["samples"], battery.measured)
        answerer.close()
        return found, time.monotonic() - began


def _written(tasks: dict[str, Any]) -> dict[str, Any]:
    return {name: task for name, task in tasks.items() if task.OUTPUT_TYPE == "generate_until"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="model ids of this home, beside the origin")
    parser.add_argument("--recipe", default="daily")
    args = parser.parse_args()
    settings = machine.load()
    if not settings.vllm:
        raise BadInput("EQUIPOISE_VLLM is not set: name the Python of an environment that has vLLM")
    lesson = recipe.load(settings, args.recipe)
    for model in ["origin", *args.models]:
        questions = Questions(settings, "origin", lesson)
        ours, first = written(questions, dataclasses.replace(settings, vllm=None), model)
        theirs, second = written(questions, settings, model)
        same = sum(a["response"] == b["response"] for a, b in zip(ours, theirs, strict=True))
        moved = Counter(a["benchmark"] for a, b in zip(ours, theirs, strict=True) if a["value"] != b["value"])
        print(
            f"{model}: {same} of {len(ours)} answers are the same; scores that moved: {dict(moved)}; transformers {first:.0f} s, vLLM {second:.0f} s"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
