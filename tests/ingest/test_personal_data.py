"""Personal data becomes typed placeholders before anything is stored; what only looks like it stays."""

import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import lake
from pipeline.ingest.scrub import Scrubber
from pipeline.settings import Settings
from tests.ingest.world import conversation, event, ingest, message, rows

REPLACED = {
    "address": ("write to bob@example.com.", "write to <EMAIL_1>."),
    "address with a plus": ("Bob.B+tag@mail.example.co.uk", "<EMAIL_1>"),
    "address with an apostrophe": ("d'anna@example.fr and 'bob@example.com'", "<EMAIL_1> and '<EMAIL_2>'"),
    "address in brackets": ("<bob@example.com>", "<<EMAIL_1>>"),
    "address beside Chinese": ("请联系bob@example.com给我", "请联系<EMAIL_1>给我"),
    "address with an umlaut": ("jürgen@müller.de", "<EMAIL_1>"),
    "one address twice, one other": ("a@x.org b@x.org A@X.org", "<EMAIL_1> <EMAIL_2> <EMAIL_1>"),
    "phone with country code": ("ring +49 30 1234567 now", "ring <PHONE_1> now"),
    "phone in one block": ("+4915112345678", "<PHONE_1>"),
    "American phone": ("(415) 555-2671", "<PHONE_1>"),
    "American phone with dashes": ("call 555-123-4567.", "call <PHONE_1>."),
    "American phone with dots": ("415.555.2671", "<PHONE_1>"),
    "British phone": ("020 7946 0958", "<PHONE_1>"),
    "French phone": ("06 12 34 56 78", "<PHONE_1>"),
    "Chinese mobile": ("电话：13812345678", "电话：<PHONE_1>"),
    "Chinese mobile between Chinese letters": ("打13812345678找我", "打<PHONE_1>找我"),
    "bare digits after a word": ("my phone number is 5551234", "my phone number is <PHONE_1>"),
    "one phone written twice": ("+1 415 555 2671 or +1-415-555-2671", "<PHONE_1> or <PHONE_1>"),
    "card": ("4111 1111 1111 1111", "<CARD_1>"),
    "card in one block": ("pay with 5555555555554444 please", "pay with <CARD_1> please"),
    "American Express": ("3782-822463-10005", "<CARD_1>"),
    "IPv4": ("from 203.0.113.7:8080", "from <IP_1>:8080"),
    "private IPv4": ("192.168.1.10", "<IP_1>"),
    "IPv6": ("2001:db8:85a3::8a2e:370:7334", "<IP_1>"),
    "link-local IPv6": ("at fe80::1ff:fe23:4567:890a", "at <IP_1>"),
    "OpenAI key": ("sk-proj-abcdefghijklmnopqrstuvwxyz0123456789", "<KEY_1>"),
    "AWS key": ("AKIAIOSFODNN7EXAMPLE", "<KEY_1>"),
    "GitHub token": ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "<KEY_1>"),
    "Slack token": ("xoxb-123456789012-abcdefghijkl", "<KEY_1>"),
    "Google key": ("AIzaSyA-1234567890abcdefghijklmnopqrstu", "<KEY_1>"),
    "JSON web token": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijkl", "<KEY_1>"),
    "bearer": ("Authorization: Bearer abcdef1234567890abcdef", "Authorization: Bearer <KEY_1>"),
    "assigned key": ('api_key = "a1b2c3d4e5f6a7b8c9d0e1f2"', 'api_key = "<KEY_1>"'),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "<KEY_1>"),
}


@pytest.mark.parametrize("name", REPLACED)
def test_personal_data_is_replaced(name: str) -> None:
    text, expected = REPLACED[name]
    assert Scrubber().text(text) == expected


KEPT = {
    "version": "upgrade to v1.2.3.4 or version 10.0.0.1",
    "pinned version": "pip install torch==2.13.0.1 lodash@4.17.21",
    "long version": "Windows 10.0.19041.1",
    "loopback": "http://127.0.0.1:8080 and 0.0.0.0 and ::1",
    "date and time": "2026-11-20T08:00:00Z, 2026-11-20 08:00, 20.11.2026, 11/20/2026, 12:34:56",
    "dates in a row": "2026-11-20 2026-11-21",
    "order number": "order 4155552671, invoice no. 202611200815",
    "order number with a word": "order number 13812345678",
    "Unix times": "1700000000 1700000000000",
    "a number that fails the checksum": "4111 1111 1111 1112",
    "a checksum without an issuer": "0000 0000 0000 0000",
    "money": "$1,234,567.89 and 1 000 000",
    "ISBN": "ISBN 978-3-16-148410-0",
    "UUID": "123e4567-e89b-12d3-a456-426614174000",
    "hash": "d8a0a6846ba2f00e2f5b46050c50d681c5eab2bf",
    "hardware address": "aa:bb:cc:dd:ee:ff",
    "position": "52.520008, 13.404954",
    "digits of pi": "3.14159265358979",
    "scope in a program": "std::cafe::add dead::beef",
    "decorator": "@app.route('/x') def f(): return a@b.reshape(3)",
    "a call that makes a token": "token = get_token_from_request_header_now",
    "chapter": "see section 3.1.2.4",
    "hexadecimal": "0x7ffe12345678",
    "phone in prose": "the phone is on the table, call me",
    "where a program lives": "git clone git@github.com:org/repo.git",
    "skeleton": "sk-etching is fun; task-oriented",
}


@pytest.mark.parametrize("name", KEPT)
def test_what_only_looks_like_it_stays(name: str) -> None:
    assert Scrubber().text(KEPT[name]) == KEPT[name]


@settings(deadline=None)
@given(st.text(alphabet="ab1239 .@:+-()<>_EMAILsk/=\"'\n电", max_size=80))
def test_replacing_twice_is_replacing_once(text: str) -> None:
    once = Scrubber().text(text)
    assert Scrubber().text(once) == once


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab1 .@-_+(<\"'é", max_size=60), min_size=1, max_size=20))
def test_what_the_check_would_find_is_always_replaced(texts: list[str]) -> None:
    import duckdb

    check = (lake.SQL / "checks" / "ingest" / "no_raw_address_is_stored.sql").read_text()
    (pattern,) = re.findall(r"regexp_matches\(text, ('.*')\)", check)
    with duckdb.connect() as con:
        masked = [Scrubber().text(t) for t in texts]
        found = con.execute(f"select t from unnest($texts) as u(t) where regexp_matches(t, {pattern})", {"texts": masked}).fetchall()
    assert found == []


HARD = {
    "letters before an at": "a" * 2_000_000 + "@",
    "an at between dots": "@a." * 500_000,
    "keys that do not end": "-----BEGIN PRIVATE KEY-----" * 50_000,
    "long numbers with a plus": ("+" + "1" * 40 + " ") * 20_000,
    "digits and blanks": "1 " * 500_000,
    "colons": "1:" * 500_000,
    "dots": "1." * 500_000,
}


@pytest.mark.parametrize("name", HARD)
def test_no_text_takes_long_to_search(name: str) -> None:
    start = time.process_time()
    Scrubber().text(HARD[name])
    assert time.process_time() - start < 10


def test_a_number_inside_a_value_is_seen() -> None:
    assert Scrubber().deep({"card": 4111111111111111, "n": [True, 5, 1.5]}) == {"card": "<CARD_1>", "n": [True, 5, 1.5]}


BOB, ANN = "bob@example.com", "ann@example.com"


def test_one_value_has_one_number_all_through_a_conversation(home: Settings) -> None:
    call = {"id": "t", "type": "function", "function": {"name": "mail", "arguments": json.dumps({"to": BOB, "card": 4111111111111111})}}
    messages = [
        message("a", None, "user", f"I am {ANN}, he is {BOB}", name=ANN),
        message("b", "a", "assistant", None, tool_calls=[call]),
        message("c", "b", "user", [{"type": "text", "text": f"no, {ANN}"}]),
    ]
    feedback = [event(kind="edit", text=f"to {BOB}", reasons=[BOB], message_id="b"), event("r", kind="report", value=BOB)]
    ingest(home, conversation(messages=messages, feedback=feedback, metadata={"deep": [{"cc": BOB, ANN: 1}]}))
    found = rows(home, "messages", "message_id", "content", "name", "tool_calls", "parts")
    assert [m[1] for m in found] == ["I am <EMAIL_1>, he is <EMAIL_2>", None, "no, <EMAIL_1>"]
    assert found[0][2] == "<EMAIL_1>"
    assert json.loads(json.loads(found[1][3])[0]["function"]["arguments"]) == {"to": "<EMAIL_2>", "card": "<CARD_1>"}
    assert json.loads(found[2][4]) == [{"type": "text", "text": "no, <EMAIL_1>"}]
    assert rows(home, "feedback", "text", "reasons", "value") == [("to <EMAIL_2>", ["<EMAIL_2>"], None), (None, None, "<EMAIL_2>")]
    assert json.loads(rows(home, "conversations", "metadata")[0][0]) == {"deep": [{"cc": "<EMAIL_2>", "<EMAIL_1>": 1}]}


def test_derived_ids_come_from_what_was_said_before_anything_was_replaced(home: Settings) -> None:
    twins = [{"role": "assistant", "parent_id": "q", "content": f"write to {who}"} for who in (ANN, BOB)]
    ingest(home, conversation(messages=[message("q", None, "user", "x"), *twins]))
    assert len({m for (m,) in rows(home, "messages", "message_id")}) == 3


def test_quarantine_holds_no_personal_data(home: Settings) -> None:
    torn = f'{{"conversation_id": "c1", "user_id": "u-secret-7", "messages": [{{"content": "{BOB} 4111 1111 1111 1111'.encode()
    escaped = rb'{"conversation_id": "c2", "user_id": 77123, "messages": [{"content": "bob\u0040example.com \u0000"}]}'
    ingest(home, torn, escaped, conversation("c3", feedback=[event(value="x", text=BOB, user_id="u-secret-8")]))
    texts = [t for (t,) in rows(home, "quarantine", "text")]
    assert len(texts) == 3
    assert not [t for t in texts if "bob" in t or "4111" in t or "u-secret" in t or "77123" in t]
    assert sum("<EMAIL_1>" in t for t in texts) == 3


def test_users_are_stored_as_keyed_hashes(home: Settings) -> None:
    import hashlib
    import hmac

    ingest(home, conversation(user_id=9, feedback=[event(user_id="u-2")]), b'{"user_id": "u-3", ')
    expected = [hmac.new(b"0" * 64, user.encode(), hashlib.sha256).hexdigest() for user in ("9", "u-2", "u-3")]
    assert rows(home, "conversations", "user_hash") == [(expected[0],)]
    assert rows(home, "feedback", "user_hash") == [(expected[1],)]
    assert rows(home, "quarantine", "user_hash") == [(expected[2],)]
