"""Which files are read, how they are packed, and which day they belong to."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline.errors import BadInput
from pipeline.ingest import chunk, read
from pipeline.ingest.derive import Clock
from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.ingest import world
from tests.ingest.world import conversation, counts, event, ingest, rows, write

LINES = b"".join(json.dumps(conversation(f"c{i}", feedback=[event()])).encode() + b"\n" for i in range(3))


def numbers(path: Path) -> list[int]:
    return [line.number for line in read.lines(path)]


def parquet(path: Path, lines: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(lines), path)
    return path


PACKED = {
    "plain": lambda path: path.write_bytes(LINES),
    "gz": lambda path: path.write_bytes(gzip.compress(LINES)),
    "gz in two members": lambda path: path.write_bytes(gzip.compress(LINES[:500]) + gzip.compress(LINES[500:])),
    "zst": lambda path: path.write_bytes(zstandard.compress(LINES)),
    "zst in two frames": lambda path: path.write_bytes(zstandard.compress(LINES[:500]) + zstandard.compress(LINES[500:])),
    "without a last line end": lambda path: path.write_bytes(LINES[:-1]),
    "with a byte order mark": lambda path: path.write_bytes(b"\xef\xbb\xbf" + LINES),
    "with CRLF": lambda path: path.write_bytes(LINES.replace(b"\n", b"\r\n")),
    "parquet": lambda path: parquet(path, [json.loads(line) for line in LINES.splitlines()]),
    "parquet with JSON columns": lambda path: parquet(
        path,
        [{k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in json.loads(line).items()} for line in LINES.splitlines()],
    ),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_log_is_read_however_it_is_packed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "log_2026-11-20.any"
    PACKED[name](path)
    found = [understood(line) for line in read.lines(path)]
    assert found == [understood(read.Line(n, raw)) for n, raw in enumerate(LINES.splitlines(), 1)]


def understood(line: read.Line) -> tuple[int, Any]:
    file = read.File(Path("x"), "0" * 64, world.DAY, True)
    found = chunk.understand(file, line, Clock.of(world.DAY), True)
    assert isinstance(found, chunk.Understood), found
    return found.number, found.found


def test_parquet_and_jsonl_of_one_log_are_one_log(home: Settings, tmp_path: Path) -> None:
    times = pa.array([datetime(2026, 11, 20, 8, tzinfo=UTC)] * 3, pa.timestamp("ns", tz="UTC"))
    table = pa.Table.from_pylist([json.loads(line) for line in LINES.splitlines()])
    table = table.set_column(table.column_names.index("started_at"), "started_at", times)
    pq.write_table(table, tmp_path / "a_2026-11-20.parquet")
    (tmp_path / "b_2026-11-20.jsonl").write_bytes(LINES)
    assert counts(run([tmp_path / "a_2026-11-20.parquet"], Recipe(), home)) == (3, 3, 0, 0, 0, 0)
    assert counts(run([tmp_path / "b_2026-11-20.jsonl"], Recipe(), home)) == (3, 0, 0, 3, 0, 0)


def test_what_parquet_can_hold_and_json_cannot_is_refused(home: Settings, tmp_path: Path) -> None:
    lines = [conversation("c1", metadata={"x": float("nan")}), conversation("c2", metadata={"x": 1.0}), conversation("c\0")]
    result = run([parquet(tmp_path / "a_2026-11-20.parquet", lines)], Recipe(), home)
    assert [(q["line"], q["reason"]) for q in result["quarantine"]] == [(1, "number does not fit"), (3, "NUL in text")]


def test_lines_are_counted_physically_and_blank_ones_are_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbf{}\n\n   \t \n\r\n{}\r\n{}")
    assert numbers(path) == [1, 5, 6]


def test_a_byte_order_mark_alone_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbf\n{}\n")
    assert numbers(path) == [2]


def test_a_line_of_16_mib_is_read_and_a_longer_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    longest = b'"' + b"x" * (read.LONGEST - 2) + b'"'
    path.write_bytes(longest + b"\n" + longest + b" \n" + longest + b"\r\n{}\n" + longest * 3)
    found = list(read.lines(path))
    assert [(line.number, line.problem) for line in found] == [
        (1, None),
        (2, "line over 16 MiB"),
        (3, None),
        (4, None),
        (5, "line over 16 MiB"),
    ]
    assert len(found[1].body) == read.KEPT


def test_of_a_line_too_long_the_beginning_is_kept_without_personal_data(home: Settings) -> None:
    ingest(home, b'{"conversation_id": "c1", "note": "bob@example.com ' + b"x" * read.LONGEST)
    ((text, reason),) = rows(home, "quarantine", "text", "reason")
    assert reason == "line over 16 MiB"
    assert text.startswith('{"conversation_id": "c1", "note": "<EMAIL_1> xxx')
    assert len(text) < read.KEPT


def test_a_line_too_long_that_refuses_consent_at_its_end_leaves_nothing(home: Settings) -> None:
    ingest(home, b'{"conversation_id": "c1", "note": "' + b"x" * read.LONGEST * 2 + b'", "consent": false}')
    assert rows(home, "quarantine", "text", "reason") == [("", "line over 16 MiB")]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gz", "zst"])
def test_a_packed_file_that_was_cut_is_read_up_to_the_cut(home: Settings, tmp_path: Path, pack: Any) -> None:
    import random

    noise = random.Random(1).randbytes(4000).hex()
    whole = b"".join(json.dumps(conversation(f"c{i}", metadata={"x": noise[i * 40 : i * 40 + 2000]})).encode() + b"\n" for i in range(200))
    packed = pack(whole)
    path = tmp_path / "log_2026-11-20.jsonl"
    path.write_bytes(packed[: len(packed) // 2])
    result = run([path], Recipe(), home)
    assert result["quarantined"] >= 1
    assert result["lines"] == result["stored"] + result["quarantined"]


def test_folders_and_globs_give_every_log_once_in_order(tmp_path: Path) -> None:
    for name in ("b/2.jsonl", "a/1.jsonl.gz", "b/c/3.parquet", "b/notes.txt", "b/.hidden.jsonl", "b/_tmp.jsonl"):
        write(tmp_path / name)
    everything = ["1.jsonl.gz", "2.jsonl", "3.parquet"]
    for paths in ([tmp_path], [f"{tmp_path}/**/[0-9]*"], [tmp_path / "b", tmp_path], [tmp_path / "b" / "2.jsonl", tmp_path]):
        assert [f.path.name for f in read.files(paths, None)] == everything


REFUSED = {
    "nothing there": ("{tmp}/gone.jsonl", "no such file"),
    "no match": ("{tmp}/*.jsonl", "no such file"),
    "an empty folder": ("{tmp}", "no log in this folder"),
    "s3": ("s3://bucket/x.jsonl", "local paths only"),
    "http": ("https://example.com/x.jsonl", "local paths only"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_path_that_cannot_be_read_is_refused_with_the_next_move(tmp_path: Path, name: str) -> None:
    path, words = REFUSED[name]
    with pytest.raises(BadInput, match=words):
        read.files([path.format(tmp=tmp_path)], None)


@pytest.mark.parametrize("day", ["1999-12-31", "9999-12-31", "tomorrow"])
def test_a_day_that_cannot_be_is_refused(home: Settings, tmp_path: Path, day: str) -> None:
    with pytest.raises(BadInput, match=day):
        run([write(tmp_path / "x.jsonl", conversation())], Recipe(), home, day=day)


def test_an_unknown_format_is_refused(home: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="this version reads native"):
        run([write(tmp_path / "x.jsonl")], Recipe(), home, format="klingon")


DAYS = {
    "given": ("log_2026-11-20.jsonl", date(2026, 11, 30), (date(2026, 11, 30), True)),
    "the first in the name": ("2026-11-20_to_2026-11-21.jsonl", None, (date(2026, 11, 20), True)),
    "the first that is one": ("2026-99-99_2026-11-21.jsonl", None, (date(2026, 11, 21), True)),
    "no far future": ("9999-12-31.jsonl", None, (datetime.now(UTC).date(), False)),
    "not out of a longer number": ("12026-11-20.jsonl", None, (datetime.now(UTC).date(), False)),
    "today where there is none": ("log.jsonl", None, (datetime.now(UTC).date(), False)),
}


@pytest.mark.parametrize("name", DAYS)
def test_the_day_is_the_one_given_else_the_files_else_today(tmp_path: Path, name: str) -> None:
    file, day, expected = DAYS[name]
    (found,) = read.files([write(tmp_path / "2026-01-01" / file)], day)
    assert (found.day, found.dated) == expected


def test_a_day_from_the_clock_is_flagged(home: Settings) -> None:
    ingest(home, conversation(), name="log.jsonl")
    assert rows(home, "conversations", "flags") == [(["day from the clock"],)]


def test_each_day_is_a_batch_of_its_own(home: Settings, tmp_path: Path) -> None:
    for day in (21, 20):
        write(tmp_path / f"log_2026-11-{day}.jsonl", conversation(f"c{day}"))
    result = run([tmp_path], Recipe(), home)
    assert [i[:13] for i in result["ids"]] == ["logs-20261120", "logs-20261121"]
    assert result["id"] == result["ids"][1]
    assert rows(home, "conversations", "conversation_id", "day::varchar") == [("c20", "2026-11-20"), ("c21", "2026-11-21")]
    assert counts(result) == (2, 2, 0, 0, 0, 0)


def test_a_chunk_ends_anywhere_and_changes_nothing(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [conversation(f"c{i % 7}", feedback=[event(f"f{i % 3}", value=("up", "down")[i % 2])]) for i in range(20)]
    lines.insert(5, conversation("c2", consent=False))
    whole = ingest(home, *lines)
    monkeypatch.setattr(chunk, "MOST_LINES", 3)
    other = Settings(**(home.__dict__ | {"home": home.home / "other", "data": str(home.home / "other" / "data")}))
    assert ingest(other, *lines) == whole
    for table in ("conversations", "messages", "feedback"):
        assert rows(home, table) == rows(other, table)
