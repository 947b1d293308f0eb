"""The draw: a random order laid down before the first answer, more of it where earlier candidates moved answers."""

import json
import random

import pytest

from pipeline.gate.sampling import Sampling, draw, spreads

POOL = {"maths": [("b_maths", i) for i in range(1000)], "code": [("b_code", i) for i in range(40)]}


def _reached(drawn, look):
    for _ in range(look):
        drawn = drawn.further(drawn.abilities)
    return drawn


def test_every_item_stands_once_in_a_random_order_that_the_seed_fixes():
    drawn = draw(POOL, 4, 17)
    [maths] = drawn.of("maths")
    assert sorted(maths.order) == POOL["maths"] != list(maths.order)
    assert drawn == draw(POOL, 4, 17) != draw(POOL, 4, 18)


def test_each_look_asks_every_ability_on_by_the_same_share():
    drawn = draw(POOL, 4, 17)
    for look, counts in ((1, (250, 10)), (2, (500, 20)), (4, (1000, 40))):
        asked = _reached(drawn, look).asked()
        assert (len(asked["b_maths"]), len(asked["b_code"])) == counts
    assert drawn.asked() == {}


def test_a_stopped_ability_is_asked_no_further():
    drawn = _reached(draw(POOL, 4, 17), 1).further({"code"})
    assert dict(drawn.reach) == {"maths": 1, "code": 2}
    assert (len(drawn.asked()["b_maths"]), len(drawn.asked()["b_code"])) == (250, 20)


def test_a_cap_draws_at_random_and_no_ability_gets_more_than_it_has():
    drawn = draw(POOL, 1, 17, most=300)
    assert (drawn.planned("maths"), drawn.planned("code")) == (300, 40)
    assert drawn.plain


def test_items_that_moved_before_are_drawn_oftener_and_stand_for_their_share():
    rng = random.Random(1)
    moved = [("b_maths", i) for i in range(200)]
    past = {f"s{k}": [*rng.sample(moved, 150), ("b_maths", 500 + k)] for k in range(4)}
    drawn = draw(POOL, 1, 17, most=400, past=past)
    inside, outside = drawn.of("maths")
    assert inside.size + outside.size == 1000
    assert len(inside.order) + len(outside.order) == 400
    assert len(inside.order) / inside.size > 2 * len(outside.order) / outside.size
    assert len(outside.order) >= 100
    assert drawn.before == ("s0", "s1", "s2", "s3")
    assert not drawn.plain


def test_no_strata_where_all_is_asked_or_items_hang_together():
    past = {"s0": POOL["maths"][:200]}
    assert len(draw(POOL, 4, 17, past=past).of("maths")) == 1
    assert len(draw(POOL, 4, 17, most=400, past=past, together={"maths"}).of("maths")) == 1


def test_expected_flips_are_shared_as_they_repeated():
    docs = [("b", i) for i in range(1000)]
    # the second candidate moved 80 items of which 60 had moved before: (60 + 1) / (80 + 2) of 90 flips on 120 items
    past = [docs[:100], [*docs[:60], *docs[100:120]]]
    inside, outside = spreads(docs, past)
    assert inside**2 == pytest.approx(90 * 61 / 82 / 120)
    assert outside**2 == pytest.approx(90 * 21 / 82 / 880)


def test_what_is_sealed_reads_back_the_same():
    drawn = _reached(draw(POOL, 4, 17, most=300), 2)
    assert Sampling.read(json.loads(json.dumps(drawn.facts()))) == drawn
