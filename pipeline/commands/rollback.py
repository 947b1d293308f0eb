"""Put an earlier release, or the origin, back in service: one rename, and a line in the book."""

import argparse
import json
from typing import Any

from pipeline import lineage, service
from pipeline.errors import BadInput, Permanent
from pipeline.progress import say
from pipeline.promote.run import LOCK, move, settle, unsettled
from pipeline.settings import Settings


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    return run(settings, to=args.to, reason=args.reason, by=args.by)


def run(settings: Settings, to: str | None = None, reason: str = "", by: str | None = None) -> dict[str, Any]:
    """Move current.json to `to` (a release id or `origin`), or to the release before the one in service.

    The release left behind stays on disk and is not promoted again without a person's word.
    """
    if not reason.strip():
        raise BadInput("--reason is empty: say what went wrong, whoever promotes next will ask")
    reason = reason.strip()
    with lineage.lock(settings, LOCK):
        died = unsettled(settings)
        settle(settings)
        if died and died["action"] == "rollback" and died["note"] == reason and to in (None, died["release"] or "origin"):
            return _result(settings, "a killed rollback was finished")
        before = service.current(settings) or {}
        target = _facts(settings, to or _previous(settings, before))
        if (before.get("release"), service.champion(settings)) == (target["release"], target["model"]):
            return _result(settings, "nothing changed")
        move(settings, target, "rollback", by, reason)
    return _result(settings, f"before: {before.get('model', 'origin')}")


def _previous(settings: Settings, before: dict[str, Any]) -> str:
    """What the release in service took the place of."""
    if not before.get("release"):
        raise Permanent("the origin is in service, there is nothing before it; name a release with --to (`ls $EQUIPOISE_HOME/release`)")
    return lineage.manifest(settings, before["release"]).get("previous") or "origin"


def _facts(settings: Settings, target: str) -> dict[str, Any]:
    """What current.json says of a release, after its files and its model's have been checked: a damaged model is not served."""
    if target == "origin":
        return {"release": None, "model": "origin", "report": None, "verdict": None, "verdict_id": None}
    lineage.require(settings, target, "release")
    sealed = json.loads((lineage.folder(settings, target) / "release.json").read_text(encoding="utf-8"))
    lineage.require(settings, sealed["model"], "model")
    return {k: sealed[k] for k in ("release", "model", "report", "verdict", "verdict_id")}


def _result(settings: Settings, note: str) -> dict[str, Any]:
    now = service.current(settings) or {}
    model = service.champion(settings)
    say(f"in service: {model} ({note})")
    return {"id": now.get("release") or "origin", "release": now.get("release"), "model": model, "since": now.get("since")}
