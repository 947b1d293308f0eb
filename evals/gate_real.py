"""Strata of past instability on real paired answers: the models of a home, or of several, on the items they all answered."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import lineage, settings
from pipeline.gate.paired import Pairs
from pipeline.gate.strata import Stratum, estimate, neyman, split, unstable

DRAWS = 4000  # the share of two variances is then good to 3%


def real(rng: np.random.Generator, homes: list[Path]) -> None:
    """Strata on real paired answers: what earlier models of these homes moved splits the items for each later one.

    Half as many items as there are, drawn with replacement a few thousand times: how much more the drop spreads when they are drawn simply.
    """
    models = answers(homes)
    if len(models) < 3:
        print(f"--    real pairs: {len(models)} models answered the same items in {', '.join(map(str, homes))}; three are needed")
        return
    base, *later = models.values()
    for i in range(1, len(later)):
        moved = unstable([{k: (base[k], earlier[k]) for k in base} for earlier in later[:i]])
        drops = {k: base[k] - later[i][k] for k in base}
        parts = [np.array([drops[k] for k in part]) for part in split(list(base), moved)]
        asked = neyman(len(base) // 2, [len(p) for p in parts], [float(p.std()) for p in parts])
        strata = [estimate([_part(rng, p, n, len(base)) for p, n in zip(parts, asked, strict=True)]).drop for _ in range(DRAWS)]
        everything = np.array(list(drops.values()))
        simple = [float(rng.choice(everything, sum(asked)).mean()) for _ in range(DRAWS)]
        held = sum(drops[k] != 0 for k in moved) / max(1, int((everything != 0).sum()))
        print(
            f"--    real pairs: {list(models)[i + 1]} against the origin, {len(base)} items; {len(moved)} moved under {i} earlier models"
            f" and hold {held:.0%} of its flips: strata need {np.var(strata) / np.var(simple):.2f} of the items at equal error"
        )


def _part(rng: np.random.Generator, pool: np.ndarray, n: int, of: int) -> Stratum:
    return Stratum(len(pool) / of, Pairs(tuple(rng.choice(pool, n).tolist()), binary=set(pool.tolist()) <= {-1.0, 0.0, 1.0}))


def answers(homes: list[Path]) -> dict[str, dict[Any, float]]:
    """Values of the suite's items by model, of all scores in these homes, the origin first, then in the order of their days."""
    import pyarrow.parquet as pq

    found: dict[str, dict[Any, float]] = {}
    for home in homes:
        machine = dataclasses.replace(settings.load(), home=home)
        for m in sorted(lineage.all_of(machine, "scores"), key=lambda m: (m["model"] != "origin", m["finished"])):
            suite = [a for a in (m.get("abilities") or {}).values() if a["kind"] == "suite"]
            decides = {t: (by["metric"], by["filter"]) for a in suite for t, by in a["decides"].items()}
            rows = pq.read_table(lineage.folder(machine, m["id"]) / "items.parquet").to_pylist()
            values = {
                (r["benchmark"], r["doc_hash"], r["prompt_hash"], r["occurrence"]): r["value"]
                for r in rows
                if decides.get(r["benchmark"]) == (r["metric"], r["filter"]) and r["value"] is not None
            }
            found.setdefault(m["model"], values)
    usual = next(iter(found.values()), {}).keys()
    return {model: values for model, values in found.items() if values and values.keys() == usual}
