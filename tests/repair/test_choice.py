"""Which try wins is arithmetic over what the dev half showed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.commands import choice, remedies
from pipeline.commands.remedies import Case
from pipeline.recipe import Gate, Recipe, Training


def tried(name: str, verdict: str, gain: float | None, worst: float) -> dict:
    return {"name": name, "verdict": verdict, "gain": gain, "worst": worst, "worst_ability": "maths"}


A, B, C = tried("a", "promote", 0.2, 0.01), tried("b", "promote", 0.3, 0.02), tried("c", "hold", 0.6, 0.0)
D, E = tried("d", "hold", 0.1, -0.01), tried("e", "block", 0.9, 0.3)


@pytest.mark.parametrize(
    ("tries", "won"),
    [
        ([A, B, C, D, E], "b"),  # the largest gain of those that pass, however much others gain
        ([C, D, E], "d"),  # none passes: who gains something and loses least
        ([E], None),
        ([tried("f", "hold", 0.0, -0.1), E], None),  # keeps everything and gains nothing: no reason to change
        ([A, tried("g", "promote", 0.2, 0.0)], "g"),  # equal gains: the smaller loss
        ([A, tried("h", "promote", 0.2, 0.01)], "a"),  # all equal: the one tried first
        ([{"name": "x", "failed": "diverged"}, A], "a"),
        ([], None),
    ],
)
def test_the_largest_gain_that_passes_wins(tries: list[dict], won: str | None) -> None:
    found = choice.winner(tries)
    assert (found and found["name"]) == won


@pytest.mark.parametrize(("wanted", "won"), [(0.05, "d"), (0.2, "c"), (0.7, "c")])
def test_of_what_nobody_let_pass_a_gain_worth_having_comes_before_the_smallest_loss(wanted: float, won: str) -> None:
    """c holds with a gain of 60, d with one of 10 and less loss; where nobody gains as much as is wanted, the most is the best there is."""
    found = choice.winner([C, D, E], wanted)
    assert found and found["name"] == won


def test_the_front_is_who_is_beaten_by_nobody() -> None:
    """a: 20 for 1; b: 30 for 2; c: 60 for 0 beats both; d: 10 for -1; e: 90 for 30."""
    assert choice.front([A, B, C, D, E]) == ["d", "c", "e"]
    assert choice.front([A, B]) == ["a", "b"]
    assert choice.front([tried("n", "block", None, 0.0)]) == []


TRIES = st.lists(
    st.builds(
        tried,
        st.uuids().map(str),
        st.sampled_from(choice.ORDER),
        st.integers(-5, 5).map(lambda n: n / 10),
        st.integers(-5, 5).map(lambda n: n / 10),
    ),
    max_size=12,
)


@given(TRIES)
def test_no_winner_is_blocked_and_nothing_that_passes_gains_more(tries: list[dict]) -> None:
    won = choice.winner(tries)
    passing = [t for t in tries if t["verdict"] == "promote"]
    assert won is None or won["verdict"] != "block"
    assert not passing or (won in passing and won["gain"] == max(t["gain"] for t in passing))
    assert won or choice.why_not(tries, [{"why": "no time"}])


@given(TRIES)
def test_everybody_off_the_front_is_beaten_by_somebody_on_it(tries: list[dict]) -> None:
    front = set(choice.front(tries))
    for t in tries:
        if t["name"] not in front:
            assert any(f["gain"] >= t["gain"] and f["worst"] <= t["worst"] for f in tries if f["name"] in front)


def test_a_look_is_read_as_mean_gain_and_worst_drop_against_either_reference() -> None:
    body = {
        "verdict": "hold",
        "reasons": ["hold: too few"],
        "abilities": {"maths": {"drop": 0.02}, "reading": {"drop": -0.01}},
        "origin": {"abilities": {"maths": {"drop": 0.01}, "reading": {"drop": 0.05}, "code": {"drop": None}}},
        "targets": {"intent": {"drop": -0.3}, "person": {"drop": 0.1}, "intent_hotfix": {"drop": -1.0}},
    }
    found = choice.measured(body, None)
    assert (found["gain"], found["worst"], found["worst_ability"], found["against"]) == (pytest.approx(0.1), 0.05, "reading", "origin")
    found = choice.measured(body, ["intent"])  # what another task lost is no smaller gain: it is a loss
    assert (found["gain"], found["worst"], found["worst_ability"], found["against"]) == (0.3, 0.1, "person", "champion")


CASE = Case(["bad", "good"], [], general=100, keyed=True, rate=3e-4, epochs=3, dpo_rate=None, full=False, unscalable=None)


def names(case: Case) -> list[str]:
    return [r.name for r in remedies.lessons(case)]


def test_what_is_tried_follows_from_the_lesson() -> None:
    assert [r.scale for r in remedies.scales()] == [0.9, 0.7, 0.5, 0.3]
    laid = remedies.scales(does="the adapter", laid=True)[1]
    assert (laid.name, laid.does) == ("in service + 0.5", "the model in service, with 0.5 of the adapter laid on it")
    assert laid.lesson(Recipe(), "dev").training.start == "champion" and Recipe().training.start == "origin"
    assert names(CASE) == ["without bad", "without good", "replay", "no key pass", "lower rate", "all of these"]
    plain = Case(["one"], [], general=0, keyed=False, rate=3e-4, epochs=3, dpo_rate=1e-5, full=True, unscalable="x")
    assert names(plain) == ["adapter", "replay", "lower rate", "all of these"]
    found = {r.name: r for r in remedies.lessons(plain)}
    assert found["replay"].slice == {"ratio": 5.0} and all(r.training["full_finetune"] is False for r in found.values())
    assert found["adapter"].training["learning_rate"] == 5e-4  # ten times 3e-4 is above what any plan gives an adapter
    assert found["lower rate"].training["learning_rate"] == pytest.approx(5e-4 / 3, rel=1e-2)
    assert found["lower rate"].training["dpo_learning_rate"] == pytest.approx(1e-5 / 3, rel=1e-2)
    lacking = Case(["one"], ["served"], general=9, keyed=False, rate=3e-4, epochs=3, dpo_rate=None, full=False, unscalable="x")
    assert names(lacking) == ["with served", "replay", "lower rate", "all of these"]
    assert all("with the rows of served" in r.does for r in remedies.lessons(lacking))


def test_the_settings_of_the_model_in_service_are_tried_first_where_they_are_others() -> None:
    adapter = {"full_finetune": False, "lora_rank": 16, "lora_alpha": 32, "lora_dropout": 0.0}
    known = {"learning_rate": 1.2e-4, "epochs": 1, "ratio": 2.0} | adapter
    plain = Case(["one"], [], general=0, keyed=True, rate=2e-4, epochs=3, dpo_rate=None, full=True, unscalable="x", served=known)
    assert names(plain)[:2] == ["as in service", "adapter"]
    blocked = Recipe(name="daily", training=Training(full_finetune=True, learning_rate=2e-4, epochs=3, save_steps=20))
    made = remedies.lessons(plain)[0].lesson(blocked, "dev")
    assert made.mixing.slice.ratio == 2.0 and made.training.save_steps == 20
    assert {n: getattr(made.training, n) for n in adapter} == adapter and (made.training.learning_rate, made.training.epochs) == (1.2e-4, 1)


def strength(scale: float, verdict: str) -> dict:
    return {"name": f"scale {scale}", "scale": scale, "verdict": verdict}


@pytest.mark.parametrize(
    ("swept", "scale"),
    [
        ([strength(0.9, "block"), strength(0.7, "hold"), strength(0.5, "hold"), strength(0.3, "promote")], 0.4),
        ([strength(0.9, "block"), strength(0.7, "promote"), strength(0.5, "promote")], 0.8),
        ([strength(0.9, "promote"), strength(0.7, "promote")], None),  # the strongest passes: nothing lies between
        ([strength(0.9, "block"), strength(0.3, "hold")], None),
        ([{"scale": 0.9, "failed": "x"}, strength(0.5, "block"), strength(0.3, "promote")], 0.4),
    ],
)
def test_between_what_passes_and_what_does_not_one_more_strength_is_tried(swept: list[dict], scale: float | None) -> None:
    found = remedies.between(swept)
    assert (found and found.scale) == scale


def test_a_remedy_changes_its_one_thing_and_the_half_that_is_asked() -> None:
    blocked = Recipe(name="daily", training=Training(learning_rate=3e-4), gate=Gate(margin=0.03), approval="always")
    for remedy in [*remedies.scales(), *remedies.lessons(CASE)]:
        made = remedy.lesson(blocked, "dev")
        assert made.evaluation.half == "dev" and made.gate == blocked.gate.model_copy(update={"may_hold": True})
        assert (made.approval, made.tasks, made.mining) == (blocked.approval, blocked.tasks, blocked.mining)
        assert made.training.model_copy(update={"learning_rate": 3e-4, "scale": None}) == blocked.training
        assert made.mixing.model_copy(update={"slice": blocked.mixing.slice}) == blocked.mixing


def test_suspects_are_left_out_first_then_the_largest_and_key_tasks_last() -> None:
    tasks = {"a": {}, "b": {"key": True}, "c": {}, "d": {}}
    assert remedies.ordered(tasks, {"a": 5, "b": 9, "c": 7, "d": 6}, ["c", "gone"]) == ["c", "d", "a", "b"]


@pytest.mark.parametrize(
    ("tried", "times", "passes"),
    [
        ({"verdict": "hold", "gain": 0.1}, 3, 6),
        ({"verdict": "promote", "gain": 0.0}, 6, 12),
        ({"verdict": "hold", "gain": None}, 30, 20),  # no lesson has more
        ({"verdict": "hold", "gain": 0.5}, 3, None),  # seven tenths of what the blocked one gained
        ({"verdict": "block", "gain": 0.1}, 3, None),
        ({"failed": "the loss is no number"}, 3, None),
    ],
)
def test_a_gentle_lesson_that_gains_too_little_is_taught_longer(tried: dict, times: int, passes: int | None) -> None:
    remedy = remedies.Remedy("as in service", "gently", {"epochs": 2, "learning_rate": 1e-4}, {"ratio": 2.0})
    enough = choice.wanted({"gain": 0.7})
    found = remedies.longer(remedy, tried, enough, times, epochs=3)
    assert (found and found.training["epochs"]) == passes
    assert found is None or (found.slice, found.name) == (remedy.slice, f"as in service, {passes} passes")
    assert remedies.longer(remedies.Remedy("x", "x", slice={"without": ["t"]}), tried, enough, times, epochs=3) is None
