"""Does reliability earn its keep? `python evals/reliability.py`: planted noise found again by three estimators, and weighted against unweighted lessons.

Simulated users, seeds 0 to 59, seconds on one core. Needs numpy and scikit-learn; Dawid-Skene needs crowd-kit and is left out, and says so, where that is absent.
"""

import math
import random
import statistics
import sys
import warnings
from collections.abc import Callable

from pipeline.audit import belief
from pipeline.audit.found import Cell
from pipeline.mine import witness
from pipeline.mine.reliability import LEAST, Reliability

SEEDS = 60
KINDS = {"edit": 0.05, "choose": 0.2, "thumb": 0.35, "regenerate": 0.48}
"""Planted noise by kind of signal; with SHARES it is 30% of all rows."""
SHARES = {"edit": 0.2, "choose": 0.25, "thumb": 0.3, "regenerate": 0.25}
JUDGED = 20  # rows of each kind that people judged: one evening's `equipoise audit`
PRIOR = {"edit": 1.0, "choose": 1.0, "thumb": 0.5, "regenerate": 0.3}  # weights by judgement (pipeline/mine/explicit.py)

Estimate = dict[str, float]


def votes(seed: int, items: int = 400) -> list[tuple[int, str, int, bool]]:
    """(item, kind, voice, vote): one to three voices an item, of any kinds; `vote` is right but for the planted noise."""
    draw, found = random.Random(seed), []
    for item in range(items):
        truth = draw.random() < 0.5
        for voice in range(draw.choice([1, 1, 2, 3])):
            kind = draw.choices(list(SHARES), list(SHARES.values()))[0]
            found.append((item, kind, voice, truth != (draw.random() < KINDS[kind])))
    return found


def audited(seed: int) -> dict[Cell, tuple[int, int]]:
    draw = random.Random(f"audit {seed}")
    return {
        Cell(f"{k}/kto", "chat", "few words"): (sum(draw.random() >= noise for _ in range(JUDGED)), JUDGED) for k, noise in KINDS.items()
    }


def agreed(said: list[tuple[int, str, int, bool]]) -> dict[Cell, tuple[float, float]]:
    """Couples of one kind on one item, as mine counts them."""
    found: dict[Cell, tuple[float, float]] = {}
    for kind in KINDS:
        sides: dict[int, list[bool]] = {}
        for item, k, _, vote in said:
            if k == kind:
                sides.setdefault(item, []).append(vote)
        couples = [s[0] == s[1] for s in sides.values() if len(s) > 1]
        if len(couples) >= witness.FEWEST:
            found[Cell(kind, "chat")] = witness.worth(sum(couples), len(couples), many=False)
    return found


def believed(judged: dict[Cell, tuple[int, int]], couples: dict[Cell, tuple[float, float]]) -> Estimate:
    known = Reliability(judged, couples)
    found = {k: known.about(f"{k}/kto", "chat", "few words", PRIOR[k]) for k in KINDS}
    return {k: of.mean if of else (1 + PRIOR[k]) / 2 for k, of in found.items()}


def dawid_skene(said: list[tuple[int, str, int, bool]]) -> Estimate | None:
    """Latent classes by EM, a kind and its n-th voice on an item as one worker; the mean of the confusion matrix's diagonal."""
    try:
        import pandas as pd
        from crowdkit.aggregation import DawidSkene
    except ImportError:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = pd.DataFrame([(i, f"{k}:{n}", int(v)) for i, k, n, v in said], columns=["task", "worker", "label"])
        errors = DawidSkene(n_iter=100).fit(table).errors_
    found = {}
    for kind in KINDS:
        rights = [(errors.loc[w].loc[x].get(x, 0.0), sum(table.worker == w)) for w in errors.index.levels[0] if w.startswith(kind) for x in (0, 1) if x in errors.loc[w].index]  # fmt: skip
        found[kind] = sum(r * n for r, n in rights) / sum(n for _, n in rights)
    return found


def one_coin(said: list[tuple[int, str, int, bool]], steps: int = 40) -> dict[Cell, tuple[float, float]]:
    """Our own EM over all kinds at once: one rate a kind, one latent truth an item; worth what the other votes of an item leave certain."""
    items: dict[int, list[tuple[str, bool]]] = {}
    for item, kind, _, vote in said:
        items.setdefault(item, []).append((kind, vote))
    several = [votes for votes in items.values() if len(votes) > 1]
    counted = {k: sum(kind == k for votes in several for kind, _ in votes) for k in KINDS}
    rates, base = dict.fromkeys(KINDS, 0.75), 0.5

    def chance(votes: list[tuple[str, bool]], without: int | None = None) -> float:
        told = [(1 if vote else -1) * math.log(rates[k] / (1 - rates[k])) for n, (k, vote) in enumerate(votes) if n != without]
        return 1 / (1 + math.exp(-math.log(base / (1 - base)) - sum(told)))

    for _ in range(steps):
        true = [chance(votes) for votes in several]
        right = dict.fromkeys(KINDS, 1.5)
        for q, votes in zip(true, several, strict=True):
            for kind, vote in votes:
                right[kind] += q if vote else 1 - q
        base = min(0.99, max(0.01, statistics.fmean(true)))
        rates = {k: min(0.99, max(0.5, right[k] / (counted[k] + 2))) for k in KINDS}
    known = {k: sum((2 * chance(v, n) - 1) ** 2 for v in several for n, (kind, _) in enumerate(v) if kind == k) for k in KINDS}
    return {Cell(k, "chat"): (rates[k] * min(witness.WORTH, known[k]), min(witness.WORTH, known[k])) for k in KINDS}


def recovery() -> None:
    """Root mean square error of the estimated share of right signals, by kind."""
    ways: dict[str, list[Estimate | None]] = {
        "judgement alone": [],
        "audit": [],
        "agreement": [],
        "audit and agreement": [],
        "Dawid-Skene": [],
        "audit and one-coin EM": [],
    }
    for seed in range(SEEDS):
        said, judged = votes(seed), audited(seed)
        ways["judgement alone"].append(believed({}, {}))
        ways["audit"].append(believed(judged, {}))
        ways["agreement"].append(believed({}, agreed(said)))
        ways["audit and agreement"].append(believed(judged, agreed(said)))
        ways["audit and one-coin EM"].append(believed(judged, one_coin(said)))
        ways["Dawid-Skene"].append(dawid_skene(said) if seed < 20 else None)
    print(f"\n{'error of P(right)':24}" + "".join(f"{k:>12}" for k in KINDS) + f"{'all':>9}")
    for name, found in ways.items():
        known = [e for e in found if e]
        if not known:
            print(f"{name:24} left out: crowd-kit is not installed")
            continue
        squares = {k: statistics.fmean((e[k] - (1 - KINDS[k])) ** 2 for e in known) for k in KINDS}
        print(
            f"{name:24}"
            + "".join(f"{math.sqrt(s):12.3f}" for s in squares.values())
            + f"{math.sqrt(statistics.fmean(squares.values())):9.3f}"
        )


def lessons(rows: int) -> None:
    """A linear task learnt by logistic regression from rows with 30% planted noise; the test is clean."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    ways: dict[str, Callable[[float], float]] = {
        "unweighted": lambda p: 1.0,
        "weight p": lambda p: p,
        "weight 2p - 1": lambda p: max(LEAST, 2 * p - 1),
        "best half of the kinds": lambda p: float(p >= 0.75),
    }
    scores: dict[str, list[float]] = {name: [] for name in (*ways, "clean labels")}
    for seed in range(SEEDS):
        draw = np.random.default_rng(seed)
        truth = draw.normal(size=20)
        x, tests = draw.normal(size=(rows, 20)), draw.normal(size=(4000, 20))
        y, clean = x @ truth > 0, tests @ truth > 0
        kinds = draw.choice(list(SHARES), rows, p=list(SHARES.values()))
        noisy = y ^ (draw.random(rows) < np.array([KINDS[k] for k in kinds]))
        p = believed(audited(seed), agreed(votes(seed)))
        for name, weigh in ways.items():
            model = LogisticRegression(max_iter=500).fit(x, noisy, sample_weight=np.array([max(1e-6, weigh(p[k])) for k in kinds]))
            scores[name].append(model.score(tests, clean))
        scores["clean labels"].append(LogisticRegression(max_iter=500).fit(x, y).score(tests, clean))
    print(
        f"\n{rows} rows, {sum(SHARES[k] * KINDS[k] for k in KINDS):.0%} noise     accuracy   minus unweighted (95% interval over {SEEDS} seeds)"
    )
    for name, found in scores.items():
        gains = [a - b for a, b in zip(found, scores["unweighted"], strict=True)]
        half = 1.96 * statistics.stdev(gains) / math.sqrt(SEEDS)
        print(
            f"{name:24}{statistics.fmean(found):12.3f}   {statistics.fmean(gains):+.3f} ({statistics.fmean(gains) - half:+.3f} to {statistics.fmean(gains) + half:+.3f})"
        )


def coverage() -> None:
    """How often a planted rate lies in its interval, over cells that vary about their kind's rate."""
    hits: dict[float, list[bool]] = {0.8: [], 0.95: []}
    for seed in range(SEEDS):
        draw, truth, seen = random.Random(seed), {}, {}
        for kind, noise in KINDS.items():
            for app in "abcd":
                for users in ("one word", "few words", "many words"):
                    cell = Cell(f"{kind}/kto", app, users)
                    truth[cell] = draw.betavariate(20 * (1 - noise), 20 * noise)
                    n = draw.randint(8, 60)
                    seen[cell] = (sum(draw.random() < truth[cell] for _ in range(n)), n)
        known = Reliability(seen, {})
        for cell, rate in truth.items():
            of = known.about(cell.rule, cell.app, cell.group, 0.5)
            for level, found in hits.items():
                low, high = of.interval(level) if isinstance(of, belief.Belief) else (0.0, 1.0)
                found.append(low <= rate <= high)
    for level, found in hits.items():
        print(f"intervals of {level:.0%}: {statistics.fmean(found):.1%} of {len(found)} planted rates inside")


def main() -> int:
    coverage()
    recovery()
    for rows in (200, 800):
        lessons(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
