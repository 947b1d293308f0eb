"""A/A on a real model: how often does the gate stop a model that did not change? `python -m evals.same_model --data FOLDER`.

One model is asked the same items behind several draws of examples, so that its answers flip as they do between two trainings of one recipe.
Two draws, each item's two answers dealt to champion and candidate by a coin, are two models of which neither is better: flips, clusters of
hard items and ties are real, only the coin is not. Each such pair is judged at fixed size and by looks, at the margins at which the items
suffice for nine of ten unchanged models. The draws as they are stand beside it: examples do move a model, which is why the gate refuses to
compare answers to different prompts.
"""

import argparse
import itertools
import random
import sys
import time
from pathlib import Path
from typing import Any

from evals.bench_scorer import GIVEN, correct, documents, requests
from pipeline import service, settings, weights
from pipeline.audit.agreement import wilson
from pipeline.evaluate.scorer import harness
from pipeline.gate.feasibility import margin_for
from pipeline.gate.sequential import Plan, walk
from pipeline.gate.verdict import judge
from pipeline.progress import say

Answers = dict[str, list[float]]
"""Ability -> 1 or 0 of each item."""


def drawn(docs: list[dict[str, Any]], shots: int, seed: int, seeds: int) -> list[dict[str, Any]]:
    """The documents with this seed's examples in front; those of all seeds are set aside, so that every draw is asked the same items."""
    aside = random.Random(17).sample(range(len(docs)), shots * seeds)
    kept = set(aside)
    return [docs[i] for i in aside[seed * shots : (seed + 1) * shots]] + [d for i, d in enumerate(docs) if i not in kept]


def answered(lm: Any, sets: dict[str, list[dict[str, Any]]], shots: int, seed: int, seeds: int, items: int) -> Answers:
    """What the model gets right behind one draw of examples."""
    found = {}
    for name, docs in sets.items():
        order = drawn(docs, shots, seed, seeds)
        asked = requests(name, order, shots, items)
        said = correct(asked, lm.loglikelihood(asked, disable_tqdm=True))
        found[name] = [float(choice == doc["gold"]) for choice, doc in zip(said, order[shots:], strict=False)]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of benchmarks, JSONL of question, choices, gold")
    parser.add_argument("--items", type=int, default=400, help="questions of each set (default 400)")
    parser.add_argument("--shots", type=int, default=2, help="examples before each question (default 2)")
    parser.add_argument("--draws", type=int, default=8, help="draws of examples (default 8)")
    parser.add_argument("--looks", type=int, default=4, help="batches of the second judgement (default 4)")
    parser.add_argument("--deals", type=int, default=1000, help="pairs dealt by a coin (default 1000)")
    args = parser.parse_args()
    folder, place = service.origin(settings.load()), weights.device()
    lm = harness(weights.base(folder, weights.dtype("float32", place)).to(place).eval(), weights.tokenizer(folder), 32)
    sets = {name: documents(args.data, name) for name in GIVEN}
    runs: list[Answers] = []
    for seed in range(args.draws):
        began = time.monotonic()
        runs.append(answered(lm, sets, args.shots, seed, args.draws, args.items))
        right = ", ".join(f"{name} {sum(v) / len(v):.3f}" for name, v in runs[-1].items())
        say(f"draw {seed + 1} of {args.draws}: {right} ({time.monotonic() - began:.0f} s)")
    report(folder.name, runs, args.looks, args.deals)
    return 0


def dealt(lot: random.Random, one: Answers, other: Answers) -> tuple[Answers, Answers]:
    """The same answers, each item's two in a random order."""
    sides: tuple[Answers, Answers] = ({}, {})
    for name in one:
        both = [pair if lot.random() < 0.5 else pair[::-1] for pair in zip(one[name], other[name], strict=True)]
        for side, values in zip(sides, zip(*both, strict=True), strict=True):
            side[name] = list(values)
    return sides


def report(model: str, runs: list[Answers], looks: int, deals: int) -> None:
    lot = random.Random(17)
    two = list(itertools.combinations(runs, 2))
    n, abilities = min(map(len, runs[0].values())), len(runs[0])
    flips = [sum(x != y for x, y in zip(a[name], b[name], strict=True)) / len(a[name]) for a, b in two for name in a]
    psi = sum(flips) / len(flips)
    margin, pooled = margin_for(n, abilities, psi), margin_for(n * abilities, 1, psi)
    print(f"{model}: {len(runs)} draws of examples, {len(two)} pairs, {abilities} abilities of {n} items, psi {psi:.3f}")
    print(f"margins that nine of ten unchanged models would meet: {margin:.3f}, pooled {pooled:.3f}")
    plan = Plan(dict.fromkeys(runs[0], margin), pooled, tuple((k + 1) / looks for k in range(looks)))
    told = {
        "dealt by a coin": [dealt(lot, *lot.choice(two)) for _ in range(deals)],
        "as drawn": [*two, *((b, a) for a, b in two)],
    }
    for what, pairs in told.items():
        early = [walk(a, b, plan) for a, b in pairs]
        spent = sum(j.needed for j in early) / sum(j.of for j in early)
        _line(f"{what}, one look", [judge(a, b, margin, pooled).verdict for a, b in pairs], "")
        _line(f"{what}, {looks} looks", [j.verdict for j in early], f"; {spent:.3f} of the items")


def _line(what: str, verdicts: list[str], note: str) -> None:
    found = []
    for verdict in ("promote", "hold", "block"):
        k = verdicts.count(verdict)
        found.append("{} {:.3f} ({:.3f} to {:.3f})".format(verdict, k / len(verdicts), *wilson(k, len(verdicts))))
    print(f"{what:<26} n = {len(verdicts):<5} {', '.join(found)}{note}")


if __name__ == "__main__":
    sys.exit(main())
