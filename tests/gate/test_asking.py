"""The rule that says what is asked next, made from a home: strata from earlier days' candidates alone, errors as the gate would have them."""

import dataclasses
import random

import pytest

from pipeline import lineage
from pipeline.gate import asking
from tests.gate import world
from tests.gate.world import lesson, recipe, scores


@pytest.fixture
def settings(home, tmp_path):
    return world.settle(home, tmp_path / "config")


def _asking(**options):
    base = recipe()
    return base.model_copy(update={"evaluation": base.evaluation.model_copy(update=options)})


def _values(flips, size=600):
    return {"maths": [0.0 if i in flips else 1.0 for i in range(size)], "reading": [1.0] * size, "code": [1.0] * 40}


def _rule(settings, chosen, stem="today", origin=None):
    origin = origin or scores(settings, "origin", _values(()))
    _, _, model = lesson(settings, stem)
    return asking.rule(settings, chosen, model, {"origin": origin, "champion": origin})


def _candidate(settings, monkeypatch, day, stem, flips):
    """An earlier day's candidate, measured against the origin."""
    monkeypatch.setattr(world, "DAY", day)
    origin = scores(settings, "origin", _values(()))
    _, _, model = lesson(settings, stem)
    id = scores(settings, model, _values(flips), references={"origin": origin, "champion": origin})
    monkeypatch.undo()
    return id


def test_items_that_an_earlier_candidate_moved_are_asked_oftener(settings, monkeypatch):
    moved = set(random.Random(3).sample(range(600), 120))
    first = _candidate(settings, monkeypatch, "20261118", "first", moved)
    second = _candidate(settings, monkeypatch, "20261119", "second", set(sorted(moved)[:100]))
    drawn = _rule(settings, _asking(items_per_ability=300)).drawn
    assert drawn.before == (first, second)
    inside, outside = drawn.of("maths")
    assert {doc for _, doc in inside.order} <= moved
    assert inside.size == 120
    assert len(inside.order) / 120 > len(outside.order) / 480
    assert len(drawn.of("reading")) == 1


def test_todays_own_answers_never_cut_the_strata(settings, monkeypatch):
    _candidate(settings, monkeypatch, world.DAY, "other", set(range(150)))
    drawn = _rule(settings, _asking(items_per_ability=300), origin=scores(settings, "origin", _values(()), evalset="f")).drawn
    assert drawn.before == ()
    assert len(drawn.of("maths")) == 1


def test_what_is_declared_does_not_move_with_the_answers(settings):
    rule = _rule(settings, _asking(looks=4))
    before = rule.declared
    assert rule.more([])
    assert rule.declared == before
    assert rule.record["draw"]["reach"] == {"maths": 1, "reading": 1, "code": 1}


def test_margins_and_errors_are_those_of_the_gate(settings):
    chosen = _asking(looks=4)
    terms = _rule(settings, chosen).terms
    assert terms["champion"].margins["maths"] == chosen.gate.margin
    assert terms["origin"].margins["maths"] == chosen.gate.origin_margin
    assert terms["champion"].report_only == {"code"}
    assert {t.alpha_to_block for t in terms.values()} == {0.05}  # the champion is the origin: one test


def test_against_another_champion_the_origin_gets_a_sixtieth(settings):
    origin = scores(settings, "origin", _values(()))
    _, _, served = lesson(settings, "served")
    champion = scores(settings, served, _values(()))
    _, _, model = lesson(settings, "today")
    terms = asking.rule(settings, _asking(looks=4), model, {"origin": origin, "champion": champion}).terms
    assert terms["origin"].alpha_to_block == pytest.approx(0.05 / 60)
    assert terms["origin"].alpha == 0.05


def test_whole_references_are_cut_to_what_was_asked_and_targets_are_left(settings):
    values = _values(()) | {"intent": [1.0] * 30}
    rule = _rule(settings, _asking(looks=4), origin=scores(settings, "origin", values))
    fresh = rule.more([])
    cut = asking.cut(rule.references["origin"], rule.drawn)
    assert {name: len(b.rows) for name, b in cut.benchmarks.items()} == {"b_maths": 150, "b_reading": 150, "b_code": 10, "b_intent": 30}
    assert "b_intent" not in fresh


def test_partial_scores_are_no_reference(settings):
    from pipeline.errors import Permanent
    from pipeline.gate.run import run

    _, _, model = lesson(settings)
    scores(settings, "origin", _values(()), sampling={"asked": 1})
    with pytest.raises(Permanent, match="has no scores on the items"):
        run(scores(settings, model, _values(())), recipe(), settings)


def test_a_judged_candidate_spends_what_it_would_have_spent_before(settings):
    """The verdict on a candidate is no earlier attempt of its own."""
    origin = scores(settings, "origin", _values(()))
    _, _, model = lesson(settings, "today")
    once = asking.rule(settings, _asking(looks=4), model, {"origin": origin, "champion": origin}).declared
    from pipeline.gate.run import run

    run(scores(settings, model, _values(())), recipe(), settings)
    assert asking.rule(settings, _asking(looks=4), model, {"origin": origin, "champion": origin}).declared == once
    pairs = lineage.ancestors(settings, model)[-1]
    _, _, second = lesson(settings, "second", pairs=pairs)
    again = asking.rule(settings, _asking(looks=4), second, {"origin": origin, "champion": origin}).terms["champion"]
    assert again.alpha == pytest.approx(0.05 / 6)
    assert dataclasses.asdict(again)["pooled_margin"] == 0.03
