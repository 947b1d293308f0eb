"""Do the judge's figures hold what was planted? `python -m evals.judge_errors [--seeds 1000]`: judges with known errors, tried and used many times.

Prints, for each judge, how often the intervals of sensitivity, specificity, kappa and the corrected share hold the truth, and how often the share
as it was counted does.
"""

import argparse
import random

from pipeline.audit.agreement import wilson
from pipeline.mine.trial_stats import Errors, corrected, kappa_interval

WORLDS = [
    (0.7, 0.9, 0.8, 60, 200),
    (0.4, 0.8, 0.9, 40, 150),
    (0.5, 0.7, 0.7, 100, 300),
    (0.9, 0.85, 0.85, 80, 100),
    (0.2, 0.95, 0.75, 60, 400),
]
"""(true share of wins, sensitivity, specificity, cases of the trial, cases of the night)"""


def judged(rng: random.Random, n: int, share: float, sensitivity: float, specificity: float) -> list[tuple[bool, bool]]:
    """(truth, what a judge with these errors says) of n cases."""
    truth = [rng.random() < share for _ in range(n)]
    return [(t, rng.random() < (sensitivity if t else 1 - specificity)) for t in truth]


def covered(world: tuple[float, float, float, int, int], seeds: int) -> dict[str, float]:
    """The share of seeds in which each interval holds the planted value."""
    share, sensitivity, specificity, trial, n = world
    kappa = sensitivity + specificity - 1  # of a balanced trial, whatever the judge's yes rate
    hits = dict.fromkeys(("sensitivity", "specificity", "kappa", "corrected", "as counted"), 0)
    for seed in range(seeds):
        rng = random.Random(seed)
        errors = Errors.of(judged(rng, trial, 0.5, sensitivity, specificity))
        found = errors.figures()
        yes = sum(said for _, said in judged(rng, n, share, sensitivity, specificity))
        real = corrected(yes, n, errors)
        between = {
            "sensitivity": (found["sensitivity_interval"], sensitivity),
            "specificity": (found["specificity_interval"], specificity),
            "kappa": (kappa_interval(errors) or (-1.0, 1.0), kappa),
            "corrected": ((real["low"], real["high"]), share),
            "as counted": (wilson(yes, n), share),
        }
        for name, ((low, high), truth) in between.items():
            hits[name] += low <= truth <= high
    return {name: k / seeds for name, k in hits.items()}


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--seeds", type=int, default=1000)
    seeds = args.parse_args().seeds
    print(
        "| wins | sensitivity | specificity | trial | night | held: sensitivity | specificity | kappa | corrected share | share as counted |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for world in WORLDS:
        print("| " + " | ".join([*(f"{x:g}" for x in world), *(f"{x:.3f}" for x in covered(world, seeds).values())]) + " |")


if __name__ == "__main__":
    main()
