"""Contracts, section 1: which lines are good, and the reason why each bad one is not."""

import json

import pytest

from pipeline.ingest import quarantine
from tests.ingest.world import conversation, message, read, reason

GOOD = json.dumps(conversation()).encode()


def with_metadata(text: str) -> bytes:
    return GOOD.replace(b'{"channel": "web"}', text.encode())


def nested(depth: int) -> bytes:
    """The line itself is one level deep, its metadata the second."""
    return with_metadata('{"a":' * (depth - 1) + "1" + "}" * (depth - 1))


REFUSED = {
    "torn JSON": (GOOD[:200], "torn JSON"),
    "torn inside a text": (b'{"conversation_id": "c', "torn JSON"),
    "null": (b"null", "not an object"),
    "array": (b"[" + GOOD + b"]", "not an object"),
    "string": (b'"x"', "not an object"),
    "number": (b"42", "not an object"),
    "two objects": (b"{} {}", "invalid JSON"),
    "empty object": (b"{}", "missing key: conversation_id"),
    "invalid UTF-8": (GOOD.replace(b"parcel", b"p\xff\xfe"), "invalid UTF-8"),
    "surrogate bytes": (GOOD.replace(b"parcel", b"\xed\xa0\x80"), "invalid UTF-8"),
    "raw NUL": (GOOD.replace(b"parcel", b"a\x00b"), "NUL in text"),
    "escaped NUL in a text": (GOOD.replace(b"parcel", b"a\\u0000b"), "NUL in text"),
    "escaped NUL in a key": (with_metadata('{"a\\u0000": 1}'), "NUL in text"),
    "raw control character": (GOOD.replace(b"parcel", b"a\x01b"), "raw control character"),
    "lone high surrogate": (GOOD.replace(b"parcel", b"\\ud83d"), "lone surrogate"),
    "lone low surrogate": (GOOD.replace(b"parcel", b"\\ude00"), "lone surrogate"),
    "1e400": (with_metadata('{"score": 1e400}'), "number does not fit"),
    "-1e400": (with_metadata('{"score": -1e400}'), "number does not fit"),
    "NaN": (with_metadata('{"score": NaN}'), "number does not fit"),
    "Infinity": (with_metadata('{"score": -Infinity}'), "number does not fit"),
    "integer of 65 bits": (with_metadata('{"score": 18446744073709551616}'), "number does not fit"),
    "integer of 64 bits without sign": (with_metadata('{"score": 9223372036854775808}'), "number does not fit"),
    "integer of 5,000 digits": (with_metadata('{"score": ' + "9" * 5000 + "}"), "number does not fit"),
    "65 levels": (nested(65), "nested deeper than 64"),
    "2,000 levels": (nested(2000), "nested deeper than 64"),
    "100,000 levels": (with_metadata("[" * 100_000 + "]" * 100_000), "nested deeper than 64"),
    "duplicate key": (b'{"conversation_id":"a","conversation_id":"b","messages":[]}', "duplicate key"),
    "duplicate key with blanks": (b'{"conversation_id" : "a", "conversation_id": "b"}', "duplicate key"),
    "duplicate key beside a quoted one": (with_metadata('{"a":1,"a":"say \\":"}'), "duplicate key"),
    "duplicate key beside an escaped backslash": (with_metadata('{"a\\\\":1,"b":1,"b":2}'), "duplicate key"),
    "duplicate key written with an escape": (with_metadata('{"a":1,"\\u0061":2}'), "duplicate key"),
    "no id": (json.dumps(conversation(None)).encode(), "missing key: conversation_id"),
    "empty id": (json.dumps(conversation("")).encode(), "empty: conversation_id"),
    "blank id": (json.dumps(conversation(" ")).encode(), "empty: conversation_id"),
    "id of 513 characters": (json.dumps(conversation("x" * 513)).encode(), "longer than 512 characters: conversation_id"),
    "id true": (json.dumps(conversation(True)).encode(), "wrong type: conversation_id"),
    "id 1.5": (json.dumps(conversation(1.5)).encode(), "wrong type: conversation_id"),
    "no messages key": (json.dumps(conversation(messages=None)).encode(), "missing key: messages"),
    "no messages": (json.dumps(conversation(messages=[])).encode(), "no messages"),
    "messages a text": (json.dumps(conversation(messages="x")).encode(), "wrong type: messages"),
    "messages an object": (json.dumps(conversation(messages={})).encode(), "wrong type: messages"),
    "a message a text": (json.dumps(conversation(messages=["x"])).encode(), "wrong type: messages"),
    "no role": (json.dumps(conversation(messages=[{"content": "x"}])).encode(), "missing key: role"),
    "unknown role": (json.dumps(conversation(messages=[message("a", None, "wizard", "x")])).encode(), "unknown role"),
    "role a list": (json.dumps(conversation(messages=[message("a", None, ["user"], "x")])).encode(), "wrong type: role"),
    "content null": (json.dumps(conversation(messages=[message("a", None, "assistant", None)])).encode(), "missing key: content"),
    "content a number": (json.dumps(conversation(messages=[message("a", None, "user", 5)])).encode(), "wrong type: content"),
    "content texts": (json.dumps(conversation(messages=[message("a", None, "user", ["x"])])).encode(), "wrong type: content"),
    "metadata a list": (json.dumps(conversation(metadata=[])).encode(), "wrong type: metadata"),
    "feedback an object": (json.dumps(conversation(feedback={})).encode(), "wrong type: feedback"),
    "app a number": (json.dumps(conversation(app=5)).encode(), "wrong type: app"),
    "time in words": (json.dumps(conversation(started_at="yesterday")).encode(), "wrong type: started_at"),
    "consent a text": (json.dumps(conversation(consent="no")).encode(), "consent is not a boolean"),
    "consent 0": (json.dumps(conversation(consent=0)).encode(), "consent is not a boolean"),
    "consent null": (GOOD.replace(b'"consent": true', b'"consent": null'), "consent is not a boolean"),
    "a byte order mark inside a file": (b"\xef\xbb\xbf" + GOOD, "invalid JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_line_is_refused_with_its_reason(name: str) -> None:
    raw, why = REFUSED[name]
    assert reason(raw) == why


STORED = {
    "plain": GOOD,
    "id a number": json.dumps(conversation(19)).encode(),
    "id of 512 characters": json.dumps(conversation("x" * 512)).encode(),
    "64 levels": nested(64),
    "a surrogate pair": GOOD.replace(b"parcel", b"\\ud83d\\ude00"),
    "the text backslash-u-0000": GOOD.replace(b"parcel", b"\\\\u0000"),
    "a key in a text": GOOD.replace(b"parcel", b'{\\"a\\": 1, \\"a\\": 2}'),
    "the largest integer": with_metadata('{"score": 9223372036854775807}'),
    "a long fraction": with_metadata('{"score": 0.12345678901234567890123}'),
    "blanks around colons": GOOD.replace(b'": ', b'" : '),
    "unknown keys": GOOD.replace(b'"consent"', b'"colour": "red", "consent"'),
    "delete and escape characters": GOOD.replace(b"parcel", b"\\u001b[31m \x7f"),
    "an empty answer": json.dumps(conversation(messages=[message("a", None, "assistant", "")])).encode(),
    "two turns of one role": json.dumps(conversation(messages=[message("a", None, "user", "x"), message("b", "a", "user", "y")])).encode(),
    "path-like ids": json.dumps(conversation("../../etc/x", user_id="..\\x")).encode(),
    "SQL-like ids": json.dumps(conversation("x'; DROP TABLE messages; --")).encode(),
}


@pytest.mark.parametrize("name", STORED)
def test_a_good_line_is_stored_however_odd(name: str) -> None:
    assert reason(STORED[name]) is None


def test_an_id_that_is_a_number_is_kept_as_text() -> None:
    found = read(conversation(19))
    assert not isinstance(found, quarantine.Row)
    assert found.conversation_id == "19"


def test_a_surrogate_pair_is_one_character() -> None:
    found = read(GOOD.replace(b"parcel", b"\\ud83d\\ude00"))
    assert not isinstance(found, quarantine.Row)
    assert found.found.messages[0].content == "Where is my \U0001f600?"


def test_the_byte_of_invalid_utf8_is_told() -> None:
    raw = GOOD.replace(b"parcel", b"p\xff\xfe")
    found = read(raw)
    assert isinstance(found, quarantine.Row)
    assert found.byte == raw.index(b"\xff")
