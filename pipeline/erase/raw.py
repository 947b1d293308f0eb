"""Raw logs that lie inside home: rewritten without the lines of the gone. A line keeps its number, because an empty one stays in its place."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline import people
from pipeline.erase import folders, packs
from pipeline.erase.gone import Gone
from pipeline.erase.journal import Journal
from pipeline.ingest.read import ARCHIVES
from pipeline.ingest.unpack import damage
from pipeline.settings import Settings

PLACES = ("inbox", "hotfix", "demo")
NAMES = re.compile(r"user|author|owner|conversation|chat|session|thread|trace|^id$", re.IGNORECASE)
"""Keys under which the logs of any tool name people and conversations; a rating of 7 is not user 7."""
NAMED = re.compile(r'"([^"\\]{1,64})"\s*:\s*(?:"((?:[^"\\]|\\.){1,512})|(-?\d+))')
LINE = re.compile(rb"[^\n]*\n|[^\n]+")
LOGS = (".jsonl", ".json", ".ndjson", ".parquet")
PACKED = (".gz", ".zst")


def sweep(settings: Settings, journal: Journal, gone: Gone) -> dict[str, str]:
    """Rewrite what lies in home's own folders; returns sums before and after, also of a run that was killed."""
    who = Person(settings, gone)
    for path in raw(settings):
        data = path.read_bytes()
        sums: list[tuple[str, str, int]] = []
        after = cleaned(path.name, data, who, sums)
        if after is data:
            continue
        for before, now, lines in sums:
            journal.write(source=before, after=now, lines=lines)
        draft = path.with_name(f".{path.name}{folders.DRAFT}")
        draft.write_bytes(after)
        folders.replace(draft, path)
    return {e["source"]: e["after"] for e in journal.of("source")}


def raw(settings: Settings) -> Iterator[Path]:
    """Readable lines, documents and tables, packed or not; drafts of a killed run go."""
    for folder in (settings.home / place for place in PLACES):
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            if path.name.endswith(folders.DRAFT):
                path.unlink()
            elif _is_log(path.name) or path.name.lower().endswith(ARCHIVES):
                yield path


def _is_log(name: str) -> bool:
    name = name.lower()
    return next((name.removesuffix(p) for p in PACKED if name.endswith(p)), name).endswith(LOGS)


def cleaned(name: str, data: bytes, who: "Person", sums: list[tuple[str, str, int]]) -> bytes:
    """A file without them, packed as it was; the very same bytes where it holds nothing of theirs, and where nobody can read it.

    sums: gets sha256 before and after, and what went, of each log that changes, those inside an archive too.
    """

    def member(name: str, inner: bytes) -> bytes:
        return cleaned(name, inner, who, sums) if _is_log(name) else inner

    try:
        if packs.is_zip(data):
            return packs.zipped(data, member)
        unpack, pack = packs.stream(data)
        plain = unpack(data)
        if packs.is_tar(plain):
            stays = packs.tarred(plain, member)
            return data if stays is plain else pack(stays)
    except damage():  # a person will be told that it lies there
        return data
    before = hashlib.sha256(data).hexdigest()
    after, out = table(plain, who, before) if plain.startswith(b"PAR1") else without(plain, who, before)
    if not out:
        return data
    packed = pack(after)
    sums.append((before, hashlib.sha256(packed).hexdigest(), out))
    return packed


class Person:
    """Whether a value in a raw log names somebody or something that is gone."""

    def __init__(self, settings: Settings, gone: Gone):
        self.settings, self.gone = settings, gone
        self.known: dict[str, bool] = {}

    def __call__(self, value: Any) -> bool:
        if not isinstance(value, str | int) or isinstance(value, bool):
            return False
        text = str(value)
        if text not in self.known:
            self.known[text] = self.gone.user(people.user_hash(self.settings, text)) or self.gone.conversation(text)
        return self.known[text]

    def own(self, record: dict[str, Any]) -> bool:
        """Whether a record is about them as a whole: named in it or in an object of it, not in one element of a list."""
        return any((NAMES.search(key) and self(value)) or (isinstance(value, dict) and self.own(value)) for key, value in record.items())

    def late(self, record: dict[str, Any]) -> bool:
        """Whether a line is one event of theirs, or one that waited for too long."""
        return (str(record.get("conversation_id")), str(record.get("event_id"))) in self.gone.events

    def refused(self, sha: str, line: int) -> bool:
        return (sha, line) in self.gone.refused


def table(data: bytes, who: Person, sha: str) -> tuple[bytes, int]:
    """A Parquet file without them, and how many rows went or lost a part; one that cannot be read stays as it is."""
    import pyarrow as pa

    def less(number: int, row: dict[str, Any]) -> tuple[dict[str, Any] | None, int]:
        if who.refused(sha, number) or who.own(row) or who.late(row):
            return None, 1
        stays, out = _less(row, who)
        stays, texts = packs.texts(stays, lambda value: (None, 1) if isinstance(value, dict) and who.own(value) else _less(value, who))
        return stays, int(bool(out + texts))

    try:
        return packs.table(data, less)
    except (pa.ArrowException, OSError):
        return data, 0


def without(data: bytes, who: Person, sha: str) -> tuple[bytes, int]:
    """The file without them, byte for byte elsewhere, and how many records went or lost a part."""
    document = _document(data)
    if document is not None:
        stays, out = _less(document, who)
        return (json.dumps(stays, ensure_ascii=False).encode() if out else data), out
    lines, gone = [], 0
    for number, line in enumerate(LINE.findall(data), 1):
        kept = _line(line, who, who.refused(sha, number))
        gone += kept is not line
        lines.append(kept)
    return b"".join(lines), gone


def _document(data: bytes) -> Any:
    """A whole file that is one list or one object over several lines; a file of lines is none."""
    start = data.lstrip()[:1]
    lines = data.strip().count(b"\n")
    return _parsed(data) if start == b"[" or (start == b"{" and lines) else None


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _line(line: bytes, who: Person, refused: bool) -> bytes:
    ending = b"\n" if line.endswith(b"\n") else b""
    record = None if refused else _parsed(line)
    if refused or (not isinstance(record, dict) and _torn(line, who)):
        return ending if line.strip() else line
    if not isinstance(record, dict):
        return line
    if who.own(record) or who.late(record):
        return ending
    stays, out = _less(record, who)
    return json.dumps(stays, ensure_ascii=False).encode() + ending if out else line


def _torn(line: bytes, who: Person) -> bool:
    """A line that is no JSON still says whose it is, as far as it goes."""
    return any(NAMES.search(key) and who(text or number) for key, text, number in NAMED.findall(line.decode("utf-8", "replace")))


def _less(value: Any, who: Person) -> tuple[Any, int]:
    """The value without the elements of lists that are about them, and how many those were."""
    if isinstance(value, dict):
        parts = {k: _less(v, who) for k, v in value.items()}
        return {k: v for k, (v, _) in parts.items()}, sum(n for _, n in parts.values())
    if isinstance(value, list):
        stay = [v for v in value if not (isinstance(v, dict) and who.own(v))]
        inner = [_less(v, who) for v in stay]
        return [v for v, _ in inner], len(value) - len(stay) + sum(n for _, n in inner)
    return value, 0
