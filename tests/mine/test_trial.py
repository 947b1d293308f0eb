"""A judge on trial: scripted judges with known errors, and what becomes of the weak, the flipped, the biased and the drifting one."""

import dataclasses
import json
import random
from collections.abc import Iterator

import pytest

from pipeline.errors import Transient
from pipeline.mine import judge, judge_control, trial, trial_book
from pipeline.mine.judge import Judge
from pipeline.mine.judge_questions import Exchange
from pipeline.mine.trial_cases import FEEDBACK, PAIRS, Tried
from pipeline.recipe import Judging
from pipeline.settings import Settings
from tests.mine.judges import Asked, Endpoint, Knowing, Mind, Row, court, endpoint, judged, three
from tests.mine.world import reasons, shape

BAR = Judging(timeout_s=5, parallel=4)
N = 60


@pytest.fixture
def here() -> Iterator[Endpoint]:
    with endpoint(Knowing()) as found:
        yield found


def asked(n: int) -> tuple[Row, ...]:
    return ({"role": "user", "content": f"Question {n}?"},)


def cases(n: int = N, tall: bool = False) -> list[Tried]:
    """Turns and pairs of which every second statement holds. tall: the better answer is the shorter one."""
    turns = [
        Tried(f"t{i}", FEEDBACK, Exchange(asked(i), f"Answer {i}.", f"Words {i}."), i % 2 == 0, "c", "u", says="complaint")
        for i in range(n)
    ]
    pairs = []
    for i in range(n):
        good, bad = f"Good {i}.", f"Bad {i}." + (" So it is, and so it was, and so it will be." if tall else "")
        a, b = (good, bad) if i % 2 == 0 else (bad, good)
        pairs.append(Tried(f"p{i}", PAIRS, Exchange(asked(i), bad, "Not good." if i % 3 else ""), i % 2 == 0, "c", "u", a=a, b=b))
    return turns + pairs


def wise() -> Knowing:
    """Knows every case."""
    return Knowing(
        classes={f"Words {i}.": "complaint" if i % 2 == 0 else "no_feedback" for i in range(N)}, good={f"Good {i}." for i in range(N)}
    )


def erring(mind: Knowing, share: float, controls: bool = False) -> Mind:
    """Wrong in a share of the questions, the same ones each time; about the control questions only if told so."""

    def reply(a: Asked) -> str:
        text = mind(a)
        ours = "Question" in str(a.parts)
        if (ours or controls) and random.Random(str(sorted(a.parts.values()))).random() < share:
            return turned(a, json.loads(text))
        return text

    return reply


def turned(a: Asked, reply: Row) -> str:
    """The opposite verdict."""
    if a.name == "feedback":
        against = reply["class"] == "complaint"
        words = a.parts["next words"]
        reply = {
            "class": "no_feedback" if against else "complaint",
            "quote": "" if against else words,
            "points": [] if against else [words],
        }
    elif a.name == "resolved":
        reply = {"first": reply["second"], "second": reply["first"]}
    elif a.name == "compare":
        reply = {"better": {"first": "second", "second": "first"}.get(reply["better"], "neither")}
    return json.dumps(reply)


def seat(home: Settings, here: Endpoint, bar: Judging = BAR) -> Judge:
    found = judge.of(judged(home, here), bar)
    assert found is not None
    return found


def test_a_faultless_judge_passes_and_its_trial_stands_in_the_book(home: Settings, here: Endpoint) -> None:
    here.mind = wise()
    found = trial.run(seat(home, here), cases(), "now")
    assert (found["passes"], found["why"]) == ({FEEDBACK: True, PAIRS: True}, [])
    assert [found[k]["kappa"] for k in (FEEDBACK, PAIRS)] == [1.0, 1.0] and found["same"]["share"] == 1.0
    assert found["position"]["flipped"] == 0 and found["control_right"] == len(judge_control.controls())
    assert trial_book.last(home, seat(home, here).identity) == json.loads(json.dumps(found))
    assert found["calls"] == len(here.requests), "and it tells what it cost"


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3])
def test_planted_errors_lie_inside_the_intervals_of_the_trial(home: Settings, here: Endpoint, share: float) -> None:
    here.mind = erring(wise(), share)
    found = trial.run(seat(home, here), cases(), "now")[FEEDBACK]
    assert found["sensitivity_interval"][0] <= 1 - share <= found["sensitivity_interval"][1]
    assert found["specificity_interval"][0] <= 1 - share <= found["specificity_interval"][1]


def test_a_judge_that_guesses_is_not_used(home: Settings, here: Endpoint) -> None:
    here.mind = erring(wise(), 0.5)
    found = trial.run(seat(home, here), cases(), "now")
    assert found["passes"] == {FEEDBACK: False, PAIRS: False}
    assert all("judging.least_kappa is 0.4" in why for why in found["why"])
    result = court(home, here, three("c1", "That's wrong."), judging=BAR)
    assert reasons(result) == {"judge_not_trusted": 1}


def test_a_flipped_judge_is_named(home: Settings, here: Endpoint) -> None:
    here.mind = erring(wise(), 1.0)
    found = trial.run(seat(home, here), cases(), "now")
    assert found["passes"] == {FEEDBACK: False, PAIRS: False} and sum("flipped" in why for why in found["why"]) == 2
    assert found[FEEDBACK]["kappa"] == -1.0


def test_a_judge_of_turns_alone_makes_no_pairs(home: Settings, here: Endpoint) -> None:
    known = wise()
    here.mind = lambda a: (
        known(a) if (a.name != "compare" and a.name != "resolved") or "Question" not in str(a.parts) else erring(known, 0.5)(a)
    )
    found = trial.run(seat(home, here), cases(), "now")
    assert found["passes"] == {FEEDBACK: True, PAIRS: False}
    known.classes["That's wrong."] = "complaint"
    result = court(home, here, three("c1", "That's wrong."), judging=BAR)
    assert shape(result) == (0, 0, 1), "the complaint is believed, the rewrite would not be"


def test_too_few_cases_are_no_trial(home: Settings, here: Endpoint) -> None:
    here.mind = wise()
    found = trial.run(seat(home, here), cases(20), "now")
    assert found["passes"] == {FEEDBACK: False, PAIRS: False}
    assert found["why"][0] == "feedback: 20 cases judged by people, judging.least_cases is 30: equipoise audit"


def test_a_judge_that_loves_length_builds_no_pairs(home: Settings, here: Endpoint) -> None:
    known = wise()

    def verbose(a: Asked) -> str:
        if "Question" not in str(a.parts) or a.name not in ("compare", "resolved"):
            return known(a)
        first = len(a.parts["first answer"]) > len(a.parts["second answer"])
        if int(a.parts["message 1 by user"].split()[1][:-1]) % 3 == 2:
            return known(a)
        n = len(a.parts.get("points", "").splitlines())
        yes, no = ["yes"] * n, ["no"] * n
        return json.dumps(
            {"better": "first" if first else "second"}
            if a.name == "compare"
            else {"first": yes if first else no, "second": no if first else yes}
        )

    here.mind = verbose
    found = trial.run(seat(home, here), cases(tall=True), "now")
    assert found["passes"][PAIRS] is False and found["length"]["bias"] == pytest.approx(2 / 3, abs=0.02)
    assert any("prefers the longer answer" in why for why in found["why"])


def test_a_judge_of_the_first_place_is_seen_and_its_ties_count_as_no(home: Settings, here: Endpoint) -> None:
    known = wise()

    def first(a: Asked) -> str:
        if "Question" not in str(a.parts) or a.name not in ("compare", "resolved"):
            return known(a)
        n = len(a.parts.get("points", "").splitlines())
        return json.dumps({"better": "first"} if a.name == "compare" else {"first": ["yes"] * n, "second": ["no"] * n})

    here.mind = first
    found = trial.run(seat(home, here), cases(), "now")
    assert (found["position"]["flipped"], found["position"]["first"], found["position"]["last"]) == (N, N, 0) and found["position"][
        "p"
    ] < 1e-9
    assert (found[PAIRS]["hits"], found[PAIRS]["false_alarms"], found["passes"][PAIRS]) == (0, 0, False)


def test_a_judge_that_changes_its_mind_is_not_used(home: Settings, here: Endpoint) -> None:
    known, draw = wise(), random.Random(7)
    here.mind = lambda a: turned(a, json.loads(known(a))) if "Question" in str(a.parts) and draw.random() < 0.25 else known(a)
    found = trial.run(seat(home, here), cases(), "now")
    assert found["same"]["share"] < 0.8 and any("asked again" in why for why in found["why"]) and not any(found["passes"].values())


def test_an_endpoint_that_dies_in_a_trial_leaves_no_trial(home: Settings, here: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.lm.FIRST_WAIT_S", 0.001)
    here.failures = [(500, {}, "")] * 9999
    with pytest.raises(Transient, match="the trial is not finished"):
        trial.run(seat(home, here), cases(4), "now")
    assert trial_book.read(home) == []


def test_other_words_or_another_model_need_another_trial(home: Settings, here: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    here.mind = wise()
    trial.run(seat(home, here), cases(), "now")
    assert trial_book.last(home, seat(home, here).identity)
    other = judge.of(judged(home, here, "wise-2"), BAR)
    assert other and trial_book.last(home, other.identity) is None
    monkeypatch.setattr(judge.judge_prompts, "digest", lambda: "other words")
    assert trial_book.last(home, seat(home, here).identity) is None


def test_a_judge_that_drifts_after_its_trial_stops_the_building_of_pairs(home: Settings, here: Endpoint) -> None:
    known = wise()
    known.classes["That's wrong."] = "complaint"
    here.mind = known
    trial.run(seat(home, here), cases(), "now")
    talks = [three("c1", "That's wrong.")]
    assert shape(court(home, here, *talks, judging=BAR)) == (0, 1, 0)
    names = [c.exchange.words for c in judge_control.controls() if not c.good][:4]
    here.mind = lambda a: turned(a, json.loads(known(a))) if a.name == "feedback" and a.parts["next words"] in names else known(a)
    fresh = dataclasses.replace(home, home=home.home.with_name("later"))
    trial_book.add(fresh, trial_book.read(home)[-1])
    result = court(fresh, here, *talks, judging=BAR)
    assert reasons(result) == {"judge_not_trusted": 1}
    assert "4 of 18 control questions are answered otherwise" in result.ruled.account["standing"]["why"]


def test_noise_that_the_trial_knew_of_is_no_drift() -> None:
    then = {f"c{n}": "first" for n in range(18)}
    now = then | {"c1": "second", "c2": "second"}
    assert judge_control.drifted(now, then, 0.85) is None and judge_control.drifted(then, then, 1.0) is None
    assert judge_control.drifted(then | {f"c{n}": "second" for n in range(9)}, then, 0.85)


def test_wins_are_corrected_by_the_errors_of_the_trial(home: Settings, here: Endpoint) -> None:
    known = wise()
    known.classes["That's wrong."] = "complaint"
    here.mind = known
    trial.run(seat(home, here), cases(), "now")
    talks = [three(f"c{n}", "That's wrong.", f"green {n}", f"user-{n}") for n in range(8)]
    found = court(home, here, *talks, judging=BAR).ruled.account["rewrites_better"]
    assert (found["seen"], found["n"], found["share"]) == (1.0, 8, 1.0) and 0 < found["low"] < 0.9 and found["high"] == 1.0


def test_the_book_survives_a_line_that_a_kill_left_half_written(home: Settings, here: Endpoint) -> None:
    here.mind = wise()
    trial.run(seat(home, here), cases(30), "one")
    with trial_book.path(home).open("a") as file:
        file.write('{"at": "2026-')
    assert len(trial_book.read(home)) == 1
    trial.run(seat(home, here), cases(30), "two")
    assert len(trial_book.read(home)) == 2
