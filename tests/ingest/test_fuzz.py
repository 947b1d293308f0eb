"""Whatever stands in a file, every line is counted once and nothing but a reason comes of it."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest import quarantine, strict
from pipeline.ingest.batch import Batch
from pipeline.ingest.chunk import Understood
from tests.ingest.world import DAY, conversation, event, message, read

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("m1"), st.just("up"))
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3))
)


def mutated(whole: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A good object of which some values were replaced by anything."""
    return st.dictionaries(st.sampled_from([*whole, "value", "over", "span", "tool_calls"]), values, max_size=2).map(lambda d: whole | d)


messages = st.lists(mutated(message("m1", None, "user", "x")), max_size=3)
events = st.lists(st.one_of(mutated(event()), values), max_size=3)
lines = st.one_of(
    values,
    mutated(conversation()),
    st.builds(lambda m, f: conversation(messages=m, feedback=f), messages, events),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines)
def test_any_line_is_understood_or_refused_with_a_reason(line: Any) -> None:
    found = read(json.dumps(line).encode("utf-8", "surrogatepass"))
    if isinstance(found, quarantine.Row):
        assert found.reason
        return
    batch = Batch(DAY, 1, set(), True, lambda user: user)
    batch.take([(found.file, found), (found.file, found)], {})
    assert batch.result()["lines"] == 2
    assert batch.counts["stored"] == 1
    assert batch.counts["unchanged"] == 1


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason_or_read(raw: bytes) -> None:
    found = read(raw.replace(b"\n", b" "))
    assert isinstance(found, Understood) or found.reason


@settings(max_examples=300, deadline=None)
@given(values)
def test_the_fast_reader_and_the_slow_agree(value: Any) -> None:
    raw = json.dumps({"a": value}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    outcomes = []
    for reader in (strict.parse, strict.value):
        try:
            outcomes.append(reader(raw))
        except quarantine.Refused as refused:
            outcomes.append(refused.reason)
    assert outcomes[0] == outcomes[1]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 300), st.integers(0, 255))
def test_one_changed_byte_never_passes_unseen_into_another_shape(at: int, byte: int) -> None:
    raw = bytearray(json.dumps(conversation(feedback=[event()])).encode())
    raw[at % len(raw)] = byte
    if byte == 10:
        return
    found = read(bytes(raw))
    assert isinstance(found, Understood) or found.reason
