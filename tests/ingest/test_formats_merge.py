"""Calls laid over one another: a common beginning is there once, every call can be read back from the tree, and no order of reading matters."""

import hashlib
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from pipeline.ingest.formats.base import Reading, Record
from pipeline.ingest.formats.calls import Call, gathered
from pipeline.ingest.formats.tree import Tree
from pipeline.ingest.read import File
from tests.ingest.exports import DAY

FILE = File(Path("x.jsonl"), "0" * 64, DAY, True)
turn = st.builds(
    lambda role, text: {"role": role, "content": text}, st.sampled_from(["user", "assistant", "system"]), st.sampled_from("abc")
)
calls = st.lists(
    st.builds(
        lambda heard, said: {"heard": heard, "said": said},
        st.lists(turn, min_size=1, max_size=5),
        st.lists(st.sampled_from("xyz"), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=8,
)


def laid(listed: list[dict[str, Any]]) -> tuple[dict[str, Any], list[list[str]]]:
    tree = Tree("c1")
    ids = []
    for n, one in enumerate(listed):
        said = [{"role": "assistant", "content": text} for text in one["said"]]
        ids.append(tree.add(one["heard"], said, f"2026-11-20T08:00:{n:02d}Z", None, None))
    return tree.native(), ids


def path(messages: list[dict[str, Any]], id: str) -> list[tuple[str, str]]:
    """Role and content of a message and all above it, from the root."""
    by_id = {m["message_id"]: m for m in messages}
    found: list[tuple[str, str]] = []
    at: Any = id
    while at is not None:
        found.insert(0, (by_id[at]["role"], by_id[at]["content"]))
        at = by_id[at]["parent_id"]
    return found


@given(calls)
@limits(max_examples=300, deadline=None)
def test_every_call_can_be_read_back(listed: list[dict[str, Any]]) -> None:
    native, ids = laid(listed)
    for one, answers in zip(listed, ids, strict=True):
        heard = [(m["role"], m["content"]) for m in one["heard"]]
        assert [path(native["messages"], id) for id in answers] == [[*heard, ("assistant", text)] for text in one["said"]]
        assert len(set(answers)) == len(answers)


@given(calls)
@limits(max_examples=200, deadline=None)
def test_what_was_said_once_is_there_once(listed: list[dict[str, Any]]) -> None:
    """As many messages as there are different beginnings; equal choices of one call count each."""
    native, _ = laid(listed)
    wanted = {tuple((m["role"], m["content"]) for m in one["heard"][:n]) for one in listed for n in range(1, len(one["heard"]) + 1)}
    prefixes = {tuple(path(native["messages"], m["message_id"])) for m in native["messages"]}
    assert wanted <= prefixes
    again, _ = laid(listed + listed)
    assert [m["message_id"] for m in again["messages"]] == [m["message_id"] for m in native["messages"]]


@given(calls)
@limits(max_examples=200, deadline=None)
def test_ids_are_those_that_the_contract_derives(listed: list[dict[str, Any]]) -> None:
    """`d` + 15 hex of sha256 over the JSON of [conversation_id, parent id, role, content, occurrence among equal siblings]."""
    native, _ = laid(listed)
    seen: Counter[tuple[Any, ...]] = Counter()
    for message in native["messages"]:
        parts = ("c1", message["parent_id"], message["role"], message["content"])
        text = json.dumps([*parts, seen[parts]], sort_keys=True, ensure_ascii=False)
        assert message["message_id"] == "d" + hashlib.sha256(text.encode()).hexdigest()[:15]
        seen[parts] += 1


@given(calls, st.integers())
@limits(max_examples=200, deadline=None)
def test_the_order_of_reading_does_not_matter(listed: list[dict[str, Any]], seed: int) -> None:
    def out(order: list[int]) -> Any:
        def read(record: dict[str, Any], reading: Reading) -> Any:
            one, n = listed[record["n"]], record["n"]
            said = [{"role": "assistant", "content": text} for text in one["said"]]
            yield Call(f"call-{n}", "c1", one["heard"], said, began=f"2026-11-20T08:00:{n:02d}Z")

        ((_, line),) = gathered(read)(iter([Record(FILE, n + 1, {"n": n}) for n in order]), Reading())
        return line.body

    order = list(range(len(listed)))
    shuffled = random.Random(seed).sample(order, len(order))
    assert out(shuffled) == out(order)


def test_a_call_that_goes_another_way_opens_a_branch() -> None:
    user, other = {"role": "user", "content": "q"}, {"role": "user", "content": "p"}
    answer = {"role": "assistant", "content": "a"}
    native, ids = laid(
        [{"heard": [user], "said": ["a"]}, {"heard": [user, answer, user], "said": ["b"]}, {"heard": [user, answer, other], "said": ["c"]}]
    )
    texts = [m["content"] for m in native["messages"]]
    assert texts == ["q", "a", "q", "b", "p", "c"]
    by_id = {m["message_id"]: m for m in native["messages"]}
    assert by_id[by_id[ids[1][0]]["parent_id"]]["parent_id"] == by_id[by_id[ids[2][0]]["parent_id"]]["parent_id"] == ids[0][0]


def test_only_what_was_new_is_dated() -> None:
    user, answer = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
    native, _ = laid([{"heard": [user, answer, user], "said": ["b"]}])
    assert [m.get("created_at") for m in native["messages"]] == [None, None, "2026-11-20T08:00:00Z", None]
