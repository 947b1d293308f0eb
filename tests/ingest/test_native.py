"""Contracts, section 1: trees, contents, derived ids and times of the native log."""

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from pipeline.ingest import quarantine
from pipeline.ingest.formats.native import Conversation
from tests.ingest.world import conversation, event, message, read, reason


def said(**changes: Any) -> Conversation:
    found = read(conversation(**changes))
    assert not isinstance(found, quarantine.Row), found
    assert isinstance(found.found, Conversation)
    return found.found


def links(*messages: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(m.message_id, m.parent_id) for m in said(messages=list(messages)).messages]


def test_without_parents_the_order_is_the_chain() -> None:
    bare = [{"message_id": i, "role": "user", "content": "x"} for i in "abc"]
    assert links(*bare) == [("a", None), ("b", "a"), ("c", "b")]


def test_parents_that_are_all_null_are_no_parents() -> None:
    assert links(message("a", None, "user", "x"), message("b", None, "assistant", "y")) == [("a", None), ("b", "a")]


def test_regenerated_answers_are_siblings() -> None:
    tree = (message("q", None, "user", "x"), message("a1", "q", "assistant", "y"), message("a2", "q", "assistant", "z"))
    assert links(*tree) == [("q", None), ("a1", "q"), ("a2", "q")]


def test_a_parent_may_come_later_in_the_line() -> None:
    assert links(message("b", "a", "assistant", "y"), message("a", None, "user", "x")) == [("b", "a"), ("a", None)]


def test_in_a_tree_an_absent_parent_is_the_message_before() -> None:
    third = {"message_id": "c", "role": "user", "content": "z"}
    assert links(message("a", None, "user", "x"), message("b", "a", "assistant", "y"), third)[2] == ("c", "b")


CROOKED = {
    "each other's parent": ([("a", "b"), ("b", "a")], "parent cycle"),
    "its own parent": ([("a", None), ("b", "b")], "parent cycle"),
    "a cycle beside a tree": ([("a", None), ("b", "c"), ("c", "d"), ("d", "b")], "parent cycle"),
    "a parent that is not there": ([("a", None), ("b", "gone")], "missing parent"),
    "one id twice": ([("a", None), ("a", "a")], "duplicate message id"),
}


@pytest.mark.parametrize("name", CROOKED)
def test_what_is_no_tree_goes_to_quarantine(name: str) -> None:
    pairs, why = CROOKED[name]
    assert reason(conversation(messages=[message(i, p, "user", "x") for i, p in pairs])) == why


def test_a_chain_of_ten_thousand_is_a_tree() -> None:
    chain = [message(str(i), str(i - 1) if i else None, "user", "x") for i in range(10_000)]
    assert len(links(*chain)) == 10_000


def test_a_derived_message_id_is_the_sum_of_what_stands_in_the_contract() -> None:
    chain = [{"role": "user", "content": "Grüße"}, {"role": "assistant", "content": "x"}]
    first = "d" + hashlib.sha256(json.dumps(["c1", None, "user", "Grüße", 0], ensure_ascii=False).encode()).hexdigest()[:15]
    second = "d" + hashlib.sha256(json.dumps(["c1", first, "assistant", "x", 0]).encode()).hexdigest()[:15]
    assert links(*chain) == [(first, None), (second, first)]


def test_equal_siblings_get_different_ids() -> None:
    twin = {"parent_id": "q", "role": "assistant", "content": "same"}
    found = links(message("q", None, "user", "x"), twin, dict(twin))
    assert found[1][0] != found[2][0]


def test_a_derived_event_id_is_the_sum_of_what_stands_in_the_contract() -> None:
    raw = event(kind="edit", text="new", event_id=None)
    expected = "d" + hashlib.sha256(json.dumps(["m2", "edit", "u-9", "2026-11-20T08:01:00Z", None, "new"]).encode()).hexdigest()[:15]
    assert [e.event_id for e in said(feedback=[raw]).events] == [expected]


def test_events_that_differ_in_what_the_id_leaves_out_stay_two() -> None:
    picks = [{"kind": "choose", "message_id": "m1", "over": [other]} for other in ("m2", "m3")]
    first, second = (e.event_id for e in said(feedback=picks).events)
    assert first != second


def test_what_is_derived_is_flagged() -> None:
    found = said(messages=[{"role": "user", "content": "x"}], feedback=[{"kind": "thumb", "value": "up"}], started_at=None, consent=None)
    assert found.flags == ["consent default", "started_at derived"]
    assert found.messages[0].flags == ["message_id derived", "created_at derived"]
    assert found.events[0].flags == ["created_at derived", "event_id derived"]


TIMES = {
    "as it is": ("2026-11-20T08:00:00Z", datetime(2026, 11, 20, 8, tzinfo=UTC), []),
    "with an offset": ("2026-11-20T09:00:00+01:00", datetime(2026, 11, 20, 8, tzinfo=UTC), []),
    "without a zone it is UTC": ("2026-11-20T08:00:00", datetime(2026, 11, 20, 8, tzinfo=UTC), []),
    "the last moment of the day after": ("2026-11-21T23:59:59Z", datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC), []),
    "more than a day after the day's end": ("2026-11-22T00:00:01Z", datetime(2026, 11, 20, tzinfo=UTC), ["started_at replaced"]),
    "a hundred years ahead": ("2126-11-12T09:00:00Z", datetime(2026, 11, 20, tzinfo=UTC), ["started_at replaced"]),
    "the first moment of 2000": ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC), []),
    "before 2000": ("1999-12-31T23:59:59Z", datetime(2026, 11, 20, tzinfo=UTC), ["started_at replaced"]),
    "the year 1": ("0001-01-01T00:00:00+14:00", datetime(2026, 11, 20, tzinfo=UTC), ["started_at replaced"]),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_time_that_cannot_be_is_replaced_by_the_day_and_flagged(name: str) -> None:
    text, expected, flags = TIMES[name]
    found = said(started_at=text)
    assert (found.started_at, found.flags) == (expected, flags)


def test_a_message_without_time_is_as_old_as_its_conversation() -> None:
    found = said(messages=[{"role": "user", "content": "x"}])
    assert found.messages[0].created_at == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_the_same_line_on_another_day_derives_the_same_ids() -> None:
    line = conversation(messages=[{"role": "user", "content": "x"}], feedback=[{"kind": "thumb", "value": "up"}])
    ids = []
    for day in (date(2026, 11, 20), date(2026, 12, 24)):
        found = read(line, day=day)
        assert not isinstance(found, quarantine.Row)
        ids.append((found.found.messages[0].message_id, found.found.events[0].event_id))
    assert ids[0] == ids[1]


def test_a_call_of_a_tool_needs_no_content() -> None:
    call = {"id": "t1", "type": "function", "function": {"name": "track", "arguments": '{"parcel": 7}'}}
    messages = [message("a", None, "user", "x"), message("b", "a", "assistant", None, tool_calls=[call])]
    messages.append(message("c", "b", "tool", "found", tool_call_id="t1", name="track"))
    found = said(messages=messages).messages
    assert (found[1].content, found[1].tool_calls) == (None, [call])
    assert (found[2].tool_call_id, found[2].name) == ("t1", "track")


@pytest.mark.parametrize("calls", ["x", [1], [{"function": "x"}], [{"function": {"name": 5}}]], ids=str)
def test_a_call_in_another_shape_goes_to_quarantine(calls: Any) -> None:
    assert reason(conversation(messages=[message("a", None, "assistant", None, tool_calls=calls)])) == "wrong type: tool_calls"


def test_of_typed_parts_the_text_is_kept_and_the_rest_by_reference() -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 1000
    parts = [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": "nice"}]
    found = said(messages=[message("a", None, "user", parts)]).messages[0]
    assert found.content == "Look:\nnice"
    assert found.parts is not None
    assert found.parts[1]["image_url"]["url"] == f"sha256:{hashlib.sha256(picture.encode()).hexdigest()}"


def test_a_reference_stays_a_reference() -> None:
    parts = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    found = said(messages=[message("a", None, "user", parts)]).messages[0]
    assert (found.content, found.parts) == ("", parts)
