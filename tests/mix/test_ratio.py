"""General beside domain: passes, repetition and shortfall by arithmetic."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadRecipe
from pipeline.mix import ratio
from tests.mix.rows import general


@given(st.integers(1, 60), st.integers(0, 300), st.integers(1, 5), st.integers(0, 3))
def test_passes_are_what_was_wanted_or_all_the_pool_may_give(pool: int, wanted: int, repeats: int, seed: int) -> None:
    taken, share = ratio.general(general(pool), wanted, repeats, seed)
    counts = Counter(row["example_id"] for row, _ in taken)
    assert len(taken) == share.given == min(wanted, pool * repeats)
    assert share.shortfall == max(0, wanted - pool * repeats)
    assert max(counts.values(), default=0) == share.most <= repeats
    if counts:
        assert share.most - min(counts.values()) <= 1 and (share.most == 1 or len(counts) == pool), "every row before any row again"
    assert len({(row["example_id"], n) for row, n in taken}) == len(taken), "each repeat has its own number"


@pytest.mark.parametrize(("value", "domain", "passes"), [(5, 50, 250), (0.5, 3, 2), (0, 9, 0), (2.5, 1, 3)])
def test_ratio_counts_row_passes(value: float, domain: int, passes: int) -> None:
    assert ratio.passes(value, domain) == passes


@given(st.integers(3, 60), st.integers(0, 3))
def test_every_beginning_of_the_pool_holds_all_topics_in_proportion(n: int, seed: int) -> None:
    order = ratio.spread(general(3 * n), seed)
    for end in range(3, len(order) + 1):
        counts = Counter(row["topic"] for row in order[:end])
        assert max(counts.values()) - min(counts.values()) <= 1, counts


def test_another_seed_draws_other_rows() -> None:
    draws = [tuple(r["example_id"] for r, _ in ratio.general(general(60), 10, 1, seed)[0]) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_a_row_written_twice_in_the_pool_counts_once() -> None:
    line = json.dumps({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]})
    assert len(ratio.parse(f"{line}\n\n{line}\n", "pool")) == 1


@pytest.mark.parametrize("line", ["[]", "{", '{"messages": [{"role": "user", "content": "x"}]}', '{"messages": "no"}'])
def test_a_line_that_is_no_chat_is_named(line: str) -> None:
    with pytest.raises(BadRecipe, match=r"pool\.jsonl line 1 is no chat row"):
        ratio.parse(line, "pool.jsonl")
