"""Choice questions read as trees against lm-eval's own HFLM, on one model in one run: `make bench-scorer`, or `python -m evals.bench_scorer`.

Every set is asked without examples and behind `--shots` of its own items. Both sides get the same requests through lm-eval's `LM` interface,
first one, then the other, after a warm-up; tokens are counted where the model is called. Exit code 1 where a target is missed.
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline import service, settings, weights
from pipeline.evaluate.scorer import harness
from pipeline.recipe import EVALS

SHIPPED = ("commonsense", "knowledge", "arithmetic")
GIVEN = ("arc_easy", "arc_challenge", "openbookqa", "mmlu")
TOLERANCE = 1e-4  # of a log-probability; issue text and gate alike
FEWSHOT, ZERO = 3.0, 1.0
"""How many times faster than HFLM: behind ten examples and more, and without any."""


@dataclasses.dataclass
class Side:
    """One way of reading, and what it cost."""

    answers: list[tuple[float, bool]]
    cpu: float
    wall: float
    tokens: int


def documents(folder: Path | None, name: str) -> list[dict[str, Any]]:
    """{"question" or "stem", "choices", "gold"} a line: our own starter items, or a folder of benchmarks."""
    path = folder / f"{name}.jsonl" if folder else EVALS / "starter" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def requests(name: str, docs: list[dict[str, Any]], shots: int, items: int) -> list[Any]:
    """lm-eval requests: each question behind the first `shots` documents, one request a choice."""
    from lm_eval.api.instance import Instance

    head = "".join(f"{asked(d)}{answers(d)[d['gold']]}\n\n" for d in docs[:shots])
    found = []
    for doc_id, doc in enumerate(docs[shots : shots + items]):
        for idx, choice in enumerate(answers(doc)):
            found.append(Instance("loglikelihood", doc, (head + asked(doc), choice), idx, (name, doc_id, 1)))
    return found


def asked(doc: dict[str, Any]) -> str:
    return f"Question: {doc['question']}\nAnswer:" if "question" in doc else str(doc["stem"])


def answers(doc: dict[str, Any]) -> list[str]:
    return [f" {str(choice).strip()}" for choice in doc["choices"]]


def measured(lm: Any, asked_of: list[Any], way: Any) -> Side:
    """The same requests read one way. Every token that enters the model counts, padding too."""
    counted: list[int] = []
    hook = lm.model.register_forward_pre_hook(lambda m, a, k: counted.append((a[0] if a else k["input_ids"]).numel()), with_kwargs=True)
    lm._loglikelihood_tokens = way
    cpu, wall = time.process_time(), time.monotonic()
    try:
        found = lm.loglikelihood(asked_of, disable_tqdm=True)
    finally:
        hook.remove()
    return Side(found, time.process_time() - cpu, time.monotonic() - wall, sum(counted))


def correct(asked_of: list[Any], answered: list[tuple[float, bool]]) -> list[int]:
    """The choice that each document's answers say: the likeliest."""
    best: dict[int, tuple[float, int]] = {}
    for request, (value, _) in zip(asked_of, answered, strict=True):
        best[request.doc_id] = max(best.get(request.doc_id, (float("-inf"), 0)), (value, -request.idx))
    return [-idx for _, idx in best.values()]


def compared(lm: Any, name: str, asked_of: list[Any], shots: int) -> bool:
    """One line of the table; whether it meets its targets."""
    trees = lm._loglikelihood_tokens
    ours, theirs = measured(lm, asked_of, trees), measured(lm, asked_of, trees.stock)
    lm._loglikelihood_tokens = trees
    apart = max(abs(a[0] - b[0]) for a, b in zip(ours.answers, theirs.answers, strict=True))
    same = correct(asked_of, ours.answers) == correct(asked_of, theirs.answers)
    # a GPU's time is no CPU time: there the clock counts
    cost = [s.wall if lm.device.type == "cuda" else s.cpu for s in (ours, theirs)]
    faster, wanted = cost[1] / cost[0], FEWSHOT if shots >= 10 else ZERO
    good = faster >= wanted and apart <= TOLERANCE and same
    print(
        f"{'ok' if good else 'MISS':<4}  {name:<14} {shots:>2}-shot  {len({r.doc_id for r in asked_of}):>4} items  {ours.tokens:>8} of {theirs.tokens:>8} tokens"
        f"  {cost[0]:7.1f} of {cost[1]:7.1f} s  {faster:5.2f} x (>= {wanted:g})  |d log p| {apart:.1e}  answers {'the same' if same else 'DIFFER'}",
        flush=True,
    )
    return good


def warmed(lm: Any, asked_of: list[Any]) -> None:
    """Both ways once, on few requests: neither pays for what is loaded late, and trees are tried against HFLM before the clock runs."""
    for way in (lm._loglikelihood_tokens, lm._loglikelihood_tokens.stock):
        way([(None, lm.tok_encode(r.args[0]), lm.tok_encode(r.args[1])) for r in asked_of[:8]], disable_tqdm=True)


def sets(folder: Path | None, names: list[str], shots: int, items: int) -> Iterator[tuple[str, int, list[Any]]]:
    for name in names or (GIVEN if folder else SHIPPED):
        docs = documents(folder, name)
        for n in (0, shots):
            yield name, n, requests(name, docs, n, items)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="folder of a model (default: this home's origin)")
    parser.add_argument("--data", type=Path, help="folder of benchmarks, JSONL of question, choices, gold (default: the starter items)")
    parser.add_argument(
        "--set", dest="sets", action="append", default=[], metavar="NAME", help="only this set (may be given several times)"
    )
    parser.add_argument("--items", type=int, default=40, help="questions of each set (default 40)")
    parser.add_argument("--shots", type=int, default=10, help="examples before each question in the second round (default 10)")
    parser.add_argument("--batch-size", type=int, default=32, help="HFLM's batch (default 32, as a recipe's)")
    args = parser.parse_args()
    folder, place = args.model or service.origin(settings.load()), weights.device()
    lm = harness(weights.base(folder, weights.dtype("float32", place)).to(place).eval(), weights.tokenizer(folder), args.batch_size)
    print(
        f"{folder.name} on {place}, float32, batches of {args.batch_size}: trees of HFLM, {'seconds' if place == 'cuda' else 'CPU seconds'}"
    )
    rounds = list(sets(args.data, args.sets, args.shots, args.items))
    for shots in (0, args.shots):
        warmed(lm, max((r for _, n, r in rounds if n == shots), key=lambda r: len(r[0].args[0])))
    missed = sum(not compared(lm, name, asked_of, n) for name, n, asked_of in sorted(rounds, key=lambda r: r[1]))
    print("every target is met" if not missed else f"{missed} targets are missed")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
