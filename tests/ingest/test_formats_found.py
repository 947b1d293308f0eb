"""Which format a file is of is read from its first lines, never from its name; what nobody claims is a native log."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from pipeline.ingest import formats, read, shards
from pipeline.ingest.formats.base import Reading
from pipeline.settings import Settings
from tests.ingest.exports import DAY, NAMES, SAMPLES, logs
from tests.ingest.world import conversation, event, write

FILES = [(name, path) for name in NAMES for path in logs(SAMPLES / name)]


def found(path: Path) -> str:
    (file,) = read.files([path], DAY)
    return formats.of(file)


@pytest.mark.parametrize(("name", "path"), FILES, ids=[f"{n}-{p.name}" for n, p in FILES])
def test_a_file_is_known_under_any_name(tmp_path: Path, name: str, path: Path) -> None:
    assert found(path) == name
    other = tmp_path / "langfuse-openai.log"
    other.write_bytes(path.read_bytes())
    assert found(other) == name


@pytest.mark.parametrize(("name", "path"), [f for f in FILES if f[1].suffix != ".parquet"], ids=lambda v: getattr(v, "name", v))
def test_a_file_is_known_however_it_is_packed(tmp_path: Path, name: str, path: Path) -> None:
    whole = [line.body for line in read.lines(path)]
    records = [json.loads(body) for body in whole]
    packed = {
        "array": json.dumps(records, indent=2).encode(),
        "array on one line": json.dumps(records).encode(),
        "lines": b"".join(json.dumps(r).encode() + b"\n" for r in records),
        "gz": gzip.compress(path.read_bytes()),
        "zst": zstandard.compress(path.read_bytes()),
        "mark": b"\xef\xbb\xbf" + path.read_bytes(),
    }
    for kind, content in packed.items():
        (tmp_path / kind).write_bytes(content)
        assert found(tmp_path / kind) == name, kind
        assert [json.loads(line.body) for line in read.lines(tmp_path / kind)] == records, kind
        assert [line.number for line in read.lines(tmp_path / kind)] == list(range(1, len(records) + 1)), kind


OWN: dict[str, list[Any]] = {
    "a conversation": [conversation()],
    "a late event": [event() | {"conversation_id": "c1"}],
    "torn lines first": [b'{"conversation_id": "c', b"{", b"[", conversation()],
    "nothing good": [b"{", b"{}", b"[]", b"null"],
    "nothing": [],
    "no id": [conversation(None)],
    "no messages": [conversation(messages=None)],
    "an array of one line": [b"[" + json.dumps(conversation()).encode() + b"]", conversation()],
    "a hotfix": [{"task": "t", "messages": [{"role": "user", "content": "x"}], "answer": "y"}],
    "native among others": [json.loads(line.body) for line in read.lines(SAMPLES / "langfuse" / "scores.jsonl")] + [conversation()],
    "messages and other keys": [{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], "user_id": "u"}],
    "not a file of text": [b"\x00\xff" * 1000],
}


@pytest.mark.parametrize("name", OWN)
def test_a_broken_native_log_is_still_a_native_log(tmp_path: Path, name: str) -> None:
    assert found(write(tmp_path / "x.jsonl", *OWN[name])) == "native"


def test_every_real_log_is_native(data: Path) -> None:
    assert {found(path) for path in (data / "logs").glob("*.jsonl")} == {"native"}


def test_an_array_of_native_conversations_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([conversation("c1"), conversation("c2")], indent=1))
    out = list(formats.lines(read.files([path], DAY), "auto", Reading()))
    assert [(line.number, json.loads(line.body)["conversation_id"]) for _, line in out] == [(1, "c1"), (2, "c2")]


def test_a_cut_array_gives_what_is_whole_and_says_where_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([conversation("c1"), conversation("c2"), conversation("c3")])[:-40])
    assert [(line.number, line.problem) for line in read.lines(path)] == [(1, None), (2, None), (3, "torn JSON")]


def test_an_element_is_cut_out_wherever_a_read_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.ingest import documents

    records = [{"a": 'x"],[{\\', "b": ["é", {"c": []}]}, {"d": "\\\\"}, {}]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(records, indent=1))
    for size in range(1, 30):
        monkeypatch.setattr(documents, "CHUNK", size)
        assert [json.loads(line.body) for line in read.lines(path)] == records, size


def test_an_element_over_the_limit_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"a": "x" * read.LONGEST}, {"b": 1}]))
    assert [(line.number, line.body, line.problem) for line in read.lines(path)] == [(1, b"", "line over 16 MiB"), (2, b'{"b": 1}', None)]


def test_files_of_one_export_go_to_one_shard(home: Settings, tmp_path: Path) -> None:
    for path in logs(SAMPLES / "langfuse"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    native = [write(tmp_path / f"{n}.jsonl", conversation(f"c{n}")) for n in range(4)]
    first, second = (shards.of([tmp_path], f"{n}/2", home) for n in (1, 2))
    assert sorted(first + second) == sorted(map(str, [*native, *(tmp_path / p.name for p in logs(SAMPLES / "langfuse"))]))
    assert second == [str(native[1]), str(native[3])]
