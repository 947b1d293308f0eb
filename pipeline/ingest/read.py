"""Paths to lines: which files are logs, which day they belong to, and their physical lines one by one."""

import contextlib
import glob
import gzip
import io
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import lineage
from pipeline.errors import BadInput
from pipeline.ingest import documents, strict, zst
from pipeline.ingest.quarantine import Refused

LONGEST = 16 * 1024 * 1024  # bytes of a line
KEPT = 64 * 1024  # bytes that are looked at of a longer one
SUFFIXES = (*(f".{kind}{packed}" for kind in ("jsonl", "ndjson", "json") for packed in ("", ".gz", ".zst")), ".parquet")
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.zst", ".tar.bz2", ".tar.xz")
YEARS = range(2000, 2200)  # of a batch's day; another number in a file's name is no day
DAY = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")
DENIED = re.compile(rb'"consent"\s*:\s*(?!\s*true)')
JSON_COLUMNS = ("messages", "feedback", "metadata")  # a Parquet file may hold them as JSON text


@dataclass(frozen=True)
class File:
    """One log file: where it is, what is in it, and its day."""

    path: Path
    sha: str
    day: date
    dated: bool
    """False where neither the caller nor the file's name gave a day, and the clock did."""

    @property
    def name(self) -> str:
        """The file's name, as text that any table can hold."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")


class Line(NamedTuple):
    """One physical line, counted from 1, or one element of an array. body: bytes, or a dict from Parquet; problem: why it cannot even be looked at."""

    number: int
    body: bytes | dict[str, Any]
    problem: str | None = None
    cut: bool = False
    """The body is only the line's beginning."""


def files(paths: Iterable[str | Path], day: date | None) -> list[File]:
    """The log files behind paths, folders and globs, each once, in the order of their paths."""
    if day and day.year not in YEARS:
        raise BadInput(f"--day {day}: a day of {YEARS[0]} to {YEARS[-1]} is expected")
    found: dict[Path, Path] = {}
    for path in map(str, paths):
        for one in expanded(path):
            found.setdefault(one.resolve(), one)
    if not found:
        raise BadInput("no log file was named: give files, folders or globs")
    return [_file(path, day) for path in sorted(found.values())]


def expanded(path: str) -> list[Path]:
    """The files that a path, folder or glob names; raises BadInput where there are none."""
    if "://" in path:
        raise BadInput(f"{path}: this version reads local paths only; fetch it first and name the local file")
    place = Path(path).expanduser()
    if place.is_dir():
        inside = [Path(folder, name) for folder, _, names in os.walk(place) for name in names]
        logs = [p for p in inside if p.name.lower().endswith((*SUFFIXES, *ARCHIVES)) and not p.name.startswith((".", "_"))]
        if not logs:
            raise BadInput(f"{path}: no log in this folder; looked for *{', *'.join((*SUFFIXES, *ARCHIVES))}")
        return logs
    if place.exists():
        return [place]
    matched = [Path(p) for p in glob.glob(str(place), recursive=True) if Path(p).is_file()]
    if not matched:
        raise BadInput(f"{path}: no such file, folder or match of a glob; check the path")
    return matched


def _file(path: Path, day: date | None) -> File:
    named = _named_day(path.name)
    try:
        sha = lineage.sha256(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); check its rights") from None
    return File(path, sha, day or named or datetime.now(UTC).date(), bool(day or named))


def day(words: str) -> date:
    """A day as people write it on the command line."""
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise BadInput(f"--day {words}: no day; write it like 2026-11-20") from None


def _named_day(name: str) -> date | None:
    for words in DAY.findall(name):
        with contextlib.suppress(ValueError):
            day = date.fromisoformat(words)
            if day.year in YEARS:
                return day
    return None


def lines(path: Path) -> Iterator[Line]:
    """The lines of a file, plain or packed, told apart by their first bytes and not by the name. Blank lines are left out.

    A file that is one JSON array gives its elements instead, one that is a pretty-printed object gives itself.
    """
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            yield from _rows(path)
            return
    number = 0
    try:
        with _unpacked(path) as stream:
            head = stream.peek(1 << 20)
            if documents.may_be_object(head):
                with _unpacked(path) as again:
                    whole = documents.whole(again)
                if whole is not None:
                    yield Line(1, whole)
                    return
            if documents.is_array(head):
                for body, problem in documents.Elements(LONGEST).of(stream):
                    number += 1
                    yield Line(number, body[:KEPT] if problem else body, problem, cut=bool(problem))
                return
            for line in _texts(stream):
                number = line.number
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile, zst.error()):
        yield Line(number + 1, b"", "packed file is cut or damaged")


@contextlib.contextmanager
def _unpacked(path: Path) -> Iterator[io.BufferedReader]:
    with path.open("rb", buffering=1 << 20) as file:
        magic = file.read(4)
        file.seek(0)
        if magic[:2] == b"\x1f\x8b":
            with gzip.open(file) as unpacked:
                yield io.BufferedReader(unpacked, 1 << 20)  # type: ignore[type-var]
        elif magic == b"\x28\xb5\x2f\xfd":
            import zstandard

            with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
                yield io.BufferedReader(stream, 1 << 20)
            with path.open("rb") as again:
                if not zst.is_whole(again):
                    raise EOFError("cut between two blocks")
        else:
            yield file  # type: ignore[misc]


def _texts(file: io.BufferedReader) -> Iterator[Line]:
    number = 0
    while raw := file.readline(LONGEST + 2):
        number += 1
        if number == 1 and raw.startswith(b"\xef\xbb\xbf"):
            raw = raw[3:]
        body = raw.rstrip(b"\r\n")
        if len(body) > LONGEST or not (raw.endswith(b"\n") or len(raw) < LONGEST):
            denied = _denies(file, raw)
            yield Line(number, b"" if denied else body[:KEPT], f"line over {LONGEST >> 20} MiB", cut=True)
        elif body.strip():
            yield Line(number, body)


def _denies(file: io.BufferedReader, raw: bytes) -> bool:
    """Read on to the end of a line too long; whether it refuses consent anywhere, so that not even its beginning may be kept."""
    denied = bool(DENIED.search(raw))
    while raw and not raw.endswith(b"\n"):
        end = raw[-64:]
        raw = file.readline(1 << 20)
        denied = denied or bool(DENIED.search(end + raw))
    return denied


def _rows(path: Path) -> Iterator[Line]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=1000):
            for row in batch.to_pylist():
                number += 1
                if said := {k: v for k, v in row.items() if v is not None}:  # a row of nothing is a blank line
                    yield _row(number, said)
    except (pa.ArrowException, OSError):
        yield Line(number + 1, b"", "Parquet file is cut or damaged")


def _row(number: int, row: dict[str, Any]) -> Line:
    for column in JSON_COLUMNS:
        if isinstance(row.get(column), str):
            try:
                row[column] = strict.value(row[column].encode("utf-8", "replace"))
            except Refused as refused:
                return Line(number, _plain(row), f"{refused.reason} in column {column}")
    return Line(number, _plain(row))


def _plain(value: Any) -> Any:
    """A Parquet value as JSON would have said it. Absent members of a struct are null; only parent_id says something by null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items() if v is not None or k == "parent_id"}
    if isinstance(value, list):
        is_map = bool(value) and all(isinstance(v, tuple) and len(v) == 2 for v in value)
        return {str(k): _plain(v) for k, v in value} if is_map else [_plain(v) for v in value]
    if isinstance(value, date):
        return _time(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _time(value: date) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
