"""What the gate promises and what it reaches, side by side, from seeded simulations: `make bench-gate`, or `python -m evals.bench_gate`.

Every line names its world. Simulations run on counts (evals/gate_worlds.py); the first lines show that judge() itself says the same on a sample.
Exit code 1 where a target is missed.
"""

import argparse
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evals import gate_real
from evals import gate_worlds as worlds
from evals.gate_worlds import BLOCK, PROMOTE, Suite
from pipeline.gate import budget
from pipeline.gate.feasibility import chance_to_certify
from pipeline.gate.sequential import Plan, walk
from pipeline.gate.strata import LEAST, deviation, neyman
from pipeline.gate.verdict import judge
from pipeline.gate.wagers import accept, collapsed_at
from pipeline.recipe import Gate

SAMPLE = 200  # worlds that judge() is asked about too
SMALL, LARGE = Suite(), Suite(n=1500, margin=0.03)
WALKED = 200  # suites that walk() judges look by look
FEW = 20  # worlds whose every day judge() is asked about
DAYS = 60
POOL, MOVED = 12_343, (1_389, 598, 521)  # MMLU pair (gate.md, section 6): items; of those that moved before: how many, lost, gained
STILL = (POOL - MOVED[0], 77, 72)


@dataclass
class Board:
    """The table: what was wanted, what was reached."""

    missed: int = 0

    def line(self, what: str, target: str, reached: float, good: bool, note: str = "") -> None:
        self.missed += not good
        word = "--" if not target else "ok" if good else "MISS"
        print(f"{word:<4}  {what:<86} {target:>8}  {reached:8.3f}  {note}".rstrip(), flush=True)


def one(drop: float, others: float = 0.0, k: int = 10) -> np.ndarray:
    """True drops: one ability, and all the others."""
    return np.array([drop] + [others] * (k - 1))


def tables(board: Board, rng: np.random.Generator, count: int) -> None:
    """The table of gate.md, section 4."""
    found = {}
    for suite, name in ((SMALL, "500"), (LARGE, "1500")):
        for drops, what in ((one(0), "same"), (one(0.04, -0.005), "seesaw"), (one(0.08), "fall"), (one(0.007, 0.007), "diffuse")):
            lost, gained = worlds.draw(rng, suite, drops, count)
            found[name, what] = worlds.judged(suite, lost, gained)
            if what in ("same", "seesaw"):
                same = worlds.agree(suite, lost, gained, found[name, what], SAMPLE)
                board.line(f"judge() says the same, 10 x {name}, {what}, {SAMPLE} worlds", "= 1", same / SAMPLE, same == SAMPLE)
    small, fall = "10 x 500, psi .08, margins 5/1 pt: ", "10 x 1500, psi .08, margins 3/1 pt: "
    least(board, small + "unchanged, blocked", found["500", "same"].share(BLOCK), at_most=0.05)
    least(board, small + "unchanged, promoted", found["500", "same"].share(PROMOTE), 0.70)
    least(board, small + "one -4 pt, others +.5, blocked", found["500", "seesaw"].share(BLOCK), 0.60)
    least(board, small + "... and it is the ability named first, of those", named(found["500", "seesaw"]), 0.90)
    least(board, small + "one -8 pt, blocked", found["500", "fall"].share(BLOCK), 0.99)
    least(board, small + "all -.7 pt, blocked", found["500", "diffuse"].share(BLOCK), 0.40)
    least(board, fall + "one -4 pt, others +.5, blocked", found["1500", "seesaw"].share(BLOCK), 0.99)
    least(board, fall + "unchanged, promoted", found["1500", "same"].share(PROMOTE), 0.90)


def least(board: Board, what: str, reached: float, at_least: float | None = None, at_most: float | None = None, note: str = "") -> None:
    good = (at_least is None or reached >= at_least) and (at_most is None or reached <= at_most)
    target = f"<= {at_most:.3g}" if at_most is not None else f">= {at_least:g}" if at_least is not None else ""
    board.line(what, target, reached, good, note)


def named(found: worlds.Judged) -> float:
    """Of the worlds that were blocked: how often the fallen ability is the blocked row with the smallest p."""
    blocked = found.verdict == BLOCK
    rows = found.rows[blocked] == BLOCK
    first = np.where(rows, found.p[blocked], 2.0).argmin(axis=1)
    return float((rows.any(axis=1) & (first == 0)).mean())


def days(board: Board, rng: np.random.Generator, count: int) -> None:
    """Drift against the origin: 1500 items of one ability, asked again every day. Stopped: held by the error budget, or blocked.

    In the harder world half of the noise stays from day to day; no figure is promised for it.
    """
    n, alpha, gate = 1500, budget.alpha_today(0.05, DAYS, 1), Gate()
    for psi, stays in ((0.05, 0.0), (0.08, 0.0), (0.08, 0.5)):
        shown = {}
        for a_day in (0.0, 0.001):
            lost, gained = worlds.drift(rng, count, DAYS, n, psi, a_day, stays)
            p = worlds.mcnemar(lost, gained)
            halts = worlds.stopped(lost, gained, n, alpha, gate)
            alarms = {"stopped": halts, "blocked if strict": p <= alpha, "at .05 every day": p <= 0.05}
            shown[a_day] = {name: worlds.first_day(alarm) for name, alarm in alarms.items()}
        sample = range(FEW)  # of the last world drawn: the drifting one
        said = [worlds.stopped_by_the_gate(lost[w], gained[w], n, alpha, gate) == shown[0.001]["stopped"][w] for w in sample]
        board.line(f"judge() and its account stop on the same day, psi {psi:g}, {FEW} worlds", "= 1", sum(said) / FEW, all(said))
        for name in ("stopped", "blocked if strict"):
            world = f"1500 items, psi {psi:g}{', half the noise stays' if stays else ''}: "
            false = float((shown[0.0][name] <= DAYS).mean())
            naive = float((shown[0.0]["at .05 every day"] <= DAYS).mean())
            least(board, f"{world}.1 pt a day {name}, median day", float(np.median(shown[0.001][name])), at_most=None if stays else 18)
            least(board, f"{world}unchanged {name} within 60 days", false, at_most=0.05, note=f"at .05 every day: {naive:.2f}")


def by_looks(board: Board, rng: np.random.Generator, count: int) -> None:
    """Four looks against one, at equal error: one ability, margin 2 pt, psi .10. Sized for a power of .9, and as gate.md's example, .87."""
    psi, margin = 0.10, 0.02
    for n, judged in ((2400, True), (2000, False)):
        for drop, word, what in ((0.0, PROMOTE, "unchanged"), (0.02, BLOCK, "-2 pt")):
            lost, gained = (x.cumsum(axis=1) for x in _batches(rng, count, n // 4, psi, drop))
            sizes = n // 4 * np.arange(1, 5)
            error = np.sqrt(((lost + gained) / sizes - ((lost - gained) / sizes) ** 2) / sizes)
            reach = np.stack([-worlds.tango_z(lost[:, k], gained[:, k], int(sizes[k]), margin) for k in range(4)], axis=1)
            ended = worlds.looks((lost - gained) / sizes, error, reach)
            fixed = worlds.fixed_size(psi, drop, margin, word, ended.share(word), count)
            note = f"{ended.asked.mean():.2f} of {n} asked, right in {ended.share(word):.3f}; one look needs {fixed}"
            world = f"items by looks at equal error, margin 2 pt, at most {n}, {what}"
            least(board, world, float(ended.asked.mean()) * n / fixed, at_most=0.75 if judged else None, note=note)


def _batches(rng: np.random.Generator, count: int, size: int, psi: float, drop: float) -> worlds.Counts:
    found = rng.multinomial(size, [(psi + drop) / 2, (psi - drop) / 2, 1 - psi], size=(count, 4))
    return found[..., 0], found[..., 1]


def suites(board: Board, rng: np.random.Generator) -> None:
    """The looks that `compare --looks` replays, on whole suites: 10 abilities x 1500 items, margins 3/1 pt, everything asked by walk()."""
    plan = Plan(dict.fromkeys((f"a{k}" for k in range(10)), LARGE.margin), LARGE.pooled_margin)
    for drops, word, what in (
        (one(0), "promote", "unchanged"),
        (one(0.04, -0.005), "block", "one -4 pt"),
        (one(0.08), "block", "one -8 pt"),
    ):
        lost, gained = worlds.draw(rng, LARGE, drops, WALKED)
        found = [walk(*worlds.sides(LARGE, lost[w], gained[w]), plan) for w in range(WALKED)]
        right, asked = np.mean([f.verdict == word for f in found]), np.mean([f.needed / f.of for f in found])
        wrong = np.mean([f.verdict == "block" for f in found])
        note = f"{asked:.2f} of the items asked" + (f"; blocked {wrong:.3f}" if what == "unchanged" else "")
        least(board, f"10 x 1500 in four looks, {what}: {word}, {WALKED} worlds", float(right), note=note)


def by_strata(board: Board, rng: np.random.Generator, count: int) -> None:
    """Strata of past instability, and both together, on a pool of the MMLU pair's figures."""
    sizes = [MOVED[0], STILL[0]]
    rates = [np.array([lost, gained, size - lost - gained]) / size for size, lost, gained in (MOVED, STILL)]
    spreads = [deviation(float(r[0] + r[1]), float(r[0] - r[1])) for r in rates]
    weights = np.array(sizes) / POOL
    asked = neyman(2000, sizes, spreads)
    count *= 10  # cheap, and a share of variances needs many
    drop, _ = _stratified(rng, count, weights, rates, asked)
    whole = sum(w * r for w, r in zip(weights, rates, strict=True))
    simple = rng.multinomial(2000, whole, size=count)
    share = float(drop.var() / ((simple[:, 0] - simple[:, 1]) / 2000).var())
    note = f"2000 items as {asked[0]} + {asked[1]}; spread of the drop {drop.std():.5f}, simple {math.sqrt(drop.var() / share):.5f}; bias {drop.mean() - 82 / POOL:+.6f}"
    least(board, "items by strata at equal error, pool like the MMLU pair", share, at_most=0.41, note=note)
    both(board, rng, count // 10, weights, rates, sizes, spreads)


def _stratified(rng: np.random.Generator, count: int, weights: np.ndarray, rates: list, asked: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Drop and error of the stratified estimator in many worlds."""
    parts = [rng.multinomial(n, r, size=count) for n, r in zip(asked, rates, strict=True)]
    return _combine(weights, [(p[:, 0], p[:, 1], n) for p, n in zip(parts, asked, strict=True)])


def _combine(weights: np.ndarray, parts: list[tuple[np.ndarray, np.ndarray, int]]) -> tuple[np.ndarray, np.ndarray]:
    seen = [((down - up) / n, (down + up) / n, n) for down, up, n in parts]
    drop = sum(w * d for w, (d, _, _) in zip(weights, seen, strict=True))
    variance = sum(w * w * (psi - d * d) / n for w, (d, psi, n) in zip(weights, seen, strict=True))
    return np.asarray(drop), np.sqrt(np.asarray(variance))


def both(
    board: Board, rng: np.random.Generator, count: int, weights: np.ndarray, rates: list, sizes: list[int], spreads: list[float]
) -> None:
    """Four looks of stratified batches against one look of simple ones, at equal error; margin 2 pt, nothing lost, or 2 pt."""
    flips = [float(r[0] + r[1]) for r in rates]
    psi, margin, most = float(np.dot(weights, flips)), 0.02, 840
    asked = [4 * max(n // 4, LEAST // 4) for n in neyman(most, sizes, spreads)]
    for drop, word, what in ((0.0, PROMOTE, "unchanged"), (0.02, BLOCK, "-2 pt")):
        tilt = [drop * f / psi for f in flips]  # the loss falls where answers flip
        chances = [[(f + t) / 2, (f - t) / 2, 1 - f] for f, t in zip(flips, tilt, strict=True)]
        seen = [rng.multinomial(n // 4, c, size=(count, 4)).cumsum(axis=1) for n, c in zip(asked, chances, strict=True)]
        at = [_combine(weights, [(s[:, k, 0], s[:, k, 1], n // 4 * (k + 1)) for s, n in zip(seen, asked, strict=True)]) for k in range(4)]
        drops, errors = (np.stack([a[i] for a in at], axis=1) for i in range(2))
        flipped = sum(s[..., 0] + s[..., 1] for s in seen)
        reach = np.where(flipped >= 60, (margin - drops) / np.maximum(errors, 1e-9), 0.0)  # a normal bound needs flips, as in the gate
        ended = worlds.looks(drops, errors, reach)
        fixed = worlds.fixed_size(psi, drop, margin, word, ended.share(word), count)
        share = float(ended.asked.mean()) * sum(asked) / fixed
        note = f"{ended.asked.mean():.2f} of {sum(asked)} asked, right in {ended.share(word):.3f}; one simple look needs {fixed}"
        least(board, f"items by both at equal error, margin 2 pt, {what}", share, at_most=1 / 3, note=note)


def arithmetic(board: Board, rng: np.random.Generator) -> None:
    """100 abilities of 10,000 items through judge()."""
    champion = {f"a{k}": rng.integers(0, 2, 10_000).astype(float).tolist() for k in range(100)}
    candidate = {n: np.where(rng.random(10_000) < 0.08, 1 - np.array(v), v).tolist() for n, v in champion.items()}
    start = time.process_time()
    judge(champion, candidate)
    seconds = time.process_time() - start
    least(board, "judge() on 100 abilities x 10,000 items, CPU seconds", seconds, at_most=2.0)


def alarms(board: Board, rng: np.random.Generator, count: int) -> None:
    """The betting alarm: how soon it sees a fall of eight points, how often it rings for nothing; and what certifying by bets would take."""
    n, psi = 2000, 0.10
    falls, still = (rng.choice([1.0, -1.0, 0.0], (count, n), p=[(psi + d) / 2, (psi - d) / 2, 1 - psi]) for d in (0.08, 0.0))
    called = [collapsed_at(row.tolist(), 0.05) or n for row in falls]
    rang = float(np.mean([collapsed_at(row.tolist(), 0.05) is not None for row in still]))
    least(board, "collapse of 8 pt called by bets, psi .10, median share of 2000 items", float(np.median(called)) / n, at_most=0.08)
    least(board, "... and called where nothing changed, over all 2000 looks", rang, at_most=0.05)
    counts = [((row > 0).sum(), (row < 0).sum()) for row in still]
    certified = float(np.mean([accept(int(down), int(up), n, 0.02) >= 20 for down, up in counts]))
    fixed = chance_to_certify(n, 0.02, psi)
    note = f"the fixed bound certifies {fixed:.2f}: bets are an alarm, not the main test"
    least(board, "2 pt certified by bets from 2000 items, psi .10", certified, note=note)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=20_000, help="simulated candidates a line (default 20000: an error of .003)")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument(
        "--home", type=Path, action="append", help="also the strata on real answers in this home (may be given several times)"
    )
    args = parser.parse_args()
    board, rng, start = Board(), np.random.default_rng(args.seed), time.monotonic()
    print(f"      {'world':<86} {'target':>8}  {'reached':>8}   ({args.worlds} worlds a line, seed {args.seed})")
    tables(board, rng, args.worlds)
    days(board, rng, min(args.worlds, 4000))
    by_looks(board, rng, args.worlds)
    suites(board, rng)
    by_strata(board, rng, args.worlds)
    arithmetic(board, rng)
    alarms(board, rng, min(args.worlds, 400))
    gate_real.real(rng, args.home or [Path("home")])
    print(f"{'every target is met' if not board.missed else f'{board.missed} targets are missed'} ({time.monotonic() - start:.0f} s)")
    return int(board.missed > 0)


if __name__ == "__main__":
    sys.exit(main())
