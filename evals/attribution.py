"""Does attribution find the planted task? `PYTHONPATH=. python evals/attribution.py [SEEDS] [FOLDER]`: ten lessons of four tasks, one of which does harm.

Every seed makes its lesson, blocks its candidate and asks all four kinds of evidence (evals/planted_lesson.py); a minute a seed on two cores.
Prints who is first by each kind, and who is named, which takes evidence beyond chance. Needs the extras train and eval.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from evals import planted_lesson
from pipeline import settings
from pipeline.causes import told
from pipeline.commands import attribute, lessons

SEEDS = 10
WANTED = 8


def one(folder: Path, seed: int, how: str = "ABCD") -> dict[str, Any]:
    """What attribution says of one planted lesson."""
    origin = planted_lesson.make_origin(folder / "origin")
    planted = planted_lesson.build(folder, origin, seed, settings.load())
    start = time.monotonic()
    found = attribute.run(planted.verdict, planted.settings, lessons.here(planted.settings), how, 60)
    row = found["abilities"]["capitals"]
    first = {m: rows[0]["task"] if rows else None for m, rows in row["figures"].items()}
    named = {m: [e["task"] for e in evidence] for m, evidence in row["evidence"].items()}
    return {
        "seed": seed,
        "guilty": planted.guilty,
        "harm": planted.harm,
        "lost": row["lost"],
        "first": first,
        "named": named,
        "culprit": (row["culprit"] or {}).get("task"),
        "seconds": round(time.monotonic() - start),
    }


def main(seeds: int, folder: Path) -> None:
    import torch

    torch.set_num_threads(1)  # matrices of 64 columns: a second thread only waits
    rows, right, false = [], Counter[str](), Counter[str]()
    for seed in range(seeds):
        row = one(folder, seed)
        rows.append(row)
        print(row, flush=True)
        for method in told.METHODS:
            right[f"{method} first"] += row["first"].get(method) == row["guilty"]
            right[f"{method} named"] += row["guilty"] in row["named"].get(method, [])[:1]
            false[method] += bool(row["named"].get(method)) and row["named"][method][0] != row["guilty"]
        right["culprit"] += row["culprit"] == row["guilty"]
    for method, about in told.METHODS.items():
        print(
            f"{method} ({about}): first {right[f'{method} first']}, named {right[f'{method} named']}, another named first {false[method]} of {seeds}"
        )
    print(f"the record's culprit is the planted task in {right['culprit']} of {seeds}; wanted {WANTED * seeds // 10}")
    if right["culprit"] < WANTED * seeds // 10:
        sys.exit(1)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS, Path(sys.argv[2] if len(sys.argv) > 2 else scratch))
