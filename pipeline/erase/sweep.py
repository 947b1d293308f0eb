"""Sweep the sealed folders, from what was derived last back to what was mined first: the words to look for stand in the later ones' sources."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from pipeline import STAGES, lineage
from pipeline.erase import folders, pages, tables
from pipeline.erase.folders import Write
from pipeline.erase.gone import Gone
from pipeline.erase.journal import Journal
from pipeline.settings import Settings

ORDER = ("report", "release", "verdict", "model", "scores", "mix", "pairs", "logs")
READABLE = {".json", ".jsonl", ".yaml", ".log", ".txt", ".md", ".html"}
Changes = dict[str, tuple[Write, int]]


def sealed(settings: Settings, journal: Journal, gone: Gone, renamed: dict[str, str]) -> None:
    """Every sealed folder. renamed: sha256 of a raw log before and after it was rewritten."""
    caches(settings, journal, gone)
    assert set(ORDER) == set(STAGES.values())
    for kind in ORDER:
        halves(settings, kind)
        for manifest in lineage.all_of(settings, kind):
            folder = lineage.folder(settings, manifest["id"])
            for draft in folder.rglob(f"*{folders.DRAFT}"):
                draft.unlink()
            if kind == "logs":
                _logs(settings, journal, gone, manifest, renamed)
            else:
                half_done = folders.half_done(journal, manifest)
                changes = _report(folder, gone, half_done) if kind == "report" else _files(folder, gone)
                folders.rewrite(settings, journal, manifest["id"], changes)


def halves(settings: Settings, kind: str) -> None:
    """What a killed stage left unsealed: the stage would wipe it itself when it runs again."""
    for folder in (settings.home / kind).glob(f"{kind}-*"):
        if folder.is_dir() and not (folder / "manifest.json").exists():
            shutil.rmtree(folder)
        for draft in folder.glob(".*.tmp") if folder.exists() else ():
            draft.unlink()


def caches(settings: Settings, journal: Journal, gone: Gone) -> None:
    """Remembered answers to held-out prompts: kept by task, and asked again when they are needed. Keys of mined rows: made again by `mine`."""
    shutil.rmtree(settings.home / "cache" / "similar", ignore_errors=True)
    items = settings.home / "cache" / "items"
    noted = {entry["folder"] for entry in journal.of("cache")}  # by a run that was killed before the folder was gone
    for folder in sorted(items.glob("*/heldout_*")):
        if folder.name.removeprefix("heldout_") in gone.tasks:
            if (name := str(folder.relative_to(items))) not in noted:
                journal.write(cache=len(list(folder.glob("*.json"))), folder=name)
            shutil.rmtree(folder)
    _judged(settings, journal, gone, noted)
    for draft in (settings.home / "cache").rglob(".*.tmp"):
        draft.unlink()


def _judged(settings: Settings, journal: Journal, gone: Gone, noted: set[str]) -> None:
    """What a judge said of somebody's words: it quotes them, and mends the answer that they drew."""
    for path in sorted((settings.home / "cache" / "judge").glob("*/*.json")):
        try:
            goes = gone.row(json.loads(path.read_text(encoding="utf-8")))
        except ValueError:  # half a file of a disk that lost bytes holds somebody's words too
            goes = True
        if goes:
            if (name := f"judge/{path.name}") not in noted:
                journal.write(cache=1, folder=name)
            path.unlink()


def _report(folder: Path, gone: Gone, half_done: bool) -> Changes:
    found = pages.report(folder / "report.json", gone, half_done) if (folder / "report.json").exists() else None
    if found is None:
        return _files(folder, gone)  # a page alone may still hold words
    facts, html, out = found
    return {"report.json": (folders.writer(facts), out), "index.html": (folders.writer(html), out)}


def _files(folder: Path, gone: Gone) -> Changes:
    """Tables by their rows, other readable files by their words; weights hold no text."""
    changes: Changes = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json" and "adapter" not in p.parts):
        name = str(path.relative_to(folder))
        if path.suffix == ".parquet":
            sifted = tables.sift(path, gone)
            if sifted:
                changes[name] = (partial(tables.write, sifted), len(sifted.gone))
        elif name == "signals.jsonl":
            data, out = folders.jsonl(path, lambda row: None if gone.row(row) else row)
            if out:
                changes[name] = (folders.writer(data), out)
        elif path.suffix in READABLE and (found := pages.plain(path, gone)):
            changes[name] = (folders.writer(found[0]), found[1])
    return changes


def _logs(settings: Settings, journal: Journal, gone: Gone, manifest: dict[str, Any], renamed: dict[str, str]) -> None:
    """The account of refused lines keeps its lines and loses their ids; raw logs that were rewritten are known by their new sums."""
    path = lineage.folder(settings, manifest["id"]) / "quarantine.jsonl"

    def keep(row: dict[str, Any]) -> dict[str, Any]:
        goes = (row["file_sha"], row["line"]) in gone.refused or row["event_id"] in gone.event_ids
        fewer = {"event_id": None} if goes and row["event_id"] else {}
        moved = {"file_sha": renamed[row["file_sha"]]} if row["file_sha"] in renamed else {}
        return row | fewer | moved if fewer or moved else row

    data, out = folders.jsonl(path, keep) if path.exists() else (b"", 0)
    sources = [s | {"sha256": renamed.get(s["sha256"], s["sha256"])} for s in manifest.get("sources", [])]
    more = {"sources": sources} if sources != manifest.get("sources", []) else {}
    folders.rewrite(settings, journal, manifest["id"], {"quarantine.jsonl": (folders.writer(data), out)} if out else {}, **more)


def reseal(settings: Settings, journal: Journal, manifest: dict[str, Any], snapshot: int) -> None:
    """The version that a batch of logs was sealed with has expired: it names the one that is left, which holds all that stayed."""
    folders.rewrite(settings, journal, manifest["id"], {}, snapshot=snapshot)


def trained_on(settings: Settings, receipt: str) -> dict[str, int]:
    """Mixes that lost rows to train on in this erasure, with how many: every model made from one has learnt from them."""
    found = {}
    for manifest in lineage.all_of(settings, "mix"):
        for note in manifest.get("erased", []):
            rows = sum(f["out"] for name, f in note["files"].items() if Path(name).stem in ("sft", "dpo", "kto"))
            if note["receipt"] == receipt and rows:
                found[manifest["id"]] = rows
    return found
