"""Raw logs in home lose the lines of the gone, in any of the shapes that tools write, and nothing else."""

import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline import people
from pipeline.erase import packs, raw
from pipeline.erase.gone import Gone
from pipeline.ingest import read
from pipeline.settings import Settings


@pytest.fixture
def who(home: Settings) -> raw.Person:
    marks = {(people.USER, people.mark(home, people.USER, people.user_hash(home, u))) for u in ("7", "ann@example.org")}
    marks |= {(people.CONVERSATION, people.mark(home, people.CONVERSATION, "c-9"))}
    return raw.Person(home, Gone(home, marks))


def swept(who: raw.Person, text: str) -> tuple[str, int]:
    data, out = raw.without(text.encode(), who, "0" * 64)
    return data.decode(), out


@pytest.mark.parametrize(
    "line",
    [
        {"conversation_id": "c-1", "user_id": "ann@example.org", "messages": []},
        {"conversation_id": "c-1", "user_id": 7},
        {"conversation_id": "c-9", "messages": []},
        {"id": "t-1", "userId": "ann@example.org", "input": "hello"},
        {"metadata": {"user": "ann@example.org"}, "request": {"messages": []}},
        {"id": "c-9", "chat": {"title": "x"}},
    ],
    ids=["native", "a number for a name", "the conversation", "another tool", "in an object", "an export of chats"],
)
def test_a_line_of_theirs_becomes_an_empty_line(who: raw.Person, line: dict[str, Any]) -> None:
    other = json.dumps({"conversation_id": "c-2", "user_id": "bob", "rating": 7})
    assert swept(who, f"{other}\n{json.dumps(line)}\n{other}") == (f"{other}\n\n{other}", 1)


def test_their_word_on_an_answer_of_another_goes_alone(who: raw.Person) -> None:
    line = {
        "conversation_id": "c-2",
        "user_id": "bob",
        "feedback": [{"event_id": "1", "user_id": 7, "text": "x"}, {"event_id": "2", "user_id": "bob"}],
    }
    text, out = swept(who, json.dumps(line) + "\n")
    assert out == 1 and json.loads(text)["feedback"] == [{"event_id": "2", "user_id": "bob"}] and text.endswith("\n")


def test_a_torn_line_says_whose_it_is_as_far_as_it_goes(who: raw.Person) -> None:
    assert swept(who, '{"user_id": "ann@example.org", "messages": [{"con\n{"user_id": "bob", "mess\n') == (
        '\n{"user_id": "bob", "mess\n',
        1,
    )


def test_an_export_in_one_piece_loses_their_records(who: raw.Person) -> None:
    export = [{"id": "a", "user_id": "ann@example.org"}, {"id": "b", "user_id": "bob"}]
    text, out = swept(who, json.dumps(export, indent=2))
    assert (json.loads(text), out) == ([export[1]], 1)


def test_what_is_nobodys_stays_byte_for_byte(who: raw.Person) -> None:
    text = '{"a" :  7}\r\n\n  {"user_id":"bob","n":7}\nnot json\n'
    assert swept(who, text) == (text, 0)


LINES = "".join(
    json.dumps({"conversation_id": f"c-{n}", "user_id": user, "messages": []}) + "\n" for n, user in enumerate(("bob", 7, "eve"))
)
LEFT = LINES.splitlines()[0] + "\n\n" + LINES.splitlines()[2] + "\n"


def cleaned(who: raw.Person, name: str, data: bytes) -> tuple[bytes, int]:
    sums: list[tuple[str, str, int]] = []
    after = raw.cleaned(name, data, who, sums)
    again = raw.cleaned(name, after, who, [])
    assert again is after, "what was cleaned is clean"
    return after, sum(lines for _, _, lines in sums)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_packed_files_are_packed_again_to_equal_bytes(who: raw.Person, suffix: str) -> None:
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}[suffix]
    after, out = cleaned(who, f"x.jsonl{suffix}", pack(LINES.encode()))
    assert out == 1 and packs.stream(after)[0](after).decode() == LEFT
    assert cleaned(who, f"x.jsonl{suffix}", pack(LINES.encode()))[0] == after


def damaged(data: bytes) -> bytes:
    """One bit of it turned, in the middle."""
    half = len(data) // 2
    return data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]


def zipped(names: list[str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            packed.writestr(name, LINES)
    return file.getvalue()


def test_a_zip_loses_their_lines_in_every_log_and_keeps_all_else(who: raw.Person) -> None:
    after, out = cleaned(who, "logs.zip", zipped(["a/one.jsonl", "a/two.jsonl", "notes.txt"]))
    with zipfile.ZipFile(io.BytesIO(after)) as packed:
        assert {n: packed.read(n).decode() for n in packed.namelist()} == {"a/one.jsonl": LEFT, "a/two.jsonl": LEFT, "notes.txt": LINES}
        assert {one.compress_type for one in packed.infolist()} == {zipfile.ZIP_DEFLATED}
    assert out == 2


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_a_tar_loses_their_lines_in_whatever_it_is_packed(who: raw.Person, packing: str) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{packing}") as packed:
        for name in ("one.jsonl", "two.jsonl.gz"):
            data = gzip.compress(LINES.encode(), mtime=0) if name.endswith("gz") else LINES.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    after, out = cleaned(who, f"logs.tar.{packing}".rstrip("."), file.getvalue())
    with tarfile.open(fileobj=io.BytesIO(after), mode=f"r:{packing}") as packed:
        one, two = (packed.extractfile(n).read() for n in ("one.jsonl", "two.jsonl.gz"))  # type: ignore[union-attr]
    assert (one.decode(), gzip.decompress(two).decode(), out) == (LEFT, LEFT, 2)


def test_what_nobody_can_open_stays_as_it_is(who: raw.Person) -> None:
    for name, data in (
        ("x.zip", zipped(["a.jsonl"])[:-30]),
        ("x.jsonl.gz", gzip.compress(LINES.encode())[:-9]),
        ("x.parquet", b"PAR1 torn"),
        ("x.jsonl.zst", damaged(zstandard.ZstdCompressor(write_checksum=True).compress(LINES.encode()))),
        ("cut.jsonl.zst", zstandard.compress(LINES.encode())[:-4]),
        ("x.tar.xz", damaged(lzma.compress(LINES.encode()))),
    ):
        assert cleaned(who, name, data) == (data, 0)


def test_a_table_loses_their_rows_and_their_words_and_the_others_keep_their_numbers(who: raw.Person, tmp_path: Path) -> None:
    events = [{"event_id": "1", "user_id": "7", "text": "x"}, {"event_id": "2", "user_id": "bob", "text": "y"}]
    rows = [
        {"conversation_id": "c-1", "user_id": "bob", "feedback": events, "metadata": json.dumps({"seen": events}), "at": 1},
        {"conversation_id": "c-9", "user_id": "bob", "feedback": [], "metadata": "{}", "at": 2},
        {"conversation_id": "c-3", "user_id": "ann@example.org", "feedback": None, "metadata": None, "at": 3},
        {"conversation_id": "c-4", "user_id": "eve", "feedback": [], "metadata": "no json", "at": 4},
    ]
    table, file = pa.Table.from_pylist(rows), io.BytesIO()
    pq.write_table(table, file, compression="gzip")
    after, out = cleaned(who, "x.parquet", file.getvalue())
    (tmp_path / "x.parquet").write_bytes(after)
    found = pq.ParquetFile(tmp_path / "x.parquet")
    first, *others = found.read().to_pylist()
    assert first == rows[0] | {"feedback": events[1:], "metadata": json.dumps({"seen": events[1:]})}
    assert others == [dict.fromkeys(rows[1]), dict.fromkeys(rows[1]), rows[3]] and out == 3
    assert found.schema_arrow == table.schema and found.metadata.row_group(0).column(0).compression == "GZIP"
    assert [line.number for line in read.lines(tmp_path / "x.parquet")] == [1, 4], "ingest passes over the empty rows"
