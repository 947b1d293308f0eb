"""The order of a lesson: all tasks first, then one more pass over the key tasks with some of everything else beside them."""

from dataclasses import dataclass, field
from typing import Any

from pipeline.mix.replay import at_least, drawn, lot, shortfall

Row = dict[str, Any]
PASS = {"main": 1, "key": 2}


@dataclass(frozen=True)
class Beside:
    """How much of one other task stands beside a lesson."""

    has: int
    given: int
    shortfall: int


@dataclass(frozen=True)
class KeyPass:
    tasks: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    beside: dict[str, Beside] = field(default_factory=dict)
    why: str = ""


def beside(has: int, share: float, rows: int) -> Beside:
    return Beside(has, at_least(has, share, rows), shortfall(has, share, rows))


def placed(row: Row, phase: str, repeat: int, given: str) -> Row:
    """One pass of one row. `repeat` counts from 0 within its phase; `part` says whose words these are."""
    part = "general" if row["task"] == "general" else "domain" if row["pairs"] == given else "replay"
    return row | {"phase": phase, "pass": PASS[phase], "repeat": repeat, "part": part}


def shuffled(rows: list[Row], seed: int) -> list[Row]:
    """Training order: by lot, so that tasks come mixed and the same seed gives the same order everywhere."""
    return sorted(rows, key=lambda r: lot(seed, r["phase"], r["example_id"], r["repeat"]))


def main(domain: list[Row], general: list[tuple[Row, int]], given: str, seed: int) -> list[Row]:
    """All tasks and the general rows, once through."""
    return shuffled([placed(r, "main", 0, given) for r in domain] + [placed(r, "main", n, given) for r, n in general], seed)


def key_pass(tasks: dict[str, list[Row]], pool: list[Row], key: set[str], given: str, *, share: float, rows: int, seed: int) -> KeyPass:
    """One extra pass over the key tasks, beside at least `share` and min(`rows`, what it has) rows of every other task.

    The general pool counts as a task: a last stage without it is plain sequential training, which forgets.
    """
    keyed = sorted(t for t in key if tasks.get(t))
    if not keyed:
        return KeyPass(why="no key task has rows: no extra pass")
    others = {t: r for t, r in sorted(tasks.items()) if t not in keyed and r} | ({"general": pool} if pool else {})
    quota = {t: beside(len(r), share, rows) for t, r in others.items()}
    chosen = [r for t in keyed for r in tasks[t]] + [r for t, rs in others.items() for r in drawn(rs, quota[t].given, seed, "key")]
    why = f"one extra pass over {', '.join(keyed)}, beside {sum(b.given for b in quota.values())} rows of the other tasks, so that these are kept"
    return KeyPass(tuple(keyed), shuffled([placed(r, "key", 0, given) for r in chosen], seed), quota, why)
