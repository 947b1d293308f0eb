"""Planted noise is recovered inside its intervals, from verdicts and from agreement; nobody's contradiction makes a kind of signal unreliable."""

import json
import random
from collections.abc import Iterator

import pytest
from scipy import stats

from pipeline.audit import belief, found
from pipeline.audit.found import Cell
from pipeline.mine import witness
from pipeline.mine.batch import Batch
from pipeline.mine.reliability import Reliability
from tests.mine.world import ALL, DAY, Row, batch, reasons, said, talk, turn


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (3.5, 1.5), (40.5, 2.5), (200, 300), (0.5, 60)])
def test_quantiles_are_scipys(a: float, b: float) -> None:
    for p in (0.025, 0.3, 0.5, 0.975):
        assert belief.quantile(p, a, b) == pytest.approx(stats.beta.ppf(p, a, b), abs=1e-9)


def world(seed: int, strength: float = 20.0) -> tuple[dict[Cell, float], dict[Cell, tuple[int, int]]]:
    """Rates of right rows by app and group about their kind's own, and what a sample of 8 to 60 verdicts each shows."""
    draw = random.Random(seed)
    truth, seen = {}, {}
    for rule, rate in (("edit/sft", 0.95), ("choose/dpo", 0.85), ("thumb/kto", 0.7), ("regenerate/dpo", 0.6)):
        for app in "abcd":
            for users in ("one word", "few words", "many words"):
                cell = Cell(rule, app, users)
                truth[cell] = draw.betavariate(strength * rate, strength * (1 - rate))
                n = draw.randint(8, 60)
                seen[cell] = (sum(draw.random() < truth[cell] for _ in range(n)), n)
    return truth, seen


def covered(level: float, seeds: range) -> Iterator[bool]:
    for seed in seeds:
        truth, seen = world(seed)
        known = Reliability(seen, {})
        for cell, rate in truth.items():
            of = known.about(cell.rule, cell.app, cell.group, 0.5)
            assert of is not None
            low, high = of.interval(level)
            yield low <= rate <= high


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_planted_rates_lie_in_their_intervals_about_as_often_as_these_say(level: float) -> None:
    hits = list(covered(level, range(60)))
    assert len(hits) == 60 * 48 and abs(sum(hits) / len(hits) - level) < 0.03


def test_shrinking_errs_less_than_the_plain_share() -> None:
    shrunk, plain = 0.0, 0.0
    for seed in range(30):
        truth, seen = world(seed)
        known = Reliability(seen, {})
        for cell, rate in truth.items():
            right, n = seen[cell]
            shrunk += (known.about(cell.rule, cell.app, cell.group, 0.5).mean - rate) ** 2  # type: ignore[union-attr]
            plain += (right / n - rate) ** 2
    assert shrunk < 0.75 * plain


@pytest.mark.parametrize("noise", [0.05, 0.15, 0.3])
def test_agreement_between_users_recovers_planted_noise(noise: float) -> None:
    """200 answers with a thumb of two users each; each thumb is wrong at the planted rate. The interval is that of 20 judged rows."""
    hits, means = 0, []
    for seed in range(60):
        draw = random.Random(seed)
        same = sum((draw.random() < noise) == (draw.random() < noise) for _ in range(200))
        of = belief.shrunk(*witness.worth(same, 200, many=False), 0.5, 0.0)
        low, high = of.interval()
        hits += low <= 1 - noise <= high
        means.append(of.mean)
    assert hits >= 57 and sum(means) / len(means) == pytest.approx(1 - noise, abs=0.02)


def test_agreement_among_many_answers_is_the_square_of_being_right() -> None:
    right, n = witness.worth(162, 200, many=True)
    assert right / n == pytest.approx(0.9, abs=0.005) and n <= witness.WORTH


def votes(pairs: list[tuple[str, str]]) -> list[Row]:
    turns = lambda n: [turn("q", None, "user", f"Sky {n}?"), turn("a", "q", "assistant", "green")]  # noqa: E731
    rows = []
    for n, sides in enumerate(pairs):
        for u, side in enumerate(sides):
            rows.append(talk(f"c{n}-{u}", *turns(n), user_id=f"u{n}-{u}", feedback=[said("thumb", value=side)]))
    return rows


def weights(of: Batch, kind: str = "kto") -> set[float]:
    return {round(c.weight, 4) for c in of.of(kind)}


def test_without_verdicts_and_with_little_agreement_weights_stay_as_judged() -> None:
    assert weights(batch(*votes([("up", "up")] * 5), mining=ALL)) == {0.5}


def test_users_who_agree_are_believed_more_and_those_who_do_not_less() -> None:
    (much,) = weights(batch(*votes([("up", "up")] * 60), mining=ALL))
    (little,) = weights(batch(*votes([("up", "up")] * 36 + [("up", "down")] * 24), mining=ALL))
    assert little < 0.5 < much < 1


def test_whoever_contradicts_everybody_does_not_make_thumbs_unreliable() -> None:
    honest = [
        talk(
            f"h{n}",
            turn("q", None, "user", f"Sky {n}?"),
            turn("a", "q", "assistant", "green"),
            user_id=f"u{n}",
            feedback=[said("thumb", value="up")],
        )
        for n in range(60)
    ]
    against = [
        t | {"conversation_id": f"x{n}", "user_id": "mallory", "feedback": [said("thumb", value="down")]} for n, t in enumerate(honest)
    ]
    assert not batch(*honest, *against, mining=ALL).beliefs.agreed


def judged(*rows: tuple[Cell, int, int]) -> dict[Cell, tuple[int, int]]:
    return {cell: (right, n) for cell, right, n in rows}


def edits(n: int = 6) -> list[Row]:
    return [talk(f"c{i}", turn("q", None, "user", f"Sky {i}?"), turn("a", "q", "assistant", "green"), user_id=f"u{i}", feedback=[said("edit", text=f"It is a shade of blue number {i}.")]) for i in range(n)]  # fmt: skip


def with_audit(found_: dict[Cell, tuple[int, int]], *talks: Row) -> Batch:
    from pipeline.mine import contexts, explicit
    from pipeline.mine.batch import mined
    from pipeline.mine.cards import Desk
    from tests.mine.world import _lake_rows, _states

    return mined(
        [explicit.signal(s) for s in _states(talks, DAY)],
        contexts.talks(*_lake_rows(talks, DAY)),
        Desk({}),
        ALL,
        frozenset(),
        DAY,
        judged=found_,
    )


def test_a_row_weighs_what_a_right_one_gains_less_what_a_wrong_one_costs() -> None:
    """An edit starts at 1, worth ten judged rows: 10 right and 10 wrong more make (10 + 10) / 30, and 2p - 1 is a third."""
    cells = judged((Cell("edit/sft", "chat", "one word"), 10, 20))
    of = with_audit(cells, *edits())
    fact = json.loads(of.of("sft")[0].evidence)["reliability"]
    assert weights(of, "sft") == {round(1 / 3, 4)}
    assert fact["right"] == round(2 / 3, 4) and fact["low"] < 2 / 3 < fact["high"] and fact["cases"] == 20
    assert weights(of, "dpo") == {1.0} and "reliability" not in json.loads(of.of("dpo")[0].evidence)


def test_a_pairs_doubt_is_smoothing_not_weight() -> None:
    of = with_audit(judged((Cell("edit/dpo", "chat", "one word"), 15, 20)), *edits())
    assert weights(of, "dpo") == {1.0} and 0.5 < json.loads(of.of("dpo")[0].evidence)["reliability"]["right"] < 1


def test_rows_that_people_found_wrong_more_often_than_right_are_dropped() -> None:
    of = with_audit(judged((Cell("edit/sft", "chat", "one word"), 2, 60)), *edits())
    assert not of.of("sft") and reasons(of)["unreliable"] == 6 and len(of.of("dpo")) == 6


def test_users_are_grouped_by_how_much_they_say() -> None:
    assert [found.group(n) for n in (0, 1, 2, 9, 10, 500)] == ["one word", "one word", "few words", "few words", "many words", "many words"]


def test_cells_that_are_alike_lend_one_another_more() -> None:
    alike, apart = [(9, 10, 0.9)] * 12, [(right, 10, 0.62) for right in (2, 10, 5, 10, 9, 1)]
    assert belief.strength(alike) > belief.strength(apart)
