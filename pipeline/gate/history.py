"""What came before a verdict: attempts at the same data, promotions since the origin was set, and the days it has been tested."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipeline import lineage
from pipeline.settings import Settings

Facts = dict[str, Any]


def earlier_attempts(settings: Settings, given: str, lesson: str | None) -> list[str]:
    """Other candidates of the same day's data that were judged before this one."""
    same = [m for m in lineage.all_of(settings, "verdict") if lesson and m.get("lesson") == lesson and m["scores"]["candidate"] != given]
    return sorted({m["scores"]["candidate"] for m in same if given not in m["attempts"]})


def attempts_before(settings: Settings, model: str, lesson: str | None) -> int:
    """How many other candidates of the same day's data were judged before this model is, or was."""
    judged = [m for m in lineage.all_of(settings, "verdict") if lesson and m.get("lesson") == lesson]
    own = {m["scores"]["candidate"] for m in judged if m["candidate"] == model}
    return len({m["scores"]["candidate"] for m in judged if m["candidate"] != model and not own & set(m["attempts"])})


def released(settings: Settings, given: str) -> str | None:
    """The verdict on which this candidate went into service, if it ever did."""
    judged = {verdict for _, verdict in _promotions(settings)}
    found = [m["id"] for m in lineage.all_of(settings, "verdict") if m["scores"]["candidate"] == given and m["id"] in judged]
    return found[-1] if found else None


def _promotions(settings: Settings) -> list[tuple[Facts, str]]:
    """Every release with the verdict behind it, in the order in which they were sealed."""
    reports = {m["id"]: m["parents"][0] for m in lineage.all_of(settings, "report")}
    found = sorted(lineage.all_of(settings, "release"), key=lambda m: (m["finished"], m["id"]))
    return [(m, reports[parent]) for m in found for parent in m["parents"] if parent in reports]


def anchored(settings: Settings) -> Facts:
    """When, by whom and why the origin was set; empty where it is the model that came first."""
    path = settings.home / "origin.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {k: found[k] for k in ("since", "by", "reason") if k in found}


def of(settings: Settings, origin: str, day: str, window: int | None) -> Facts:
    """The past that a verdict against these origin scores rests on; part of its id.

    promotions: verdict ids that were released since this origin was set, each a charge to its budget (a rollback gives nothing back).
    tested: days before this one on which a candidate was judged against it; counted only where alpha is spent without a window.
    """
    anchor = anchored(settings)
    weights = lineage.manifest(settings, origin).get("weights")
    promoted = [v for m, v in _promotions(settings) if _after(m, anchor) and _same_origin(settings, v, weights)]
    judged = [] if window else [m for m in lineage.all_of(settings, "verdict") if m["day"] < day and _after(m, anchor)]
    days = {m["day"] for m in judged if _same_origin(settings, m["id"], weights)}
    return {"anchor": anchor, "promotions": list(dict.fromkeys(promoted)), "tested": len(days)}


def _after(manifest: Mapping[str, Any], anchor: Facts) -> bool:
    return not anchor or datetime.fromisoformat(manifest["finished"]) >= datetime.fromisoformat(anchor["since"])


def _same_origin(settings: Settings, verdict: str, weights: str | None) -> bool:
    """Whether a verdict was given against the same origin; one whose scores are gone counts, since its loss is not."""
    if not lineage.sealed(settings, verdict):
        return False
    scores = lineage.manifest(settings, verdict)["scores"]["origin"]
    return not lineage.sealed(settings, scores) or lineage.manifest(settings, scores).get("weights") == weights


def origin_tables(settings: Settings, verdicts: list[str]) -> list[Facts]:
    """Tables against the origin on which these verdicts were given."""
    return [json.loads((lineage.folder(settings, v) / "verdict.json").read_text(encoding="utf-8"))["origin"] for v in verdicts]
