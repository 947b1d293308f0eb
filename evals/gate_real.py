"""Looks and strata on real paired answers: the models of a home, or of several, on the items they all answered."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from evals import gate_worlds as worlds
from evals.gate_worlds import BLOCK, PROMOTE
from pipeline import lineage, settings
from pipeline.gate.paired import Pairs
from pipeline.gate.strata import LEAST, Stratum, deviation, estimate, neyman, split, unstable

DRAWS = 4000  # the share of two variances is then good to 3%
LARGER = 20  # a pool so many times as large with the same figures: strata of 100 items and more, as MMLU's 12,343 have
POWER = 0.9  # what a suite is sized for
MOST = 60_000  # items beyond which no fixed size is looked for


def real(rng: np.random.Generator, homes: list[Path]) -> None:
    """What earlier models of these homes moved splits the items for each later one; and what looks spare at the flips that it showed."""
    models = answers(homes)
    if len(models) < 3:
        print(f"--    real pairs: {len(models)} models answered the same items in {', '.join(map(str, homes))}; three are needed")
        return
    base, *later = models.values()
    for i in range(1, len(later)):
        moved = unstable([{k: (base[k], earlier[k]) for k in base} for earlier in later[:i]])
        drops = {k: base[k] - later[i][k] for k in base}
        flips = sum(d != 0 for d in drops.values())
        held = sum(drops[k] != 0 for k in moved) / max(1, flips)
        told = f"real pairs: {list(models)[i + 1]} against the origin, {len(base)} items, {flips} flips; {len(moved)} moved under {i} earlier models and hold {held:.0%} of them"
        print(f"--    {told}: strata need {_share(rng, drops, moved):.2f} of the items at equal error")
        if set(drops.values()) <= {-1.0, 0.0, 1.0} and flips >= 10:
            _larger(rng, drops, moved)


def _share(rng: np.random.Generator, drops: dict[Any, float], moved: set) -> float:
    """Half as many items as there are, drawn with replacement a few thousand times: how much more the drop spreads when they are drawn simply."""
    parts = [np.array([drops[k] for k in part]) for part in split(list(drops), moved)]
    asked = neyman(len(drops) // 2, [len(p) for p in parts], [float(p.std()) for p in parts])
    strata = [estimate([_part(rng, p, n, len(drops)) for p, n in zip(parts, asked, strict=True)]).drop for _ in range(DRAWS)]
    everything = np.array(list(drops.values()))
    simple = [float(rng.choice(everything, sum(asked)).mean()) for _ in range(DRAWS)]
    return float(np.var(strata) / np.var(simple))


def _part(rng: np.random.Generator, pool: np.ndarray, n: int, of: int) -> Stratum:
    return Stratum(len(pool) / of, Pairs(tuple(rng.choice(pool, n).tolist()), binary=set(pool.tolist()) <= {-1.0, 0.0, 1.0}))


def _larger(rng: np.random.Generator, drops: dict[Any, float], moved: set) -> None:
    """Looks, strata and both for a candidate with these flips, on a pool large enough for strata; each against one look at equal error."""
    parts = [[drops[k] for k in drops if (k in moved) is inside] for inside in (True, False)]
    sizes = [LARGER * len(p) for p in parts]
    counts = [(sum(d > 0 for d in p), sum(d < 0 for d in p), len(p)) for p in parts]
    lost, gained, n = (sum(c[i] for c in counts) for i in range(3))
    psi, drop = (lost + gained) / n, (lost - gained) / n
    spread = sum(size / sum(sizes) * deviation(a + b, a - b) for size, (a, b) in zip(sizes, _rates(counts), strict=True))
    print(f"--      by strata, pool {LARGER} times as large: {spread**2 / deviation(psi, drop) ** 2:.2f} of the items")
    margin = max(0.02, 2 * abs(drop))
    # a fall beyond the margin is to be blocked, a smaller one certified
    word = BLOCK if drop > margin else PROMOTE
    for name, weights, rates in (("looks", [1.0], [(lost / n, gained / n)]), ("both", [s / sum(sizes) for s in sizes], _rates(counts))):
        found = _needed(rng, weights, rates, sizes, margin, word)
        if found is None:
            print(f"--      {name}: no size under {MOST} items is right in {POWER:.0%}")
            continue
        most, asked, right = found
        fixed = worlds.fixed_size(psi, drop, margin, word, right, DRAWS, high=MOST)
        print(
            f"--      by {name}, margin {100 * margin:.1f} pt, psi {psi:.3f}, drop {100 * drop:+.2f} pt: {asked / fixed:.2f} of the items"
            f" ({asked:.0f} of at most {most} asked, right in {right:.3f}; one simple look needs {fixed})"
        )


def _rates(counts: list[tuple[int, int, int]]) -> list[tuple[float, float]]:
    """Losses and gains of each stratum; one where nothing flipped counts as if half an item had, twice: it has shown little."""
    return [((down or 0.5) / n, (up or 0.5) / n) if not down + up else (down / n, up / n) for down, up, n in counts]


def _needed(rng: np.random.Generator, weights: list[float], rates: list, sizes: list[int], margin: float, word: int) -> Any:
    """The smallest design in four looks that ends in the right word often enough: items at most, on average, and how often it is right."""
    spreads = [deviation(a + b, a - b) for a, b in rates]
    for most in range(120, MOST, 40):
        alone = len(weights) == 1
        asked = [most] if alone else neyman(most, sizes, spreads)
        if not alone and min(asked) < LEAST:
            continue
        ended = _walked(rng, weights, rates, [4 * (n // 4) for n in asked], margin)
        if ended.share(word) >= POWER:
            return sum(asked), float(ended.asked.mean()) * sum(asked), ended.share(word)
    return None


def _walked(rng: np.random.Generator, weights: list[float], rates: list, asked: list[int], margin: float) -> worlds.Stopped:
    chances = [[a, b, 1 - a - b] for a, b in rates]
    seen = [rng.multinomial(n // 4, c, size=(DRAWS, 4)).cumsum(axis=1) for n, c in zip(asked, chances, strict=True)]
    steps = np.array([1, 2, 3, 4])
    drops, variance = np.zeros((DRAWS, 4)), np.zeros((DRAWS, 4))
    for weight, counts, n in zip(weights, seen, asked, strict=True):
        size = n // 4 * steps
        drop = (counts[..., 0] - counts[..., 1]) / size
        spread = np.maximum((counts[..., 0] + counts[..., 1]) / size - drop**2, 1 / size if len(weights) > 1 else 0.0)
        drops, variance = drops + weight * drop, variance + weight**2 * spread / size
    if len(weights) == 1:
        n = asked[0] // 4
        reach = np.stack([-worlds.tango_z(seen[0][:, k, 0], seen[0][:, k, 1], n * (k + 1), margin) for k in range(4)], axis=1)
    else:  # a normal bound needs flips, as in the gate
        flipped = sum(s[..., 0] + s[..., 1] for s in seen)
        reach = np.where(flipped >= 60, (margin - drops) / np.sqrt(np.maximum(variance, 1e-18)), 0.0)
    return worlds.looks(drops, np.sqrt(variance), reach)


def answers(homes: list[Path]) -> dict[str, dict[Any, float]]:
    """Values of the suite's items by model, of all scores in these homes, the origin first, then in the order of their days."""
    import pyarrow.parquet as pq

    found: dict[str, dict[Any, float]] = {}
    for home in homes:
        machine = dataclasses.replace(settings.load(), home=home)
        for m in sorted(lineage.all_of(machine, "scores"), key=lambda m: (m["model"] != "origin", m["finished"])):
            suite = [a for a in (m.get("abilities") or {}).values() if a["kind"] == "suite"]
            decides = {t: (by["metric"], by["filter"]) for a in suite for t, by in a["decides"].items()}
            rows = pq.read_table(lineage.folder(machine, m["id"]) / "items.parquet").to_pylist() if decides else []
            values = {
                (r["benchmark"], r["doc_hash"], r["prompt_hash"], r["occurrence"]): r["value"]
                for r in rows
                if decides.get(r["benchmark"]) == (r["metric"], r["filter"]) and r["value"] is not None
            }
            found.setdefault(m["model"], values)
    usual = next(iter(found.values()), {}).keys()
    return {model: values for model, values in found.items() if values and values.keys() == usual}
