"""Worlds of simulated candidates, thousands at once: the gate's rules on counts in numpy, held against the gate's own judge() by the bench."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from pipeline.gate import budget
from pipeline.gate.boundaries import bounds
from pipeline.gate.verdict import judge
from pipeline.recipe import Gate

Counts = tuple[np.ndarray, np.ndarray]
PROMOTE, HOLD, BLOCK = 0, 1, 2
WORDS = ("promote", "hold", "block")


@dataclass(frozen=True)
class Suite:
    """Abilities of equal size under equal margins."""

    abilities: int = 10
    n: int = 500
    psi: float = 0.08
    margin: float = 0.05
    pooled_margin: float = 0.01


@dataclass(frozen=True)
class Judged:
    """One verdict a world, and what each ability came to."""

    verdict: np.ndarray
    rows: np.ndarray
    p: np.ndarray

    def share(self, verdict: int) -> float:
        return float((self.verdict == verdict).mean())


def draw(rng: np.random.Generator, suite: Suite, drops: np.ndarray, worlds: int) -> Counts:
    """Lost and gained items of every ability: a share psi flips, tilted so that `drops` are lost on average."""
    chances = np.stack([(suite.psi + drops) / 2, (suite.psi - drops) / 2, np.full(len(drops), 1 - suite.psi)], axis=1)
    found = np.stack([rng.multinomial(suite.n, row, size=worlds) for row in chances], axis=1)
    return found[..., 0], found[..., 1]


def mcnemar(lost: np.ndarray, gained: np.ndarray) -> np.ndarray:
    return stats.binom.sf(lost - 1, lost + gained, 0.5)


def tango_z(lost: np.ndarray, gained: np.ndarray, n: int, drop: float) -> np.ndarray:
    a, b, c = 2 * n, -lost - gained + (2 * n - lost + gained) * drop, -gained * drop * (1 - drop)
    q = (np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    return (lost - gained - n * drop) / np.sqrt(n * (2 * q + drop * (1 - drop)))


def small(lost: np.ndarray, gained: np.ndarray, n: int, margin: float, alpha: float = 0.05) -> np.ndarray:
    """Whether the upper bound lies below the margin."""
    return -tango_z(lost, gained, n, margin) > stats.norm.isf(alpha)


def holm(p: np.ndarray) -> np.ndarray:
    order = p.argsort(axis=1)
    steps = np.minimum(1.0, np.take_along_axis(p, order, 1) * np.arange(p.shape[1], 0, -1))
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.maximum.accumulate(steps, axis=1), 1)
    return adjusted


def judged(suite: Suite, lost: np.ndarray, gained: np.ndarray, alpha: float = 0.05) -> Judged:
    """The table of gate.md, section 4, for every world."""
    p, level = mcnemar(lost, gained), alpha / 2 if suite.abilities > 1 else alpha
    rows = _decide(small(lost, gained, suite.n, suite.margin), holm(p) <= level)
    if suite.abilities == 1:
        return Judged(rows[:, 0], rows, p)
    total = lost.sum(axis=1), gained.sum(axis=1)
    pooled = _decide(small(*total, suite.n * suite.abilities, suite.pooled_margin), mcnemar(*total) <= level)
    return Judged(np.maximum(rows.max(axis=1), pooled), rows, p)


def _decide(is_small: np.ndarray, proved: np.ndarray) -> np.ndarray:
    return np.where(is_small, PROMOTE, np.where(proved, BLOCK, HOLD))


def agree(suite: Suite, lost: np.ndarray, gained: np.ndarray, found: Judged, sample: int) -> int:
    """In how many of the first `sample` worlds judge() itself says the same, verdict and every row."""
    same = 0
    for w in range(sample):
        said = judge(*sides(suite, lost[w], gained[w]), suite.margin, suite.pooled_margin)
        rows = [said.abilities[f"a{k}"].decision == WORDS[found.rows[w, k]] for k in range(suite.abilities)]
        same += said.verdict == WORDS[found.verdict[w]] and all(rows)
    return same


def sides(suite: Suite, lost: np.ndarray, gained: np.ndarray) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Item values of both models behind one world's counts."""
    champion, candidate = {}, {}
    for k, (down, up) in enumerate(zip(lost.tolist(), gained.tolist(), strict=True)):
        kept = [1.0] * (suite.n - down - up)
        champion[f"a{k}"], candidate[f"a{k}"] = [1.0] * down + [0.0] * up + kept, [0.0] * down + [1.0] * up + kept
    return champion, candidate


def drift(rng: np.random.Generator, worlds: int, days: int, n: int, psi: float, a_day: float, stays: float) -> Counts:
    """Counts against the origin, day by day on the same items: noise of which a share stays from day to day, and a loss that grows."""
    still = rng.multinomial(n, [stays * psi / 2] * 2 + [1 - stays * psi], size=worlds)[:, None]
    fresh = rng.multinomial(n, [(1 - stays) * psi / 2] * 2 + [1 - (1 - stays) * psi], size=(worlds, days))
    gone = rng.binomial(n, a_day, size=(worlds, days)).cumsum(axis=1)
    return still[..., 0] + fresh[..., 0] + gone, still[..., 1] + fresh[..., 1]


def stopped(lost: np.ndarray, gained: np.ndarray, n: int, alpha: float, gate: Gate) -> np.ndarray:
    """Days on which a world's candidate is blocked by the origin's table or held by the error budget."""
    p, drop, fits = mcnemar(lost, gained), (lost - gained) / n, small(lost, gained, n, gate.origin_margin)
    charge = np.where((p <= budget.CHARGED) & fits, np.maximum(drop, 0.0), 0.0)
    return ((charge > 0) & (charge.cumsum(axis=1) > gate.origin_margin + budget.DUST)) | ((p <= alpha) & ~fits)


def stopped_by_the_gate(lost: np.ndarray, gained: np.ndarray, n: int, alpha: float, gate: Gate) -> float:
    """The first such day of one world, from judge() and the account it keeps; infinite where there is none."""
    promoted: list = []
    for day in range(1, len(lost) + 1):
        table = judge(*sides(Suite(1, n), lost[day - 1 : day], gained[day - 1 : day]), gate.origin_margin, alpha_to_block=alpha)
        if table.verdict == "block" or budget.account(table, promoted, gate)["decision"] == "hold":
            return float(day)
        promoted += [table] if table.verdict == "promote" else []
    return float("inf")


def first_day(alarm: np.ndarray) -> np.ndarray:
    """The day of each world's first alarm, counted from 1; infinite where there is none."""
    return np.where(alarm.any(axis=1), alarm.argmax(axis=1) + 1.0, np.inf)


@dataclass(frozen=True)
class Stopped:
    """Where looks ended: which look (from 1), and which word."""

    asked: np.ndarray
    """Share of the items."""
    word: np.ndarray

    def share(self, word: int) -> float:
        return float((self.word == word).mean())


def looks(drop: np.ndarray, error: np.ndarray, reach: np.ndarray, alpha: float = 0.05) -> Stopped:
    """Group-sequential verdicts of many worlds: drop and error at each look, and the z of `the drop is below the margin`."""
    count = drop.shape[1]
    limit = np.array(bounds(alpha, count))
    with np.errstate(divide="ignore", invalid="ignore"):
        falls = np.where(error > 0, drop / error, np.where(drop > 0, np.inf, 0.0)) >= limit
    ends = _decide(reach >= limit, falls)
    at = np.where((ends != HOLD).any(axis=1), (ends != HOLD).argmax(axis=1), count - 1)
    return Stopped((at + 1) / count, np.take_along_axis(ends, at[:, None], 1)[:, 0])


def fixed_size(psi: float, drop: float, margin: float, word: int, wanted: float, count: int, high: int = 5000) -> int:
    """Items with which one look ends in this word as often as wanted, by bisection; the same draws at every step."""
    low = 20
    while high - low > 5:
        n = (low + high) // 2
        suite = Suite(1, n, psi, margin)
        right = judged(suite, *draw(np.random.default_rng(7), suite, np.array([drop]), count)).share(word)
        low, high = (low, n) if right >= wanted else (n, high)
    return high
