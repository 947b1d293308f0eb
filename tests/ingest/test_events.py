"""Contracts, section 1: feedback by kind. A bad event is quarantined alone, its conversation is stored."""

import pytest

from pipeline.settings import Settings
from tests.ingest.world import conversation, counts, event, event_reason, ingest, reason, rows

GOOD = {
    "thumb up": event(),
    "thumb down with reasons": event(value="down", reasons=["wrong", "rude"], text="no"),
    "thumb none withdraws": event(value="none"),
    "rating with a scale": event(kind="rating", value=4, max=5),
    "rating without a scale": event(kind="rating", value=-0.5),
    "edit": event(kind="edit", text="On its way since Monday."),
    "an edit to nothing": event(kind="edit", text=""),
    "regenerate": event(kind="regenerate"),
    "choose": event(kind="choose", over=["m3"]),
    "choose over several": event(kind="choose", over=["m3", 4]),
    "a tie": event(kind="choose", over=["m3"], value="tie"),
    "both bad": event(kind="choose", over=["m3"], value="both_bad"),
    "copy": event(kind="copy", value="part", text="way"),
    "report": event(kind="report", value="harmful", text="see above"),
    "comment": event(kind="comment", text="thanks"),
    "about the whole conversation": event(message_id=None),
    "about a message that is not there": event(message_id="gone"),
    "on the user's own message": event(message_id="m1"),
    "a span": event(span=[0, 5]),
    "an automatic source": event(source="automatic"),
    "inferred by an importer": event(derived=True),
    "no id, user or time": {"kind": "thumb", "value": "up"},
    "ids that are numbers": event(5, message_id=7, user_id=9),
}


@pytest.mark.parametrize("name", GOOD)
def test_every_kind_of_feedback_is_read(name: str) -> None:
    assert event_reason(GOOD[name]) is None


BAD = {
    "no object": ("up", "not an object"),
    "no kind": (event(kind=None), "missing key: kind"),
    "unknown kind": (event(kind="applause"), "unknown feedback kind"),
    "kind a number": (event(kind=3), "wrong type: kind"),
    "thumb without value": (event(value=None), "missing key: value"),
    "thumb sideways": (event(value="sideways"), "value not allowed"),
    "thumb 1": (event(value=1), "value not allowed"),
    "rating without value": (event(kind="rating"), "missing key: value"),
    "rating in words": (event(kind="rating", value="good"), "wrong type: value"),
    "rating true": (event(kind="rating", value=True), "wrong type: value"),
    "rating of a scale in words": (event(kind="rating", value=1, max="5"), "wrong type: max"),
    "edit without text": (event(kind="edit"), "missing key: text"),
    "edit of a number": (event(kind="edit", text=5), "wrong type: text"),
    "comment without text": (event(kind="comment"), "missing key: text"),
    "choose over a text": (event(kind="choose", over="m3"), "wrong type: over"),
    "choose over null": (event(kind="choose", over=[None]), "wrong type: over"),
    "choose over nothing": (event(kind="choose", over=[]), "missing key: over"),
    "choose of nothing": (event(kind="choose", over=["m3"], message_id=None), "missing key: message_id"),
    "choose with another value": (event(kind="choose", over=["m3"], value="up"), "value not allowed"),
    "copy of more than all": (event(kind="copy", value="both"), "value not allowed"),
    "reasons a text": (event(reasons="wrong"), "wrong type: reasons"),
    "reasons numbers": (event(reasons=[1]), "wrong type: reasons"),
    "span of one": (event(span=[1]), "wrong type: span"),
    "span backwards": (event(span=[5, 1]), "value not allowed"),
    "unknown source": (event(source="oracle"), "value not allowed"),
    "derived 1": (event(derived=1), "wrong type: derived"),
    "empty id": (event(""), "empty: event_id"),
    "user true": (event(user_id=True), "wrong type: user_id"),
    "time in words": (event(created_at="soon"), "wrong type: created_at"),
    "time a number": (event(created_at=1763625600), "wrong type: created_at"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_event_is_refused_with_its_reason(name: str) -> None:
    raw, why = BAD[name]
    assert event_reason(raw) == why


def test_a_bad_event_line_is_a_bad_line() -> None:
    assert reason({"conversation_id": "c1", "kind": "thumb", "value": "sideways"}) == "value not allowed"


def test_a_bad_event_is_quarantined_alone(home: Settings) -> None:
    result = ingest(home, conversation(feedback=[event("good"), event("bad", value="sideways")]))
    assert counts(result) == (1, 1, 0, 0, 0, 1)
    assert result["quarantine"] == [{"file": "log_2026-11-20.jsonl", "line": 1, "what": "event", "reason": "value not allowed"}]
    assert rows(home, "feedback", "event_id") == [("good",)]
    assert rows(home, "quarantine", "event_id", "conversation_id", "what") == [("bad", "c1", "event")]


def test_the_fields_of_an_event_are_kept(home: Settings) -> None:
    ingest(
        home, conversation(feedback=[event(kind="rating", value=4, max=5, reasons=["a"], span=[0, 3], source="automatic", derived=True)])
    )
    columns = ("kind", "value", "max", "reasons", "over", "span", "source", "derived", "current", "day::varchar", "created_at::varchar")
    assert rows(home, "feedback", *columns) == [
        ("rating", "4", 5.0, ["a"], None, [0, 3], "automatic", True, True, "2026-11-20", "2026-11-20 08:01:00+00")
    ]


def test_late_feedback_waits_for_its_conversation(home: Settings) -> None:
    late = event() | {"conversation_id": "c1"}
    assert counts(ingest(home, late, name="a_2026-11-20.jsonl")) == (1, 1, 0, 0, 0, 0)
    assert rows(home, "conversations") == []
    assert counts(ingest(home, conversation(), name="b_2026-11-21.jsonl")) == (1, 1, 0, 0, 0, 0)
    assert rows(home, "feedback", "conversation_id", "day::varchar") == [("c1", "2026-11-20")]


def test_late_feedback_joins_a_conversation_that_is_there(home: Settings) -> None:
    ingest(home, conversation(), name="a_2026-11-20.jsonl")
    assert counts(ingest(home, event() | {"conversation_id": "c1"}, name="b_2026-11-21.jsonl")) == (1, 1, 0, 0, 0, 0)
    assert rows(home, "feedback", "conversation_id", "day::varchar") == [("c1", "2026-11-21")]
    assert rows(home, "conversations", "day::varchar") == [("2026-11-20",)]


def test_the_same_event_inside_a_conversation_and_alone_is_one_event(home: Settings) -> None:
    ingest(home, conversation(feedback=[event()]), name="a_2026-11-20.jsonl")
    assert counts(ingest(home, event() | {"conversation_id": "c1"}, name="b_2026-11-21.jsonl")) == (1, 0, 0, 1, 0, 0)


def test_an_event_with_new_content_is_an_update_and_history_stays(home: Settings) -> None:
    ingest(home, conversation(feedback=[event()]))
    result = ingest(home, event(value="down") | {"conversation_id": "c1"}, name="b_2026-11-21.jsonl")
    assert counts(result) == (1, 0, 1, 0, 0, 0)
    assert rows(home, "feedback", "value", "current", "day::varchar") == [("down", True, "2026-11-21"), ("up", False, "2026-11-20")]


def test_of_two_states_in_one_line_the_later_is_current(home: Settings) -> None:
    ingest(home, conversation(feedback=[event(), event(value="down"), event(value="none")]))
    assert rows(home, "feedback", "value", "current") == [("down", False), ("none", True), ("up", False)]


def test_events_arrive_in_the_order_of_the_log(home: Settings) -> None:
    ingest(home, conversation(feedback=[event("x"), event("y")]), conversation("c2", feedback=[event("z")]))
    assert [e for _, e in rows(home, "feedback", "arrived", "event_id")] == ["x", "y", "z"]
