"""The receipt of an erasure: what was taken from where, which models had learnt from it, and what a person has to do. It names nobody."""

from datetime import UTC, datetime
from typing import Any

from pipeline import lake, lineage, people, service
from pipeline.erase import journal
from pipeline.erase.journal import Journal, Marks
from pipeline.settings import Settings

SERVED = "copies of these models that are served or stored outside this home still know the rows: replace them"
SOURCES = "raw logs outside this home are yours: delete the lines there, what comes of them again is refused"
AIRFLOW = "Airflow is handed ids and figures only; a check that failed may have quoted a row in its task log: `airflow db clean` and log retention"


def of(settings: Settings, work: Journal, tainted: dict[str, str]) -> dict[str, Any]:
    """Put together from the journal and the notes in the manifests, so that a killed erasure leaves the receipt of an undisturbed one."""
    about = work.about
    folders = {m["id"]: note for kind in _kinds() for m in lineage.all_of(settings, kind) for note in _notes(m, work.id)}
    rewritten = {id: note["files"] for id, note in folders.items() if note["files"]}
    sources = {e["source"]: {"before": e["source"], "after": e["after"], "lines": e["lines"]} for e in work.of("source")}
    outside = [{"sha256": sha, "name": name} for sha, name in about["sources"].items() if sha not in sources]
    champion = service.champion(settings)
    todo = [AIRFLOW, *([SOURCES] if outside else []), *([SERVED] if tainted else [])]
    return {
        "id": work.id,
        "what": about["what"],
        "reason": about["reason"],
        "by": about["by"],
        "at": about["at"],
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "asked": about["asked"],
        "erased": about["found"]
        | {
            "rows": sum(f["out"] for id, files in rewritten.items() for n, f in files.items() if n.endswith((".parquet", ".jsonl"))),
            "raw_lines": sum(s["lines"] for s in sources.values()),
            "remembered_answers": sum(e["cache"] for e in work.of("cache")),
        },
        "folders": rewritten,
        "raw": list(sources.values()),
        "models": tainted,
        "champion_tainted": bool(service.tainted(settings, champion)),
        "by_hand": sorted({place for e in work.of("by_hand") for place in e["by_hand"]}),
        "sources_outside": outside,
        "to_do": todo,
    }


def _kinds() -> tuple[str, ...]:
    return ("logs", "pairs", "mix", "model", "scores", "verdict", "report", "release")


def _notes(manifest: dict[str, Any], receipt: str) -> list[dict[str, Any]]:
    return [note for note in manifest.get("erased", []) if note["receipt"] == receipt]


def sentence(facts: dict[str, Any]) -> str:
    """The receipt for a person at a terminal."""
    e = facts["erased"]
    counts = f"{e['conversations']} conversations, {e['messages']} messages, {e['feedback']} events, {e['quarantined']} refused lines"
    models = f"; {len(facts['models'])} models had learnt from them: {', '.join(facts['models'])}" if facts["models"] else ""
    hand = f"; look at {', '.join(facts['by_hand'])}" if facts["by_hand"] else ""
    return f"{facts['id']}: erased {counts}, {e['rows']} rows of {len(facts['folders'])} sealed folders{models}{hand}"


def that_covers(settings: Settings, marks: Marks) -> dict[str, Any] | None:
    """The newest receipt under which these users were forgotten."""
    with lake.connect(settings) as con:
        ids = {r["receipt"] for r in lake.query(con, "erase/marks") if (r["what"], r["mark"]) in marks and r["what"] == people.USER}
    found = [r for r in journal.receipts(settings) if r["id"] in ids]
    return found[-1] if found else None
