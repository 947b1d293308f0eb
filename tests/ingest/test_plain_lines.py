"""Which lines are taken many at a time: never one that the strict reader would read otherwise, whatever else stands in the chunk."""

import json
import random
from typing import Any

import pytest

from pipeline.ingest import plain, strict
from pipeline.ingest.derive import Clock
from pipeline.ingest.quarantine import Refused
from tests.ingest import nasty
from tests.ingest.world import DAY, conversation, event, message

GOOD = [json.dumps(conversation(f"p{i}", feedback=[event(f"f{i}")], metadata={"n": i})).encode() for i in range(100)]


def taken(lines: list[bytes]) -> list[int]:
    """The places of the lines that are taken, good ones before and after them left out."""
    found = plain.columns(list(enumerate([*GOOD, *lines, *GOOD])), Clock.of(DAY), True)
    assert found
    places = found.at[~found.bad].tolist()
    assert places[:100] == list(range(100))
    assert places[-100:] == list(range(100 + len(lines), 200 + len(lines)))
    return [at - 100 for at in places[100:-100]]


LINE = json.dumps(conversation("c1", feedback=[event()], metadata={"n": 1, "s": "x"})).encode()
TWICE = {
    "in the header": LINE.replace(b'"user_id":', b'"user_id": "u-1", "user_id":', 1),
    "in a message": LINE.replace(b'"role":', b'"role": "user", "role":', 1),
    "in the metadata": LINE.replace(b'"n": 1', b'"n": 1, "n": 1'),
    "in an event": LINE.replace(b'"kind":', b'"kind": "thumb", "kind":'),
    "once with a blank before its colon": LINE.replace(b'"n": 1', b'"n" : 1, "n": 1'),
    "twice, and another key hidden by a blank": LINE.replace(b'"n": 1', b'"n": 1, "n": 1').replace(b'"s":', b'"s" :'),
    "twice, and another key hidden by two blanks": LINE.replace(b'"n": 1', b'"n": 1, "n": 1').replace(b'"s":', b'"s" \t:'),
    "once with an escape": LINE.replace(b'"n": 1', b'"n": 1, "\\u006e": 1'),
    "twice, behind an escaped backslash": LINE.replace(b'"n": 1', b'"n": 1, "n\\\\": 1, "n\\\\": 1'),
    "twice, and an escaped quote before a colon in a text": LINE.replace(b'"n": 1', b'"n": 1, "n": 1').replace(b'"x"', b'"x\\": y"'),
}


@pytest.mark.parametrize("name", TWICE)
def test_a_line_with_a_key_twice_is_left_however_the_key_is_written(name: str) -> None:
    with pytest.raises(Refused, match="duplicate key"):
        strict.parse(TWICE[name])
    assert taken([TWICE[name]]) == []


LEFT = {
    "a NUL": LINE.replace(b'"x"', b'"x\\u0000"'),
    "a number that does not fit": LINE.replace(b'"n": 1', b'"n": 1e400'),
    "a whole number that does not fit": LINE.replace(b'"n": 1', b'"n": 9223372036854775808'),
    "a key that nobody knows": LINE.replace(b'"n": 1', b'"n": 1}, "note": {'),
    "a number as a text": LINE.replace(b'"helpdesk"', b"7"),
    "a text as consent": LINE.replace(b'"messages"', b'"consent": "true", "messages"'),
    "too deep a metadata": LINE.replace(b'"n": 1', b'"n": ' + b'{"a":' * 70 + b"1" + b"}" * 70),
    "no messages": b'{"conversation_id": "c1", "messages": []}',
    "no objects as messages": LINE[: LINE.index(b'"messages"')] + b'"messages": ["abcde", "fghij"]}',
    "a list": b"[" + LINE + b"]",
    "two objects": LINE + LINE,
    "a bad event": LINE.replace(b'"messages"', b'"feedback": 7, "messages"'),
}


@pytest.mark.parametrize("name", LEFT)
def test_a_line_that_is_not_plainly_good_is_left(name: str) -> None:
    assert LEFT[name] != LINE
    assert taken([LEFT[name]]) == []


def test_lines_that_leave_out_what_they_may_are_taken_beside_those_that_say_it() -> None:
    may = ("user_id", "app", "model", "locale", "started_at", "metadata")
    lines = [json.dumps({k: v for k, v in conversation(f"c{n}", metadata={}).items() if k != may[n % 6]}).encode() for n in range(60)]
    lines += [json.dumps(dict(reversed(conversation(f"d{n}").items()))).encode() for n in range(10)]
    assert taken(lines) == list(range(70))


def test_texts_full_of_signs_are_no_keys() -> None:
    said = ['a": b', '\\": c', "x : y", '"', "\\", "\\\\", "\\u0000"[1:], "{", '{"a": 1}', "\n", "::", "a:"]
    lines = [json.dumps(conversation(f"c{n}", messages=[message("m", None, "user", text)])).encode() for n, text in enumerate(said)]
    assert set(taken(lines)) >= set(range(len(said))) - {
        1,
        10,
    }  # not sure, and left: a backslash before an escaped quote, a colon at the very beginning


@pytest.mark.parametrize("seed", [21, 22])
def test_what_is_taken_is_what_the_strict_reader_reads(seed: int) -> None:
    lines = [line for line in nasty.lines(2000, seed, GOOD) if len(line) < 1 << 20]
    found = taken(lines)
    assert len(found) > 100
    for at in found:
        raw = strict.parse(lines[at])
        assert raw["consent"] is True
        assert {type(m["content"]) for m in raw["messages"]} == {str}


def test_where_a_piece_ends_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [*GOOD, *nasty.lines(300, 23, GOOD)]
    random.Random(1).shuffle(lines)

    def whole(piece: int) -> tuple[Any, ...]:
        monkeypatch.setattr(plain, "PIECE", piece)
        found = plain.columns(list(enumerate(lines)), Clock.of(DAY), True)
        assert found
        texts = [text for one in found.pieces for text in one.columns["content"].to_pylist()]
        digests = [digest for one in found.pieces for digest in one.digests]
        owner = [i for one in found.pieces for i in one.owner.tolist()]
        return found.at.tolist(), found.bad.tolist(), found.header, found.started_at.to_pylist(), texts, digests, owner

    assert whole(1) == whole(5000) == whole(1 << 30)
