"""What must be true of every pair of models, searched by hypothesis."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.gate.intervals import interval, tango
from pipeline.gate.multiplicity import holm
from pipeline.gate.paired import Pairs, mcnemar, p_value
from pipeline.gate.verdict import SEVERITY, judge
from tests.gate.pairs import suite

counts = (
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 400))
    .map(lambda c: (c[0], c[1], c[0] + c[1] + c[2]))
    .filter(lambda c: c[2] > 0)
)
suites = st.dictionaries(st.sampled_from("abcdef"), counts, min_size=1, max_size=5)
shares = st.lists(st.tuples(st.sampled_from([0, 0.25, 0.5, 1]), st.sampled_from([0, 0.25, 0.5, 1])), min_size=1, max_size=60)


@given(counts)
def test_swapping_the_models_mirrors_the_interval(c):
    lost, gained, n = c
    low, high = tango(lost, gained, n)
    assert tango(gained, lost, n) == pytest.approx((-high, -low), abs=1e-9)


@given(shares)
def test_swapping_mirrors_the_interval_of_values_between_too(values):
    pairs = Pairs.of([a for a, _ in values], [b for _, b in values])
    low, high = interval(pairs)
    assert interval(pairs.swapped()) == pytest.approx((-high, -low), abs=1e-9)


@given(suites)
def test_swapping_exchanges_lost_and_gained(c):
    a, b = suite(c)
    there, back = judge(a, b), judge(b, a)
    for name in c:
        assert (there.abilities[name]["lost"], there.abilities[name]["gained"]) == (
            back.abilities[name]["gained"],
            back.abilities[name]["lost"],
        )


@given(counts)
def test_one_more_lost_item_is_never_better(c):
    lost, gained, n = c
    if lost + gained == n:
        return
    assert mcnemar(lost + 1, gained) <= mcnemar(lost, gained)
    assert tango(lost + 1, gained, n)[1] >= tango(lost, gained, n)[1] - 1e-9


@given(suites, st.randoms(use_true_random=False))
def test_the_order_of_items_changes_nothing(c, dice):
    a, b = suite(c)
    clusters = {n: [dice.randrange(9) for _ in v] for n, v in a.items()}
    wanted = judge(a, b, clusters=clusters)
    order = {n: random.Random(dice.random()).sample(range(len(v)), len(v)) for n, v in a.items()}
    mixed = [{n: [side[n][i] for i in order[n]] for n in side} for side in (a, b, clusters)]
    assert judge(mixed[0], mixed[1], clusters=mixed[2]) == wanted


@settings(max_examples=50)
@given(suites, st.sampled_from([0.02, 0.05, 0.2]))
def test_what_is_missing_never_promotes(c, margin):
    a, b = suite(c)
    for name in c:
        assert judge(a, {n: v for n, v in b.items() if n != name}, margin).verdict != "promote"
        assert judge(a, b | {name: [float("nan"), *b[name][1:]]}, margin).verdict != "promote"
        assert judge(a, b | {name: b[name][1:]}, margin).verdict != "promote"


@given(suites, st.sampled_from([0.01, 0.02, 0.05]))
def test_a_wider_margin_is_never_a_worse_verdict(c, margin):
    a, b = suite(c)
    narrow, wide = judge(a, b, margin, margin / 2), judge(a, b, 2 * margin, margin)
    assert SEVERITY.index(wide.verdict) <= SEVERITY.index(narrow.verdict)


@given(suites)
def test_promoted_rows_are_inside_their_margins_and_blocked_rows_are_proved(c):
    found = judge(*suite(c), margin=0.05)
    for row in found.abilities.values():
        assert (row["decision"] == "promote") == (row["interval"][1] < row["margin"])
        if row["decision"] == "block":
            assert row["adjusted_p"] <= (0.05 if len(c) == 1 else 0.025)


@given(shares)
def test_p_and_interval_are_shares(values):
    pairs = Pairs.of([a for a, _ in values], [b for _, b in values])
    low, high = interval(pairs)
    assert 0 < p_value(pairs) <= 1
    assert -1 <= low <= pairs.drop + 1e-9
    assert pairs.drop - 1e-9 <= high <= 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_its_definition(values):
    ordered = sorted(values)
    k = len(ordered)
    wanted = [max(min(1.0, (k - j) * ordered[j]) for j in range(i + 1)) for i in range(k)]
    found = holm({str(i): p for i, p in enumerate(values)})
    assert sorted(found.values()) == wanted
    assert all(found[str(i)] >= p for i, p in enumerate(values))


@given(suites, st.sampled_from([0.02, 0.05]))
def test_one_more_lost_item_never_betters_a_verdict(c, margin):
    a, b = suite(c)
    before = judge(a, b, margin)
    name = next((n for n in c if any(x == y == 1.0 for x, y in zip(a[n], b[n], strict=True))), None)
    if name is None:
        return
    worse = list(b[name])
    worse[next(i for i, (x, y) in enumerate(zip(a[name], worse, strict=True)) if x == y == 1.0)] = 0.0
    after = judge(a, b | {name: worse}, margin)
    assert SEVERITY.index(after.abilities[name].decision) >= SEVERITY.index(before.abilities[name].decision)
    assert after.abilities[name].p <= before.abilities[name].p
    assert SEVERITY.index(after.verdict) >= SEVERITY.index(before.verdict)


@settings(max_examples=50)
@given(suites, st.sampled_from([0.02, 0.05]), st.integers(1, 30))
def test_items_that_go_missing_on_one_side_never_help(c, margin, gone):
    a, b = suite(c)
    for name in c:
        kept = b[name][: max(0, len(b[name]) - gone)]
        assert judge(a, b | {name: kept}, margin).verdict != "promote"


@given(suites, st.sampled_from([0.0005, 0.005, 0.05]))
def test_a_smaller_alpha_to_block_never_blocks_more_and_certifies_the_same(c, alpha):
    a, b = suite(c)
    usual, rare = judge(a, b, 0.05), judge(a, b, 0.05, alpha_to_block=alpha)
    for name in c:
        assert (rare.abilities[name].decision == "promote") == (usual.abilities[name].decision == "promote")
        assert rare.abilities[name].decision != "block" or usual.abilities[name].decision == "block"
