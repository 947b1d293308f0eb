"""Log formats: `native` is the contract's own; every other file of this folder that names a FORMAT turns another tool's export into it.

A new format is one file here and one sample under tests/ingest/samples/. How each maps is in docs/formats.md.
"""

import contextlib
import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice

from pipeline.errors import BadInput
from pipeline.ingest import read, strict
from pipeline.ingest.formats.base import Format, Out, Reading, Record
from pipeline.ingest.quarantine import Refused
from pipeline.ingest.read import File

OWN = ("native", "hotfix")
LOOKED_AT = 50  # first lines of a file that say whose it is
NATIVE_KEYS = ("messages", "kind")


@cache
def foreign() -> dict[str, Format]:
    """Every importer of this folder, by name."""
    found = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return {module.FORMAT.name: module.FORMAT for module in found if hasattr(module, "FORMAT")}


def names() -> tuple[str, ...]:
    return (*OWN, *sorted(foreign()))


def named(name: str) -> str:
    """The format asked for, by its name or one of its other names. `auto` looks into each file."""
    plain = name.strip().lower().replace("-", "_")
    if plain == "auto" or plain in OWN or plain in foreign():
        return plain
    for one in foreign().values():
        if plain in one.aliases:
            return one.name
    raise BadInput(f"--format {name}: unknown; this version reads {', '.join(names())} (or auto)")


def of(file: File, format: str = "auto") -> str:
    """The name of the file's format: the one asked for, else what its first records say. What nobody claims is a native log.

    A hotfix is taken in only when somebody says that it is one: its rows are under no cap.
    """
    if format != "auto":
        return format
    parquet = _is_parquet(file)
    votes = dict.fromkeys(foreign(), 0)
    for record in _first(file):
        if "conversation_id" in record.body and any(k in record.body for k in NATIVE_KEYS):
            return "native"
        for name, one in foreign().items():
            votes[name] += (parquet or not one.parquet) and _claims(one, record)
    best = max(votes, key=lambda name: votes[name])
    return best if votes[best] else "native"


def _first(file: File) -> Iterator[Record]:
    for line in islice(read.lines(file.path), LOOKED_AT):
        with contextlib.suppress(Refused):
            if not line.problem:
                yield Record(file, line.number, line.body if isinstance(line.body, dict) else strict.parse(line.body))


def _claims(one: Format, record: Record) -> bool:
    try:
        return one.claims(record.body)
    except Refused:
        return False


def _is_parquet(file: File) -> bool:
    with file.path.open("rb") as opened:
        return opened.read(4) == b"PAR1"


def lines(files: Iterable[File], format: str, reading: Reading) -> Iterator[Out]:
    """Every line of the files as the native log would have it, file by file.

    Files of one other format belong together (scores beside observations): their records are read as one batch. A line is then a
    conversation or a late event that came out, or a record that was refused; `reading.skipped` counts the records that hold nothing.
    """
    files = list(files)
    together: dict[str, list[File]] = {}
    for file in files:
        together.setdefault(of(file, format), []).append(file)
    for name, group in together.items():
        one = foreign().get(name)
        if one is None:
            yield from ((file, line) for file in group for line in read.lines(file.path))
        elif one.gathers:
            yield from _gathered(one, group, reading)
        else:
            for file in group:
                yield from _converted(one, [file], reading)


def _gathered(one: Format, files: list[File], reading: Reading) -> Iterator[Out]:
    """What a format makes of all its files, back in the order of files and lines; a file that is there twice is read once."""
    first = {file.sha: file for file in reversed(files)}
    order = {file: n for n, file in enumerate(f for f in files if first[f.sha] is f)}
    yield from sorted(_converted(one, list(order), reading), key=lambda out: (order[out[0]], out[1].number))


def _converted(one: Format, files: list[File], reading: Reading) -> Iterator[Out]:
    torn: list[Out] = []
    for out in one.convert(_records(files, torn.append), reading):
        yield from torn
        torn.clear()
        yield out
    yield from torn


def _records(files: Iterable[File], torn: object) -> Iterator[Record]:
    """The good objects of the files; lines that hold none go to `torn`, as they are."""
    assert callable(torn)
    for file in files:
        for line in read.lines(file.path):
            try:
                if line.problem:
                    raise Refused(line.problem)
                yield Record(file, line.number, line.body if isinstance(line.body, dict) else strict.parse(line.body))
            except Refused:
                torn((file, line))
