"""Raw logs in home lose the lines of the gone, in any of the shapes that tools write, and nothing else."""

import json
from typing import Any

import pytest

from pipeline import people
from pipeline.erase import raw
from pipeline.erase.gone import Gone
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


def test_packed_files_are_packed_again_to_equal_bytes(who: raw.Person, home: Settings) -> None:
    for suffix in (".gz", ".zst", ""):
        unpack, pack = raw.packing(home.home / f"x.jsonl{suffix}")
        assert unpack(pack(b"line\n" * 100)) == b"line\n" * 100 and pack(b"x") == pack(b"x")
