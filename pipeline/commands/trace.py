"""Follow lineage both ways: from a conversation to the models it taught, and from any artefact down to log lines."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline import lake, lineage, people, service
from pipeline.errors import BadInput
from pipeline.promote import decisions
from pipeline.settings import Settings

Row = dict[str, Any]
SHAPES = ("sft", "dpo", "kto", "heldout", "dropped")
ROW_COLUMNS = ("example_id", "task", "source", "message_ids", "day", "weight", "evidence", "reason", "kind", "phase", "pass", "part")
IDS_ONLY = ("example_id", "table", "pairs", "mix", "message_id")


def command(args: argparse.Namespace, settings: Settings) -> Row:
    found = run(settings, args.id)
    return found | {"text": json.dumps(found, ensure_ascii=False, indent=1, default=str)}


def run(settings: Settings, id: str) -> Row:
    """An artefact's id walks its lineage; anything else is looked up as a conversation id. Both only read."""
    return artefact(settings, id) if lineage.SHAPE.match(id) else conversation(settings, id)


def artefact(settings: Settings, id: str) -> Row:
    """Parents and children of a sealed id, by kind, and the log lines that its rows came from."""
    manifest = lineage.manifest(settings, id)
    above = lineage.ancestors(settings, id)
    facts = {k: manifest.get(k) for k in ("id", "kind", "day", "parents", "started", "finished", "git")}
    walk: Row = {"ancestors": _by_kind(above), "descendants": _by_kind(lineage.descendants(settings, id))}
    walk |= {"erased": manifest.get("erased", []), "tainted": service.tainted(settings, id) if lineage.kind_of(id) == "model" else []}
    return facts | walk | {"served": _served(settings, id), "lines": _lines(settings, _taught(settings, [id, *above]))}


def _by_kind(ids: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for id in ids:
        found.setdefault(lineage.kind_of(id), []).append(id)
    return found


def _served(settings: Settings, id: str) -> list[Row]:
    """Decisions that name this id, oldest first."""
    path = settings.home / "decisions.jsonl"
    book = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
    return [e for e in decisions.read(book) if id in e.values() or id in (e.get("from") or {}).values()]


def _taught(settings: Settings, ids: list[str]) -> list[str]:
    """Conversations behind an artefact: of its nearest mix, where the candidate has one, else of its own pairs."""
    nearest = next((i for kind in ("mix", "pairs") for i in ids if lineage.kind_of(i) == kind), None)
    return sorted({r["conversation_id"] for _, r in _rows(settings, nearest, None) if r["conversation_id"]}) if nearest else []


def _lines(settings: Settings, conversations: list[str]) -> list[Row]:
    """File and physical line of the log that holds each conversation."""
    if not conversations or not lake.exists(settings):
        return []
    with lake.connect(settings) as con:
        names = {f["sha256"]: f["name"] for b in lake.query(con, "promote/files") for f in json.loads(b["files"] or "[]") if "sha256" in f}
        found = lake.query(con, "promote/lines", conversations=conversations)
    return [row | {"file": names.get(row["file_sha"])} for row in found]


def conversation(settings: Settings, id: str) -> Row:
    """One conversation, what it said, and everything it went into. Of a tombstone only ids are left, of an erased one nothing."""
    if receipt := _erased(settings, id):
        return {"conversation": {"conversation_id": id, "erased": True, "receipt": receipt, "messages": []}}
    said, messages, feedback = _said(settings, id)
    signals = [s | {"pairs": p} for p, s in _signals(settings, id)]
    rows = [{"table": t, "pairs": p, **r} for p in _ids(settings, "pairs") for t, r in _rows(settings, p, id)]
    if said is None and not rows and not signals:
        raise BadInput(f"{id!r} is no conversation of this lake and no artefact's id; ids are those of the log, case counts")
    mixes = [m for m in _ids(settings, "mix") if any(True for _ in _rows(settings, m, id))]
    models = _made_from(settings, "model", mixes)
    releases = [m["id"] for m in lineage.all_of(settings, "release") if m.get("model") in models]
    tombstone = said is not None and said["consent"] is False
    if tombstone or said is None:
        rows = [{k: v for k, v in r.items() if k in IDS_ONLY} for r in rows]
        signals = [{k: v for k, v in s.items() if k in IDS_ONLY} for s in signals]
        head: Row = {"conversation_id": id, "consent": False if tombstone else None, "messages": []}
        return {"conversation": head, "signals": signals, "rows": rows, "mixes": mixes, "models": models, "releases": releases}
    head = {**(said or {}), "messages": messages, "feedback": feedback}
    return {"conversation": head, "signals": signals, "rows": rows, "mixes": mixes, "models": models, "releases": releases}


def _erased(settings: Settings, id: str) -> str | None:
    """The receipt under which a conversation was erased whole."""
    if not lake.exists(settings):
        return None
    mark = people.mark(settings, people.CONVERSATION, id)
    with lake.connect(settings) as con:
        rows = lake.query(con, "erase/marks")
    return next((row["receipt"] for row in rows if (row["what"], row["mark"]) == (people.CONVERSATION, mark)), None)


def _said(settings: Settings, id: str) -> tuple[Row | None, list[Row], list[Row]]:
    if not lake.exists(settings):
        return None, [], []
    with lake.connect(settings) as con:
        found = lake.query(con, "promote/conversation", conversation=id)
        messages = lake.query(con, "promote/messages", conversation=id)
        feedback = lake.query(con, "promote/feedback", conversation=id)
    return (found[0] if found else None), messages, feedback


def _made_from(settings: Settings, kind: str, ids: list[str]) -> list[str]:
    """Models trained on these mixes, or that continue such a model (a hotfix). Scores are evidence and pass nothing on."""
    seen, grew = set(ids), True
    while grew:
        new = {m["id"] for m in lineage.all_of(settings, kind) if m["id"] not in seen and set(m["parents"]) & seen}
        grew, seen = bool(new), seen | new
    return sorted(seen - set(ids))


def _ids(settings: Settings, kind: str) -> list[str]:
    return [m["id"] for m in lineage.all_of(settings, kind)]


def _signals(settings: Settings, conversation: str) -> Iterator[tuple[str, Row]]:
    for id in _ids(settings, "pairs"):
        path = lineage.folder(settings, id) / "signals.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
            signal = json.loads(line)
            if signal.get("conversation_id") == conversation:
                yield id, signal


def _rows(settings: Settings, id: str, conversation: str | None) -> Iterator[tuple[str, Row]]:
    """Rows of a pairs or mix folder, of one conversation or of all; texts are left in the folder, ids and evidence come along."""
    for shape in SHAPES:
        path = lineage.folder(settings, id) / f"{shape}.parquet"
        if path.is_file():
            yield from ((shape, row) for row in _table(path, conversation))


def _table(path: Path, conversation: str | None) -> list[Row]:
    import pyarrow.parquet as pq

    names = pq.ParquetFile(path).schema_arrow.names
    if "conversation_id" not in names:
        return []
    columns = [c for c in ("conversation_id", *ROW_COLUMNS) if c in names]
    wanted = [("conversation_id", "==", conversation)] if conversation is not None else None
    return pq.read_table(path, columns=columns, filters=wanted).to_pylist()
