"""A scorer of rows, fitted on what people judged: the chance that a row is right, from counts of its text. `equipoise audit --fit` makes it.

Logistic regression on the figures of pipeline/merit.py, kept as JSON in home/audit. It says itself how well it tells right rows from wrong ones
that it was not fitted on, and `mix` uses it only where that is proved better than chance.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import lineage, meaning, merit
from pipeline.audit import cases, found
from pipeline.errors import BadInput, Permanent
from pipeline.settings import Settings

LEAST = 200  # judged rows: of fewer, thirteen figures say more about chance than about rows
FOLDS = 5
RIDGE = 1.0  # on standardised figures: worth one row that speaks against each
STEPS = 50
TABLES = ("sft", "dpo")
"""Rows with an answer to learn; a vote's row may be right because its answer is bad."""

Row = dict[str, Any]
Array = Any


def path(settings: Settings) -> Path:
    return settings.home / "audit" / "quality.json"


def read(settings: Settings) -> Row | None:
    """The scorer of this home, or None before the first `audit --fit`."""
    place = path(settings)
    try:
        scorer = json.loads(place.read_text(encoding="utf-8")) if place.exists() else None
    except ValueError:
        raise Permanent(f"{place} is no JSON: run `equipoise audit --fit` again, or delete it") from None
    return scorer


def trusted(scorer: Row | None) -> str:
    """Why a scorer may not be used, or nothing. Missing evidence is never a pass."""
    if scorer is None:
        return "there is none yet: `equipoise audit --fit` makes one of 200 verdicts"
    if scorer["version"] != merit.VERSION:
        return "it was fitted on figures that are counted otherwise now: run `equipoise audit --fit` again"
    if scorer["auc"]["low"] <= 0.5:
        return f"it does not tell right rows from wrong ones: AUC {scorer['auc']['value']:.2f}, at worst {scorer['auc']['low']:.2f}"
    return ""


def chance(scorer: Row, figures: Mapping[str, float]) -> float:
    """The chance that a row is right."""
    import math

    total = scorer["bias"]
    for name, weight in scorer["weights"].items():
        total += weight * (figures[name] - scorer["mean"][name]) / scorer["scale"][name]
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def fit(settings: Settings) -> Row:
    """Fit the scorer on every row that people agree about, and keep it."""
    rows, right, talks = judged(settings)
    if len(rows) < LEAST or not 0 < sum(right) < len(right):
        said = f"{len(rows)} rows with an answer to learn are judged, {sum(right)} of them right"
        raise BadInput(f"{said}; a scorer needs {LEAST}, right ones and wrong ones: go on with `equipoise audit`")
    table = meaning.table(settings)
    scorer = fitted([[f[name] for name in merit.NAMES] for f in merit.figures(rows, table)], right, talks)
    scorer |= {"version": merit.VERSION, "embeddings": table.sha if table else None}
    path(settings).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lineage.write_json(path(settings), scorer)
    return scorer


def judged(settings: Settings) -> tuple[list[Row], list[bool], list[str]]:
    """(rows, whether each is right, its conversation) of all pairs that are still here, where people agree."""
    rows: list[Row] = []
    right: list[bool] = []
    for pairs, decided in found.decided(settings).items():
        for case in cases.rows(settings, lineage.folder(settings, pairs)):
            if case.id in decided and case.table in TABLES:
                rows.append(case.row)
                right.append(decided[case.id])
    return rows, right, [str(row["conversation_id"]) for row in rows]


def fitted(values: Sequence[Sequence[float]], right: Sequence[bool], groups: Sequence[str]) -> Row:
    """The scorer, and how it does on rows of conversations that it was not fitted on."""
    import numpy as np

    x, y = np.array(values, np.float64), np.array(right, np.float64)
    names = {g: n for n, g in enumerate(dict.fromkeys(groups))}
    fold = np.array([names[g] % FOLDS for g in groups])
    unseen = np.full(len(y), y.mean())
    for n in range(FOLDS):
        here = fold == n
        if here.any() and 0 < y[~here].mean() < 1:
            unseen[here] = _chances(x[here], *_regression(x[~here], y[~here]))
    mean, scale, weights, bias = _regression(x, y)
    named = {
        what: dict(zip(merit.NAMES, map(float, v), strict=True)) for what, v in (("mean", mean), ("scale", scale), ("weights", weights))
    }
    brier = {"value": float(((unseen - y) ** 2).mean()), "of_the_rate_alone": float(y.mean() * (1 - y.mean()))}
    return named | {"bias": float(bias), "n": len(y), "right": int(y.sum()), "folds": FOLDS, "auc": auc(unseen, y), "brier": brier}


def _regression(x: Array, y: Array) -> tuple[Array, Array, Array, float]:
    """Ridge logistic regression by Newton's method: (mean, scale, weights, bias)."""
    import numpy as np

    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    z = np.hstack([(x - mean) / scale, np.ones((len(x), 1))])
    ridge = np.diag([RIDGE] * x.shape[1] + [0.0])
    w = np.zeros(z.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(z @ w, -30, 30)))
        step = np.linalg.solve((z * (p * (1 - p))[:, None]).T @ z + ridge + 1e-9 * np.eye(len(w)), z.T @ (y - p) - ridge @ w)
        w = w + step
        if np.abs(step).max() < 1e-9:
            break
    return mean, scale, w[:-1], float(w[-1])


def _chances(x: Array, mean: Array, scale: Array, weights: Array, bias: float) -> Array:
    import numpy as np

    return 1 / (1 + np.exp(-np.clip((x - mean) / scale @ weights + bias, -30, 30)))


def auc(scores: Array, y: Array) -> dict[str, float]:
    """How often a right row is scored above a wrong one, with a 95% interval (Hanley and McNeil, Radiology 143:29, 1982)."""
    import numpy as np

    up, down = scores[y == 1], scores[y == 0]
    ordered = np.sort(down)
    below, upto = np.searchsorted(ordered, up, "left"), np.searchsorted(ordered, up, "right")
    value = float((below + upto).sum() / (2 * len(up) * len(down)))
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    variance = value * (1 - value) + (len(up) - 1) * (q1 - value**2) + (len(down) - 1) * (q2 - value**2)
    half = 1.96 * float(np.sqrt(max(0.0, variance) / (len(up) * len(down))))
    return {"value": value, "low": max(0.0, value - half), "high": min(1.0, value + half)}
