"""What is in service, since when and why, what waits for a person, and how much the lake holds."""

import argparse
from typing import Any

from pipeline import chain, lake, ledger, lineage, service
from pipeline.erase import journal
from pipeline.promote import decisions, policy
from pipeline.settings import Settings

EMPTY = {"conversations": 0, "tombstones": 0, "messages": 0, "feedback": 0, "quarantined": 0}


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    found = run(settings)
    return found | {"text": text(found)}


def run(settings: Settings) -> dict[str, Any]:
    """The facts, read only. `model` is `origin` and `release` null until something was promoted, and after a rollback to the origin."""
    current = service.current(settings) or {}
    book = chain.load(settings.home / "decisions.jsonl")
    entries = decisions.read(book)
    decided = current.get("decided") or {}
    return {
        "release": current.get("release"),
        "model": current.get("model", "origin"),
        "since": current.get("since"),
        "verdict": current.get("verdict_id"),
        "decision": current.get("verdict"),
        "by": decided.get("who"),
        "report": current.get("report"),
        "served_at": settings.lm_url,
        "lake": totals(settings),
        "decisions": {"lines": len(entries), "changed_at_line": decisions.broken(book), "last": entries[-1] if entries else None},
        "ledger": {"lines": len(ledger.lines(settings)), "changed_at_line": chain.broken(chain.load(ledger.path(settings)))},
        "waiting": waiting(settings, entries),
        "erasures": erasures(settings, current.get("model", "origin")),
    }


def erasures(settings: Settings, model: str) -> dict[str, Any]:
    """What was erased last, what was begun and not finished, and whether the model in service has learnt from rows that are gone."""
    receipts = journal.receipts(settings)
    return {
        "receipts": len(receipts),
        "last": receipts[-1]["id"] if receipts else None,
        "open": [j.id for j in journal.open_ones(settings)],
        "tainted": service.tainted(settings, model),
    }


def totals(settings: Settings) -> dict[str, int]:
    """Rows in the lake; a home that has none yet is not given one."""
    if not lake.exists(settings):
        return dict(EMPTY)
    with lake.connect(settings) as con:
        return lake.query(con, "promote/totals")[0]


def waiting(settings: Settings, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reports that a person may still decide: judged against the champion of now, not blocked, and nobody has said a word."""
    champion = service.champion(settings)
    decided = {e.get("report") for e in entries}
    asked = []
    for m in lineage.all_of(settings, "report"):
        todo = policy.step(m.get("verdict", "block"), policy.strictest(m["recipe"].get("approval")))
        if m.get("champion") == champion and m["id"] not in decided and todo in ("ask", "keep"):
            asked.append({"report": m["id"], "verdict": m["verdict"], "candidate": m.get("candidate"), "day": m["day"]})
    return asked


def text(found: dict[str, Any]) -> str:
    """The same for a person at a terminal."""
    counts = found["lake"]
    service_line = f"in service   {found['model']}" + (
        f"  ({found['release']}, since {found['since'][:16]}, {found['decision']}, by {found['by']})" if found["release"] else ""
    )
    lines = [service_line]
    if found["report"] and found["release"]:
        lines.append(f"report       {found['report']}")
    lines.append(
        f"lake         {counts['conversations']} conversations, {counts['messages']} messages, {counts['feedback']} events, {counts['quarantined']} quarantined"
    )
    lines.append(f"decisions    {found['decisions']['lines']}")
    if found["decisions"]["changed_at_line"]:
        lines.append(f"             line {found['decisions']['changed_at_line']} of decisions.jsonl was changed after it was written")
    if found["ledger"]["changed_at_line"]:
        lines.append(f"ledger       line {found['ledger']['changed_at_line']} does not follow from the one before: equipoise verify --all")
    erased = found["erasures"]
    if erased["tainted"]:
        rows = sum(note["rows"] for note in erased["tainted"])
        lines.append(
            f"tainted      {found['model']} has learnt from {rows} rows that were erased since; the next daily lesson leaves them out"
        )
    lines += [f"erasure      {id} was begun and not finished: equipoise forget --finish" for id in erased["open"]]
    if erased["receipts"]:
        lines.append(f"erasures     {erased['receipts']}, the last {erased['last']}")
    lines += [
        f'waiting      {w["report"]} ({w["verdict"]}): equipoise promote {w["report"]} --by YOU --note "why"' for w in found["waiting"]
    ]
    return "\n".join(lines)
