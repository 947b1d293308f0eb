"""Promote one report: seal a release, move current.json by rename, write the decision down. In that order, so that a kill leaves no lie."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline import chain, ledger, lineage, service
from pipeline.errors import Permanent, Transient
from pipeline.progress import say
from pipeline.promote import decisions, policy
from pipeline.recipe import Recipe
from pipeline.settings import Settings

VERSION = 1  # raise it when the same report should yield a different release

LOCK = "current"  # `anchor` takes the same one
AUTOMATIC = "the gate"  # who decided, where no person was asked


def run(
    id: str, recipe: Recipe, settings: Settings, by: str | None = None, note: str | None = None, reject: bool = False
) -> dict[str, Any]:
    """Put the reported model in service, or record a no. Running it twice changes nothing; a kill at any moment is mended by running it again."""
    report = lineage.require(settings, id, "report")
    verdict_id = str(report["parents"][0])
    lineage.require(settings, verdict_id, "verdict")
    verdict = json.loads((lineage.folder(settings, verdict_id) / "verdict.json").read_text(encoding="utf-8"))
    by, note = (by or "").strip() or None, (note or "").strip() or None
    release = lineage.name("release", lineage.day_of(id), id, verdict["candidate"], VERSION)
    about = {"report": id, "verdict": verdict["verdict"], "verdict_id": verdict_id, "model": verdict["candidate"]}
    with lineage.lock(settings, LOCK):
        entries = settle(settings)
        if reject:
            return _reject(settings, entries, release, about, by, note)
        if _done(settings, entries, release, by, note):
            return _result(settings, release, about)
        _refuse_reopening(entries, id, release, by)
        policy.allow(id, verdict["verdict"], policy.strictest(recipe.approval, report["recipe"].get("approval")), by)
        _untainted(settings, verdict["candidate"])
        _same_champion(settings, id, verdict)
        _release(settings, recipe, release, about)
        ledger.enter(settings, release)
        move(settings, {"release": release, **about}, "promote", by, note)
    say(f"{release}: {verdict['candidate']} is in service" + (f", approved by {by}" if by else ""))
    return _result(settings, release, about)


def _done(settings: Settings, entries: list[dict], release: str, by: str | None, note: str | None) -> bool:
    in_service = (service.current(settings) or {}).get("release") == release
    return in_service or (lineage.sealed(settings, release) and decisions.repeated(entries, release, by, note))


def _result(settings: Settings, release: str, about: dict[str, Any]) -> dict[str, Any]:
    in_service = (service.current(settings) or {}).get("release") == release
    if not in_service:
        say(f"{release} was promoted before and a later release has taken its place; nothing changed")
    return {"id": release, "action": "promote", "in_service": in_service, "champion": service.champion(settings), **about}


def _reject(
    settings: Settings, entries: list[dict], release: str, about: dict[str, Any], by: str | None, note: str | None
) -> dict[str, Any]:
    if (service.current(settings) or {}).get("release") == release:
        raise Permanent(f'{release} is in service already: take it back with `equipoise rollback --reason "…"`')
    if not decisions.rejected(entries, about["report"]):
        write_down(settings, record("reject", by, note, service.current(settings)) | about | {"release": None})
        say(f"{about['report']}: rejected, {service.champion(settings)} stays in service")
    return {"id": about["report"], "action": "reject", "in_service": False, "champion": service.champion(settings), **about}


def _refuse_reopening(entries: list[dict], report: str, release: str, by: str | None) -> None:
    """A scheduler that runs a day again must not overrule a person's no."""
    no = decisions.undone(entries, release) or decisions.rejected(entries, report)
    if no and not by:
        did = "rolled back" if no["action"] == "rollback" else "rejected"
        raise policy.NeedsPerson(
            f'{report} was {did} by {no["who"]} on {no["when"][:10]} ({no["note"]}): to promote it all the same, equipoise promote {report} --by YOU --note "why"'
        )


def _same_champion(settings: Settings, report: str, verdict: dict[str, Any]) -> None:
    """A verdict holds against one champion and one origin; against others nothing was measured."""
    now = service.champion(settings)
    if now != verdict["champion"]:
        raise Transient(
            f"{report} was judged against {verdict['champion']}, but {now} is in service now: evaluate and gate {verdict['candidate']} again"
        )
    sealed_with = lineage.require(settings, verdict["candidate"], "model").get("origin_sha")
    try:
        origin = service.origin_sha(settings)
    except Permanent:
        return  # no origin on this machine: a host that only serves adapters
    if sealed_with and sealed_with != origin:
        raise Permanent(
            f"{verdict['candidate']} was trained from another origin than {service.origin(settings)}: train the lesson again from this one"
        )


def _untainted(settings: Settings, model: str) -> None:
    """Rows can be taken out of a folder, not out of weights: what has learnt from them goes no further, whoever asks."""
    notes = service.tainted(settings, model)
    if notes:
        own = "" if notes[0]["model"] == model else f" through {notes[0]['model']}, which it continues"
        raise Permanent(
            f"{model} has learnt from {sum(n['rows'] for n in notes)} rows that were erased since{own} ({notes[0]['receipt']}):"
            f" run the day again (equipoise day {lineage.day_of(model)}), its lesson leaves them out"
        )


def _release(settings: Settings, recipe: Recipe, release: str, about: dict[str, Any]) -> None:
    before = service.current(settings) or {}
    parents = [about["report"], about["model"]]
    with lineage.making(settings, release, parents=parents, recipe=recipe.model_dump(mode="json")) as work:
        if work is None:
            return
        model = lineage.manifest(settings, about["model"])
        previous = {"previous": before.get("release"), "previous_model": before.get("model", "origin")}
        facts = {"release": release, **about, **previous, "files": model["files"], "origin_sha": model.get("origin_sha")}
        lineage.write_json(work.folder / "release.json", facts)
        work.extra |= {"model": about["model"], "previous": before.get("release")}


def record(action: str, by: str | None, note: str | None, before: dict[str, Any] | None) -> dict[str, Any]:
    """Who decided what, when, why, and what was in service until then."""
    came = {"release": (before or {}).get("release"), "model": (before or {}).get("model", "origin")}
    return {
        "action": action,
        "who": by or AUTOMATIC,
        "note": note,
        "when": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "from": came,
    }


def move(settings: Settings, to: dict[str, Any], action: str, by: str | None, note: str | None) -> None:
    """Move current.json in one step. The decision travels in it, so that `settle` can write it down should we die before the book is."""
    decided = record(action, by, note, service.current(settings)) | to
    lineage.write_json(settings.home / "current.json", to | {"since": decided["when"], "decided": decided})
    _flush(settings.home)
    write_down(settings, decided)


def settle(settings: Settings) -> list[dict[str, Any]]:
    """Finish what a killed process began: cut a torn line, drop its temporary file, write down the move that the book lacks."""
    path = settings.home / "decisions.jsonl"
    for left in settings.home.glob(".current.json.*.tmp"):
        left.unlink(missing_ok=True)
    book = chain.load(path)
    if len(decisions.whole(book)) < len(book):
        os.truncate(path, len(decisions.whole(book).encode()))
    if decided := unsettled(settings):
        write_down(settings, decided)
    if number := decisions.broken(chain.load(path)):
        say(f"{path} line {number} was changed after it was written: compare it with a copy; nothing stops because of it")
    return decisions.read(chain.load(path))


def unsettled(settings: Settings) -> dict[str, Any] | None:
    """The move that current.json carries and the book lacks: somebody died between the two."""
    decided = (service.current(settings) or {}).get("decided")
    return decided if decided and not decisions.holds(decisions.read(chain.load(settings.home / "decisions.jsonl")), decided) else None


def write_down(settings: Settings, decided: dict[str, Any]) -> None:
    chain.append(settings.home / "decisions.jsonl", decided)


def _flush(folder: Path) -> None:
    """A rename is on disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
