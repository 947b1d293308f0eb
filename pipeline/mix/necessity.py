"""What a lesson needs: rows by what the model in service knew of them when they were measured (`equipoise evaluate --rows PAIRS`).

A row that it would answer by itself teaches little; one whose question does not help at all is oftener wrong than hard; and one whose fact the
origin does not know, however it is asked, would teach it to invent.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline import lineage
from pipeline.mix.select import evidence
from pipeline.settings import Settings
from pipeline.sieve import KNOWN

EASY_NATS, HARD_NATS = -math.log(0.9), -math.log(0.5)
"""Mean loss a token: the right token has nine chances in ten, or not even one in two."""
ASTRAY_IFD = 1.0
"""The question makes the answer no likelier: it may belong to another one."""

LACKING = "knowledge_lacking"

Row = dict[str, Any]


def sealed(settings: Settings, pairs: Iterable[str]) -> list[str]:
    """The newest measurement of each pairs folder that has one."""
    wanted = set(pairs)
    found = [m for m in lineage.all_of(settings, "scores") if m.get("rows") in wanted]
    newest = {m["rows"]: m["id"] for m in sorted(found, key=lambda m: (m["finished"], m["id"]))}
    return sorted(newest.values())


def measured(settings: Settings, scores: Iterable[str]) -> dict[str, Row]:
    """Figures of the model in service by example id, and beside them whether the origin knows the row's fact."""
    import pyarrow.parquet as pq

    found: dict[str, Row] = {}
    for id in scores:
        lineage.require(settings, id, "scores")
        rows = pq.read_table(lineage.folder(settings, id) / "rows.parquet").to_pylist()
        knows = {r["example_id"]: r.get("knows") for r in rows if r["who"] == "origin"}
        own = [r | {"knows": knows.get(r["example_id"])} for r in rows if r["who"] == "champion"]
        found |= {r["example_id"]: r for r in own if r["loss"] is not None or r["knows"] is not None}
    return found


def judged(row: Row, known: Mapping[str, Row]) -> Row:
    """The row with its difficulty (easy, boundary, hard) and its place among rows of a day (`hardness`), where it was measured; and flagged
    `knowledge_lacking` where it states a fact that the origin lacks."""
    figures = known.get(row["example_id"])
    if figures is None:
        return row
    if lacking(figures):
        proof = evidence(row)
        flags = [*proof.get("flags", []), LACKING]
        row = row | {LACKING: True, "evidence": json.dumps(proof | {"flags": flags}, ensure_ascii=False, sort_keys=True)}
    return row if figures["loss"] is None else row | {"difficulty": difficulty(figures), "hardness": hardness(figures)}


def lacking(figures: Row) -> bool:
    """Whether the origin, asked in several ways, could not tell the row's fact from others. A row that states none lacks nothing."""
    return figures.get("knows") is not None and figures["knows"] < KNOWN


def difficulty(figures: Row) -> str:
    if figures["loss"] <= EASY_NATS:
        return "easy"
    return "hard" if figures["loss"] > HARD_NATS else "boundary"


def hardness(figures: Row) -> float:
    """Nats a token, at most 3; below 0 for a row that went astray. A pair counts as hard as the model prefers the rejected answer."""
    if (figures["ifd"] or 0) >= ASTRAY_IFD:
        return -1.0
    lead = figures["loss"] - figures["rejected"] if figures["rejected"] is not None else 0.0
    return max(0.0, min(3.0, figures["loss"] + max(0.0, lead)))
