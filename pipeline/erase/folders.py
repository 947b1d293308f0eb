"""Sealed folders without the gone: new files under other names, then renamed, then a manifest that says what was changed and why."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import lineage
from pipeline.erase.journal import Journal
from pipeline.progress import say
from pipeline.settings import Settings

Write = Callable[[Path], object]
DRAFT = ".erasing"


def rewrite(settings: Settings, journal: Journal, id: str, changes: dict[str, tuple[Write, int]], **more: Any) -> None:
    """Replace files of one sealed folder and note it in the manifest. changes: file -> (writer of the new file, parts taken out).

    Run again after a kill it ends in the same folder: the journal knows the sums from before the first change. `more` goes into the manifest.
    """
    folder = lineage.folder(settings, id)
    manifest = lineage.manifest(settings, id)
    if noted(journal, manifest) and not changes and not more:
        return
    was = journal.before(id)
    if was is None:
        if not changes and not more:
            return
        was = {name: manifest["files"].get(name, "") for name in sorted(changes)}
        torn = [name for name, digest in was.items() if lineage.sha256(folder / name) != digest]
        journal.write(sealed=id, files=was, out={name: n for name, (_, n) in changes.items()}, torn=torn)
    for name, (write, _) in changes.items():
        draft = (folder / name).with_name(f".{Path(name).name}{DRAFT}")
        write(draft)
        replace(draft, folder / name)
    _note(folder, manifest, journal, id, was, more)


def noted(journal: Journal, manifest: dict[str, Any]) -> bool:
    return any(note["receipt"] == journal.id for note in manifest.get("erased", []))


def half_done(journal: Journal, manifest: dict[str, Any]) -> bool:
    """Whether a kill fell between the first new file of this folder and its manifest."""
    return journal.before(manifest["id"]) is not None and not noted(journal, manifest)


def _note(folder: Path, manifest: dict[str, Any], journal: Journal, id: str, was: dict[str, str], more: dict[str, Any]) -> None:
    entry = next(e for e in journal.entries if e.get("sealed") == id)
    now = {name: lineage.sha256(folder / name) for name in was}
    files = {name: {"before": was[name], "after": now[name], "out": entry["out"].get(name, 0)} for name in was}
    others = [note for note in manifest.get("erased", []) if note["receipt"] != journal.id]
    note = {"at": journal.about["at"], "receipt": journal.id, "files": files}
    if "snapshot" in more:
        note["snapshot"] = {"before": manifest.get("snapshot"), "after": more["snapshot"]}
    if entry["torn"]:
        say(f"{id}: {', '.join(entry['torn'])} was not what was sealed before the erasure came; it is cleaned and stays refused")
    kept = {name: digest for name, digest in now.items() if name not in entry["torn"]}
    lineage.write_json(folder / "manifest.json", manifest | more | {"files": manifest["files"] | kept, "erased": [*others, note]})


def replace(draft: Path, path: Path) -> None:
    """Put the new file in the old one's place, whole or not at all, with the old one's mode."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.chmod(path.stat().st_mode & 0o7777)
    os.replace(draft, path)


def writer(data: bytes) -> Write:
    return lambda path: path.write_bytes(data)


def jsonl(path: Path, keep: Callable[[dict[str, Any]], dict[str, Any] | None]) -> tuple[bytes, int]:
    """The lines that stay, byte for byte where they stay as they are, and how many go or change."""
    lines, out = [], 0
    for line in path.read_bytes().splitlines(keepends=True):
        row = json.loads(line)
        kept = keep(row)
        if kept is row:
            lines.append(line)
            continue
        out += 1
        if kept is not None:
            lines.append(json.dumps(kept, ensure_ascii=False).encode() + b"\n")
    return b"".join(lines), out
