"""How large one conversation may be, and that a refusal of consent is heard even from one that is too large."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest import limits, quarantine, strict
from pipeline.ingest.chunk import Understood, understand
from pipeline.ingest.derive import Clock
from pipeline.ingest.quarantine import Refused
from pipeline.ingest.read import File, Line
from tests.ingest.world import DAY, conversation, read, reason

ONE = {"role": "user", "content": ""}


def row_of_parquet(body: dict[str, Any]) -> str | None:
    found = understand(File(Path("x.parquet"), "0" * 64, DAY, True), Line(1, body), Clock.of(DAY), True)
    return found.reason if isinstance(found, quarantine.Row) else None


OVER = {
    "messages": (conversation(messages=[ONE] * 100_001), "more than 100000 messages"),
    "events": (conversation(feedback=[{"kind": "copy"}] * 100_001), "more than 100000 feedback events"),
    "keys": (conversation(metadata={str(i): 1 for i in range(10_001)}), "more than 10000 keys in one object"),
    "metadata": (conversation(metadata={"x": "y" * (1 << 20)}), "metadata over 1 MiB"),
    "metadata in small pieces": (conversation(metadata={"x": ["y" * 100] * 11_000}), "metadata over 1 MiB"),
}


@pytest.mark.parametrize("name", OVER)
def test_what_is_over_a_limit_is_refused_by_its_name(name: str) -> None:
    line, why = OVER[name]
    assert reason(line) == why
    assert row_of_parquet(line) == why


UNDER = {
    "messages": conversation(messages=[{"role": "user", "content": "x" * 11}] * 5_000),
    "keys": conversation(metadata={str(i): 1 for i in range(10_000)}),
    "metadata": conversation(metadata={"x": "y" * ((1 << 20) - 1)}),
    "a long text": conversation(messages=[{"role": "user", "content": "x" * (15 << 20)}]),
}


@pytest.mark.parametrize("name", UNDER)
def test_what_is_at_a_limit_is_stored(name: str) -> None:
    assert reason(UNDER[name]) is None


def test_a_row_of_parquet_may_hold_no_more_text_than_a_line() -> None:
    assert row_of_parquet(conversation(messages=[{"role": "user", "content": "x" * (15 << 20)}])) is None
    assert row_of_parquet(conversation(messages=[{"role": "user", "content": "x" * (9 << 20)}] * 2)) == "text over 16 MiB"


def test_a_refusal_of_consent_is_heard_from_a_conversation_that_is_too_large() -> None:
    found = read(conversation(consent=False, messages=[ONE] * 100_001))
    assert isinstance(found, Understood)
    assert not found.found.consent


def test_a_line_that_is_small_is_not_counted_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_characters", lambda *_: pytest.fail("it was"))
    limits.check(conversation(), len(json.dumps(conversation())))


@pytest.mark.parametrize("reader", [strict.parse, strict.value], ids=["fast", "slow"])
def test_both_readers_count_keys(reader: Any) -> None:
    with pytest.raises(Refused, match="more than 10000 keys"):
        reader(json.dumps({"a": {str(i): i for i in range(10_001)}}).encode())


def test_without_consent_by_default_the_text_of_a_refused_line_is_not_kept() -> None:
    torn = b'{"conversation_id": "c1", "messages": [{"content": "my secret'
    kept = [read(raw, consent_default=default) for raw, default in ((torn, True), (torn, False), (b'{"consent": true, ' + torn[1:], False))]
    assert [row.text is not None for row in kept if isinstance(row, quarantine.Row)] == [True, False, True]


TIMES = {
    "month 13": ("2026-13-01T00:00:00Z", "impossible time: started_at"),
    "30 February": ("2026-02-30T00:00:00Z", "impossible time: started_at"),
    "25 o'clock": ("2026-02-03T25:00:00Z", "impossible time: started_at"),
    "in words": ("yesterday", "wrong type: started_at"),
    "a number": (1763596800, "wrong type: started_at"),
    "far ahead": ("2126-02-03T00:00:00Z", None),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_time_that_no_calendar_has_is_named(name: str) -> None:
    value, why = TIMES[name]
    assert reason(conversation(started_at=value)) == why


def test_of_a_long_refused_line_the_beginning_is_kept_and_its_end_is_still_heard() -> None:
    long = b'{"conversation_id": "c1", "messages": [{"content": "bob@example.com ' + b"2026-11-20 +49 30 901820 " * 100_000
    kept, denied = (read(long + end) for end in (b"", b'", "consent": false'))
    assert isinstance(kept, quarantine.Row) and isinstance(denied, quarantine.Row)
    assert kept.text is not None and len(kept.text) <= quarantine.KEPT_CHARS and kept.text.endswith("…")
    assert '"content": "<EMAIL_1>' in kept.text
    assert (denied.text, denied.conversation_id) == (None, "c1")
