"""Whatever stands in a field of another tool's record, the record is stored or refused with a reason: never a crash, never a silent loss."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest import chunk, formats, quarantine, read
from pipeline.ingest.formats.base import Reading
from tests.ingest.exports import CLOCK, DAY, NAMES, SAMPLES, logs
from tests.ingest.world import write

WRONG: list[Any] = [
    None,
    True,
    5,
    -1e308,
    "",
    "x",
    "\u0000",
    "{",
    "[]",
    [],
    {},
    [None],
    [[]],
    {"a": None},
    ["x", {}],
    {"role": 5, "content": 5},
]

MOST = 2500  # of each format; a sample of OTLP has hundreds of places


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a record, the record itself left out."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*at, key)
        yield from paths(one, (*at, key))


def changed(record: dict[str, Any], at: tuple[Any, ...], value: Any) -> dict[str, Any]:
    whole = copy.deepcopy(record)
    here: Any = whole
    for key in at[:-1]:
        here = here[key]
    here[at[-1]] = value
    return whole


def records(name: str) -> list[dict[str, Any]]:
    """One record of each file of the sample, its texts of JSON opened too, as some exporters write them."""
    found = []
    for path in logs(SAMPLES / name):
        lines = list(read.lines(path))
        found += [line.body if isinstance(line.body, dict) else json.loads(line.body) for line in (lines[0], lines[-1])]
    opened = [{k: json.loads(v) if isinstance(v, str) and v[:1] in "[{" and v else v for k, v in r.items()} for r in found]
    return found + [o for o, r in zip(opened, found, strict=True) if o != r]


def outcome(format: str, path: Path) -> tuple[int, int]:
    """How many lines came out, and how many records were skipped; every line is understood or refused."""
    reading = Reading()
    count = 0
    for file, line in formats.lines(read.files([path], DAY), format, reading):
        found = chunk.understand(file, line, CLOCK, True, format)
        assert isinstance(found, chunk.Understood) or found.reason
        assert isinstance(found, quarantine.Row | chunk.Understood)
        count += 1
    return count, reading.skipped.total()


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_value_at_any_place_is_stored_or_refused(tmp_path: Path, name: str) -> None:
    hostile = [changed(r, at, value) for r in records(name) for at in paths(r) for value in WRONG]
    assert len(hostile) > 100
    hostile = hostile[:: len(hostile) // MOST + 1]
    for number in range(0, len(hostile), 400):
        path = write(tmp_path / f"{number}.jsonl", *hostile[number : number + 400])
        outcome(name, path)


@pytest.mark.parametrize("name", NAMES)
def test_a_record_of_nothing_is_refused(tmp_path: Path, name: str) -> None:
    empty = write(tmp_path / "x.jsonl", {}, {"id": None}, {"messages": None}, b"[]", b"5", b"{", b"\xff")
    count, skipped = outcome(name, empty)
    assert (count, skipped) == (7, 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_record_harms_no_other(tmp_path: Path, name: str) -> None:
    if name == "huggingface":
        pytest.skip("its sample is Parquet: a row cannot be torn")
    path = logs(SAMPLES / name)[-1]
    good = [line.body for line in read.lines(path)]
    before, _ = outcome(name, write(tmp_path / "good.jsonl", *(b.replace(b"\n", b" ") for b in good)))
    after, _ = outcome(name, write(tmp_path / "bad.jsonl", b"{torn", *(b.replace(b"\n", b" ") for b in good), b'{"colour": "red"}'))
    assert after == before + 2


def test_json_inside_a_text_is_read_as_strictly_as_a_line(tmp_path: Path) -> None:
    row = json.loads((SAMPLES / "langfuse" / "observations.jsonl").read_text(encoding="utf-8").splitlines()[0])
    for text, why in (
        ('[{"role": "user", "content": "a\\u0000b"}]', "NUL in text in input"),
        ("[" * 100_000, "nested deeper than 64 in input"),
    ):
        (out,) = formats.lines(read.files([write(tmp_path / "x.jsonl", row | {"input": text})], DAY), "langfuse", Reading())
        assert out[1].problem == why
