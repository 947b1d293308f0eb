"""Ten thousand nasty lines through the real ingest: each is counted once, none is stored as something that it does not say, none is lost."""

import gzip
import io
import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from pipeline.ingest import reasons, zst
from pipeline.ingest.run import run
from pipeline.recipe import Ingest, Recipe
from pipeline.settings import Settings
from tests.ingest import nasty
from tests.ingest.test_fuzz import lines as nasty_values
from tests.ingest.world import DAY, conversation, rows

ANY = Recipe(ingest=Ingest(max_quarantined_share=1))
PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*_\d+>")


def by_hypothesis(n: int) -> list[bytes]:
    """Lines of JSON and of raw bytes that hypothesis thinks up, the same ones every time."""
    found: list[bytes] = []

    @hypothesis(
        max_examples=n, deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(st.one_of(nasty_values.map(lambda v: json.dumps(v).encode("utf-8", "surrogatepass")), st.binary(max_size=60)))
    def think(line: bytes) -> None:
        found.append(line.replace(b"\n", b" "))

    think()
    return found


def taken_in(home: Settings, path: Path) -> dict[str, Any]:
    """Two runs of the real ingest; the second must find nothing new."""
    result = run([path], ANY, home, day=DAY)
    tables = ("conversations", "messages", "feedback", "quarantine", "batches")
    before = {table: rows(home, table) for table in tables}
    again = run([path], ANY, home, day=DAY)
    assert (again["id"], again["stored"], again["updated"]) == (result["id"], 0, 0)
    assert {table: rows(home, table) for table in tables} == before
    return result


def check_counts(result: dict[str, Any], lines: list[bytes]) -> None:
    assert result["lines"] == sum(bool(line.strip()) for line in lines)
    assert result["lines"] == result["stored"] + result["updated"] + result["unchanged"] + result["quarantined"]
    told = Counter(q["what"] for q in result["quarantine"])
    assert (told["line"], told["event"]) == (result["quarantined"], result["quarantined_events"])
    assert [reason for reason in result["reasons"] if reasons.explain(reason) is None] == []


# --- the oracle: what the accepted lines say, read by the standard library alone ---


def strictly(line: bytes) -> dict[str, Any]:
    """A line that was accepted must be one JSON object, no key twice, no NaN, no half character: raises otherwise."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), "a key stands twice"
        return dict(pairs)

    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    found = json.loads(line.decode("utf-8"), object_pairs_hook=once, parse_constant=no_constant)
    assert isinstance(found, dict)
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode("utf-8")
    return found


def text_of(content: Any) -> str | None:
    return "\n".join(p["text"] for p in content if "text" in p) if isinstance(content, list) else content


def means(stored: str | None, said: str | None) -> bool:
    """Whether a stored text is the one that was said, up to placeholders for personal data."""
    if stored is None or said is None:
        return stored is None and said is None
    pieces = map(re.escape, PLACEHOLDER.split(stored))
    return stored == said or re.fullmatch("(?s:.+?)".join(pieces), said) is not None


def check_texts(home: Settings, lines: list[bytes], result: dict[str, Any]) -> int:
    """Every accepted line against the lake; gives the number of texts compared."""
    refused = {q["line"] for q in result["quarantine"] if q["what"] == "line"}
    bad_events = {q["line"] for q in result["quarantine"] if q["what"] == "event"}
    said: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        body = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if body.strip() and number not in refused:
            found = strictly(body)
            said[str(found["conversation_id"])].append((number, found))
    stored: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for conversation_id, position, message_id, role, content, calls in rows(
        home, "messages", "conversation_id", "position", "message_id", "role", "content", "tool_calls"
    ):
        stored[conversation_id].append((position, message_id, role, content, calls))
    events: dict[tuple[str, str], list[str | None]] = defaultdict(list)
    for conversation_id, event_id, text in rows(home, "feedback", "conversation_id", "event_id", "text"):
        events[conversation_id, event_id].append(text)
    compared = 0
    for conversation_id, found in said.items():
        silent = any(one.get("consent") is False for _, one in found)
        if silent:
            assert conversation_id not in stored
        for at, last in [] if silent else latest(found):
            is_whole = sum("messages" in one for _, one in found) == 1
            rows_there = {m[1]: m for m in stored[conversation_id]}
            ordered = sorted(stored[conversation_id])
            row = ordered[at] if is_whole else rows_there.get(str(last.get("message_id")))
            if row is None:
                continue  # an id that was derived, in a conversation that came in several versions
            compared += 1
            assert row[2] == last["role"]
            assert means(row[3], text_of(last.get("content"))), (row, last)
            assert row[3] is not None or row[4] is not None, "a message without text and without calls"
        for number, one in found:
            listed = one.get("feedback") if "messages" in one else [one]
            for event in listed or []:
                if number in bad_events or not isinstance(event, dict) or event.get("event_id") is None:
                    continue
                states = events[conversation_id, str(event["event_id"])]
                assert states, (number, event)
                assert silent or any(means(state, event.get("text")) for state in states), (states, event)
                compared += 1
    return compared


def latest(found: list[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The newest version of each message of a conversation, with its place in the line that brought it."""
    newest: dict[Any, tuple[int, dict[str, Any]]] = {}
    for number, one in found:
        for at, message in enumerate(one.get("messages") or []):
            id = message.get("message_id")
            newest[(number, at) if id is None else str(id)] = (at, message)
    return iter(newest.values())


def fuzz(home: Settings, path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"\n".join(lines))
    start = time.process_time()
    result = taken_in(home, path)
    assert time.process_time() - start < 30 + len(lines) / 50, "a line took far too long"
    check_counts(result, lines)
    assert result["stored"] > len(lines) / 20 < result["quarantined"], "both kinds must be there for the test to mean anything"
    assert check_texts(home, lines, result) > len(lines) / 20


def test_nasty_lines_are_counted_once_and_stored_as_they_are_or_not_at_all(home: Settings, tmp_path: Path) -> None:
    fuzz(home, tmp_path / "log.jsonl", nasty.lines(1200, seed=1, extra=by_hypothesis(300)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_ten_thousand_nasty_lines_made_of_real_ones(home: Settings, tmp_path: Path, data: Path, seed: int) -> None:
    fuzz(home, tmp_path / "log.jsonl", nasty.lines(10_000, seed, nasty.real(data / "logs"), by_hypothesis(2_000)))


def packed(lines: list[bytes]) -> dict[str, bytes]:
    whole = b"".join(line + b"\n" for line in lines)
    return {"gz": gzip.compress(whole, 1), "zst": zstandard.compress(whole, 1)}


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_packed_file_cut_anywhere_is_read_up_to_the_cut_and_the_cut_is_told(tmp_path: Path, kind: str) -> None:
    from pipeline.ingest import read

    lines = [json.dumps(conversation(f"c{i}", metadata={"n": i * 7919 % 1009})).encode() for i in range(120)]
    whole = packed(lines)[kind]
    for at in range(5, len(whole), max(1, len(whole) // 60)):
        path = tmp_path / f"log.jsonl.{kind}"
        path.write_bytes(whole[:at])
        found = list(read.lines(path))
        good = [line.body for line in found if line.problem is None]
        assert found and found[-1].problem == "packed file is cut or damaged", f"cut at byte {at} went unnoticed"
        assert good[:-1] == lines[: max(len(good) - 1, 0)]


ZST = {
    "one frame": zstandard.compress,
    "without a size in its header": lambda raw: zstandard.ZstdCompressor(write_content_size=False).compress(raw),
    "with a checksum": lambda raw: zstandard.ZstdCompressor(write_checksum=True).compress(raw),
    "two frames": lambda raw: zstandard.compress(raw[:999]) + zstandard.compress(raw[999:]),
    "a frame to skip between": lambda raw: zstandard.compress(raw[:9]) + b"\x5a\x2a\x4d\x18\x03\0\0\0abc" + zstandard.compress(raw[9:]),
    "one byte again and again": lambda raw: zstandard.compress(b" " * 3_000_000),
    "noise": lambda raw: zstandard.compress(random.Random(1).randbytes(400_000)),
    "nothing": lambda raw: zstandard.compress(b""),
    "many levels of blocks": lambda raw: zstandard.ZstdCompressor(level=19).compress(raw * 200),
}


@pytest.mark.parametrize("name", ZST)
def test_a_whole_zst_is_known_from_a_cut_one_by_its_headers_alone(name: str) -> None:
    whole = ZST[name](b"".join(json.dumps(conversation(f"c{i}")).encode() + b"\n" for i in range(50)))
    assert zst.is_whole(io.BytesIO(whole))
    ends = set(frame_ends(whole))
    for at in {*range(1, min(len(whole), 400)), *range(1, len(whole), 997), len(whole) - 1}:
        assert zst.is_whole(io.BytesIO(whole[:at])) == (at in ends), at


def frame_ends(raw: bytes) -> Iterator[int]:
    """Where frames end, as the decompressor itself says."""
    at = 0
    while at < len(raw):
        if raw[at + 1 : at + 4] == b"\x2a\x4d\x18":
            at += 8 + int.from_bytes(raw[at + 4 : at + 8], "little")
        else:
            frame = zstandard.ZstdDecompressor().decompressobj()
            frame.decompress(raw[at:])
            assert frame.eof
            at = len(raw) - len(frame.unused_data)
        yield at


def test_a_zst_that_was_cut_at_the_end_of_a_line_is_told_of(tmp_path: Path) -> None:
    from pipeline.ingest import read

    lines = [json.dumps(conversation(f"c{i}")).encode() + b"\n" for i in range(50)]
    writer = zstandard.ZstdCompressor().compressobj()
    begun = writer.compress(b"".join(lines)) + writer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)  # as a writer that was killed leaves it
    path = tmp_path / "log.jsonl.zst"
    path.write_bytes(begun)
    assert [line.problem for line in read.lines(path)] == [None] * 50 + ["packed file is cut or damaged"]
    path.write_bytes(begun + writer.flush())
    assert [line.problem for line in read.lines(path)] == [None] * 50


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_packed_file_with_a_changed_byte_never_crashes_the_reader(tmp_path: Path, kind: str) -> None:
    from pipeline.ingest import read

    whole = packed([json.dumps(conversation(f"c{i}")).encode() for i in range(40)])[kind]
    for at in range(0, len(whole), 7):
        path = tmp_path / "log"
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        assert list(read.lines(path)) is not None
