"""The table of a candidate asked in looks: bounds that pay for every look, figures as they stood at the stop."""

import math

import numpy as np
import pytest
from scipy import stats

from pipeline.distributions import z_of
from pipeline.gate import boundaries
from pipeline.gate.comparison import Comparison
from pipeline.gate.paired import Pairs
from pipeline.gate.pairing import Paired
from pipeline.gate.sampling import draw
from pipeline.gate.seen import Seen
from pipeline.gate.stopping import Terms, still_open, table
from tests.gate.pairs import sides


def _found(**counts):
    """Items whose flips lie at the front of the pool; the draw shuffles them."""
    paired = {}
    for name, c in counts.items():
        a, b = sides(*c)
        docs = [(f"b_{name}", i) for i in range(len(a))]
        paired[name] = Paired(champion=a, candidate=b, clusters=[f"{name}{i}" for i in range(len(a))], prompts=[""] * len(a), docs=docs)
    return Comparison(paired=paired)


def _terms(names, margin=0.05, pooled=0.03, **more):
    return Terms(dict.fromkeys(names, margin), pooled, **{"alpha": 0.05, "alpha_to_block": 0.05} | more)


def _drawn(found, looks=4, reach=4, **options):
    drawn = draw({n: p.docs for n, p in found.paired.items()}, looks, 17, **options)
    for _ in range(reach):
        drawn = drawn.further(drawn.abilities)
    return drawn


@pytest.mark.parametrize(("z", "look"), [(3.0, 3), (1.9, 4), (5.8, 1), (0.4, 2)])
def test_the_p_of_a_look_is_the_alpha_whose_bound_it_reaches_exactly(z, look):
    p = boundaries.repeated_p(z, look, 4)
    assert boundaries.bounds(p, 4)[look - 1] == pytest.approx(z, abs=1e-5)


def test_with_one_look_the_p_is_that_of_the_fixed_test():
    assert boundaries.repeated_p(1.7, 1, 1) == pytest.approx(stats.norm.sf(1.7), abs=1e-9)
    assert boundaries.repeated_p(-1.0, 2, 4) == 1.0


def test_few_flips_prove_no_more_than_the_exact_test_says():
    few = Seen(((1.0, Pairs.counts(6, 0, 150)),))
    assert few.fall() == pytest.approx(z_of(1 / 64))
    assert Seen(((1.0, Pairs.counts(0, 6, 150)),)).fall() < 0


def test_an_unchanged_candidate_is_settled_before_the_last_item_and_its_rows_say_where():
    found = _found(maths=(40, 40, 2000), reading=(40, 40, 2000))
    judged = table(found, _terms(found.paired), _drawn(found))
    assert judged.verdict == "promote"
    row = judged.abilities["maths"]
    assert row.look < 4
    assert row.n == row.look * 500
    assert row.of == 2000
    assert row.interval[1] < row.margin
    assert judged.reasons[0].startswith("promote: each of 2 abilities")


def test_a_fall_blocks_and_is_proved_over_all_looks():
    found = _found(maths=(180, 60, 2000), reading=(40, 40, 2000))
    judged = table(found, _terms(found.paired), _drawn(found))
    row = judged.abilities["maths"]
    assert judged.verdict == row.decision == "block"
    assert row.adjusted_p <= 0.025
    assert judged.reasons[0].startswith("block: maths: ")


def test_what_lies_behind_a_stop_changes_nothing():
    found = _found(maths=(0, 0, 2000), reading=(0, 0, 2000))
    drawn = _drawn(found)
    judged = table(found, _terms(found.paired), drawn)
    seen = set(drawn.of("maths")[0].order[: judged.abilities["maths"].n])
    for i, doc in enumerate(found.paired["maths"].docs):
        if doc not in seen:
            found.paired["maths"].candidate[i] = 0.0
    assert table(found, _terms(found.paired), drawn) == judged


def test_asked_less_far_holds_and_stays_open():
    found = _found(maths=(60, 40, 2000), reading=(40, 40, 2000))
    drawn = _drawn(found, reach=1)
    assert table(found, _terms(found.paired, 0.02, 0.01), drawn).verdict == "hold"
    assert still_open(found, _terms(found.paired, 0.02, 0.01), drawn) == {"maths", "reading"}


def test_a_block_ends_all_asking():
    found = _found(maths=(900, 0, 2000), reading=(40, 40, 2000))
    assert still_open(found, _terms(found.paired), _drawn(found, reach=1)) is None


def test_settled_abilities_are_asked_on_only_while_all_items_together_are_open():
    found = _found(maths=(100, 100, 2000), reading=(0, 0, 2000))
    drawn = _drawn(found, reach=2)
    assert still_open(found, _terms(found.paired, 0.01, 0.5), drawn) == {"maths"}
    assert still_open(found, _terms(found.paired, 0.01, 0.002), drawn) == {"maths", "reading"}


def test_report_only_is_not_waited_for_and_may_block():
    found = _found(maths=(0, 0, 2000), code=(2, 2, 40))
    terms = _terms(found.paired, report_only=frozenset({"code"}))
    assert table(found, terms, _drawn(found)).verdict == "promote"
    assert still_open(found, terms, _drawn(found, reach=2)) == set()
    crashed = _found(maths=(0, 0, 2000), code=(38, 0, 40))
    assert table(crashed, terms, _drawn(crashed)).verdict == "block"


def test_strict_blocks_a_small_drop_that_is_proved():
    found = _found(maths=(1200, 900, 30_000))
    # one look, so that both recipes read the same row
    drawn = _drawn(found, looks=1, reach=1)
    assert table(found, _terms(found.paired), drawn).verdict == "promote"
    assert table(found, _terms(found.paired, strict=True), drawn).verdict == "block"


def test_a_sure_drop_within_its_margin_is_no_collapse():
    found = _found(maths=(120, 40, 6000))
    assert table(found, _terms(found.paired), _drawn(found)).verdict == "promote"
    fallen = _found(maths=(900, 100, 6000))
    assert table(fallen, _terms(fallen.paired), _drawn(fallen)).abilities["maths"].collapsed


def test_missing_and_unreadable_values_hold():
    found = _found(maths=(0, 0, 2000), reading=(0, 0, 2000))
    found.paired["maths"].candidate[7] = math.nan
    judged = table(found, _terms(found.paired), _drawn(found))
    assert judged.verdict == "hold"
    assert any("no number between 0 and 1" in r for r in judged.reasons)
    found = _found(maths=(0, 0, 2000), reading=(0, 0, 2000))
    found.incomplete["reading"] = "b_two is missing"
    assert table(found, _terms(found.paired), _drawn(found)).verdict == "hold"


def test_equal_inputs_give_equal_bytes():
    found = _found(maths=(60, 40, 2000), reading=(40, 40, 2000))
    assert repr(table(found, _terms(found.paired), _drawn(found))) == repr(table(found, _terms(found.paired), _drawn(found)))


def test_the_weighted_drop_is_the_worked_example():
    strata = ((0.11253, Pairs.counts(425, 370, 987)), (0.88747, Pairs.counts(7, 7, 1013)))
    seen = Seen(strata)
    assert seen.estimate.drop == pytest.approx(0.006271, abs=5e-7)
    assert seen.estimate.error == pytest.approx(0.004587, abs=2e-6)
    assert seen.fall() == pytest.approx(1.3671, abs=1e-3)
    assert seen.interval(0.05)[1] == pytest.approx(0.013816, abs=5e-6)


def test_a_stratum_in_which_nothing_flipped_is_not_taken_for_certain():
    seen = Seen(((0.1, Pairs.counts(40, 40, 100)), (0.9, Pairs.counts(0, 0, 100))))
    assert seen.estimate.error == pytest.approx(math.hypot(0.1 * math.sqrt(0.8 / 100), 0.9 / 100))


def test_strata_leave_no_bias_and_their_errors_are_true():
    """Thousand draws from one pool whose drop is known: the mean of the estimates, and how often the 90% interval holds the truth."""
    rng = np.random.default_rng(3)
    pool = np.concatenate([rng.choice([1, -1, 0], 400, p=[0.42, 0.36, 0.22]), rng.choice([1, -1, 0], 3600, p=[0.012, 0.008, 0.98])])
    weights, taken = (0.1, 0.9), (240, 360)
    truth, found, held = pool.mean(), [], 0
    for _ in range(1000):
        parts = [rng.choice(p, n, replace=False) for p, n in zip((pool[:400], pool[400:]), taken, strict=True)]
        seen = Seen(tuple((w, Pairs(tuple(p.astype(float)))) for w, p in zip(weights, parts, strict=True)))
        low, high = seen.interval(0.05)
        held += low <= truth <= high
        found.append(seen.estimate.drop)
    assert np.mean(found) == pytest.approx(truth, abs=4 * np.std(found) / math.sqrt(1000))
    assert held / 1000 >= 0.88


def test_unchanged_candidates_are_blocked_in_looks_as_seldom_as_promised():
    rng, blocked, worlds = np.random.default_rng(11), 0, 150
    for _ in range(worlds):
        counts = {n: (*rng.multinomial(500, [0.04, 0.04, 0.92])[:2], 500) for n in "abcd"}
        found = _found(**{n: tuple(map(int, c)) for n, c in counts.items()})
        blocked += table(found, _terms("abcd", 0.05, 0.01), _drawn(found)).verdict == "block"
    assert blocked / worlds <= 0.075 + 2 * math.sqrt(0.075 * 0.925 / worlds)
