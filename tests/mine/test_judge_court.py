"""Complaints before a judge: which become pairs, which wait for people, what it may cost, and what a broken judge may not do."""

import json

import pytest

from pipeline.mine import account, judge_control, judge_sitting
from pipeline.mine.batch import Batch
from pipeline.recipe import Judging, Mining
from pipeline.settings import Settings
from tests.mine.judges import TRUST, UNTAUGHT, WRONG, Asked, Endpoint, Knowing, Row, asked, court, three
from tests.mine.world import pairs, reasons, rows, shape, talk, turn


def named(found: Batch) -> Row:
    """What the pairs id covers."""
    return judge_sitting.named(found.ruled)


def judge_of(found: Batch, kind: str) -> Row:
    """What the evidence of the only row says of the judge."""
    (row,) = rows(found, kind)
    return dict(json.loads(row["evidence"])["judge"])


def test_the_complaint_is_nowhere_in_the_training_prompt(home: Settings, here: Endpoint) -> None:
    found = court(home, here, three("c1", WRONG))
    (row,) = rows(found, "dpo")
    assert pairs(found) == [("The sky is blue.", "green")] and "wrong" not in json.dumps([row["prompt"], row["chosen"], row["rejected"]])


def test_the_checklist_is_asked_in_both_orders(home: Settings, here: Endpoint) -> None:
    court(home, here, three("c1", WRONG))
    orders = [(a.parts["first answer"], a.parts["second answer"]) for a in asked(here, "resolved") if "sky" in str(a.parts)]
    assert sorted(orders) == [("The sky is blue.", "green"), ("green", "The sky is blue.")]


def test_a_judge_that_dies_on_the_way_leaves_the_rest_for_the_next_run(
    home: Settings, mind: Knowing, here: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.lm.FIRST_WAIT_S", 0.001)
    talks = [three(f"c{n}", WRONG, f"green {n}", f"user-{n}") for n in range(4)]
    one = TRUST.model_copy(update={"parallel": 1})
    left = [24 + 2 * 5 + 1]  # the control questions, two complaints and a bit

    def mortal(a: Asked) -> str:
        left[0] -= 1
        if left[0] < 0:
            raise ConnectionAbortedError
        return mind(a)

    here.mind = mortal
    broken = court(home, here, *talks, judging=one)
    assert shape(broken) == (0, 2, 0) and reasons(broken) == {"judge_unanswered": 2}
    here.mind, n = mind, len(here.requests)
    whole = court(home, here, *talks, judging=one)
    assert shape(whole) == (0, 4, 0) and named(whole) != named(broken)
    assert len(here.requests) - n == 9, "what was answered is not asked again"


def test_one_text_that_breaks_the_server_silences_the_judge_for_nobody_else(
    home: Settings, mind: Knowing, here: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.lm.FIRST_WAIT_S", 0.001)

    def fragile(a: Asked) -> str:
        if "poison" in str(a.parts):
            raise ConnectionAbortedError
        return mind(a)

    here.mind = fragile
    found = court(home, here, three("c1", WRONG, "poison"), three("c2", WRONG, user="ben"))
    assert shape(found) == (0, 1, 0) and reasons(found) == {"judge_unanswered": 1}


def test_a_request_that_is_refused_costs_one_complaint_and_a_wrong_key_the_judge(home: Settings, mind: Knowing, here: Endpoint) -> None:
    talks = [three(f"c{n}", WRONG, f"green {n}", f"user-{n}") for n in range(3)]
    one = TRUST.model_copy(update={"parallel": 1})
    court(home, here, *talks[:1], judging=one)
    here.failures = [(413, {}, "too long")]
    assert reasons(court(home, here, *talks, judging=one)) == {"judge_refused": 1}
    here.failures = [(401, {}, "")]
    assert reasons(court(home, here, *talks, three("d", WRONG, "x"), three("e", WRONG, "y"), judging=one)) == {
        "judge_refused": 1,
        "judge_unanswered": 2,
    }


def test_a_fact_that_the_judge_knows_to_be_so_may_be_taught(home: Settings, here: Endpoint, mind: Knowing) -> None:
    mind.generals[WRONG] = {"adds": "fact", "claim": "supported"}
    assert shape(court(home, here, three("c1", WRONG))) == (0, 1, 0)


@pytest.mark.parametrize(
    ("general", "reason"),
    UNTAUGHT,
)
def test_taste_unsaid_wishes_and_unproved_facts_are_never_trained_on(
    home: Settings, here: Endpoint, mind: Knowing, general: Row, reason: str
) -> None:
    mind.generals[WRONG] = general
    found = court(home, here, three("c1", WRONG))
    assert shape(found) == (0, 0, 0) and reasons(found) == {reason: 1} and asked(here, "rewrite") == []


@pytest.mark.parametrize("rewrite", ["still green", "green", "I'm sorry, you are right: blue.", "抱歉，天空是蓝色的。"])
def test_a_rewrite_that_is_not_shown_to_be_better_leaves_the_bad_answer_alone(
    home: Settings, here: Endpoint, mind: Knowing, rewrite: str
) -> None:
    mind.rewrites[WRONG] = rewrite
    mind.bad = {"still green"}
    found = court(home, here, three("c1", WRONG))
    (row,) = rows(found, "kto")
    assert shape(found) == (0, 0, 1) and (row["completion"][0]["content"], row["label"], row["source"]) == ("green", False, "complaint")


def test_two_orders_that_disagree_are_a_tie(home: Settings, mind: Knowing, here: Endpoint) -> None:
    def first_place(a: Asked) -> str:
        if a.name != "resolved" or "sky" not in str(a.parts):
            return mind(a)
        n = len(a.parts["points"].splitlines())
        return json.dumps({"first": ["yes"] * n, "second": ["no"] * n})

    here.mind = first_place
    found = court(home, here, three("c1", WRONG))
    assert shape(found) == (0, 0, 1) and judge_of(found, "kto")["resolved"] == ["first", "second"]


def test_a_point_left_open_in_the_rewrite_is_no_resolution(home: Settings, mind: Knowing, here: Endpoint) -> None:
    def strict(a: Asked) -> str:
        reply = json.loads(mind(a))
        if a.name == "resolved" and "sky" in str(a.parts):
            reply = {k: [*v[:-1], "no"] for k, v in reply.items()}  # it solves the complaint, and loses the rest of the answer
        return json.dumps(reply)

    here.mind = strict
    assert shape(court(home, here, three("c1", WRONG))) == (0, 0, 1)


def test_an_old_answer_that_meets_every_point_was_no_fault(home: Settings, mind: Knowing, here: Endpoint) -> None:
    def mild(a: Asked) -> str:
        reply = json.loads(mind(a))
        if a.name == "resolved" and "sky" in str(a.parts):
            reply = {k: [*(["yes"] * (len(v) - 1)), v[-1]] for k, v in reply.items()}  # both mend it; only the old one loses something else
        return json.dumps(reply)

    here.mind = mild
    assert shape(court(home, here, three("c1", WRONG))) == (0, 0, 1)


def test_a_wish_for_more_without_a_better_answer_is_no_row(home: Settings, here: Endpoint, mind: Knowing) -> None:
    said = "what do you mean?"
    mind.classes[said], mind.rewrites[said] = "clarification", "still green"
    mind.bad = {"still green"}
    found = court(home, here, three("c1", said), signal="clarification")
    assert reasons(found) == {"too_weak_alone": 1} and shape(found) == (0, 0, 0)


def test_a_judge_that_reads_no_complaint_ends_it(home: Settings, here: Endpoint, mind: Knowing) -> None:
    mind.classes[WRONG] = "no_feedback"
    assert reasons(court(home, here, three("c1", WRONG))) == {"judge_disagrees": 1}


def test_a_nearly_equal_rewrite_is_an_example_and_no_pair(home: Settings, here: Endpoint, mind: Knowing) -> None:
    long = "The sky looks blue to us because the air scatters short waves of the sunlight more than long ones, said Rayleigh in 1871"
    mind.rewrites[WRONG] = f"{long}."
    assert shape(court(home, here, three("c1", WRONG, long))) == (1, 0, 0)


def test_held_out_users_and_answers_with_tools_are_never_shown_to_the_judge(home: Settings, here: Endpoint) -> None:
    call = turn("a", "q", "assistant", "", tool_calls='[{"id": "t"}]')
    tools = talk("c1", turn("q", None, "user", "Which colour?"), call, turn("u", "a", "user", WRONG))
    assert reasons(court(home, here, tools)) == {"not_for_the_judge": 1} and here.requests == []
    held = court(home, here, three("c2", WRONG), mining=Mining(heldout_share=0.999999))
    assert reasons(held) == {"held_out_user": 1} and here.requests == []


@pytest.mark.parametrize("answer", ["a[[0]] + b", "word " * 2000, "green \u202e neerg"])
def test_an_answer_that_the_judge_cannot_be_shown_as_it_is_is_not_mended(home: Settings, here: Endpoint, answer: str) -> None:
    assert reasons(court(home, here, three("c1", WRONG, answer))) == {"not_for_the_judge": 1} and here.requests == []


def test_fifty_who_complain_of_one_answer_make_one_row(home: Settings, here: Endpoint) -> None:
    found = court(home, here, *(three(f"c{n}", WRONG, user=f"u{n}") for n in range(50)))
    assert shape(found) == (0, 1, 0) and reasons(found) == {"duplicate": 49} and len(here.requests) == 24 + 5


def test_nobody_spends_the_budget_alone(home: Settings, here: Endpoint) -> None:
    talks = [three(f"c{n}", WRONG, f"green {n}", "loud") for n in range(9)] + [three("d", WRONG, "green", "calm")]
    found = court(home, here, *talks, judging=TRUST.model_copy(update={"per_user": 3}))
    assert reasons(found) == {"user_cap": 6} and found.ruled.account["complaints"] == 4


def test_the_budget_of_calls_is_kept_and_the_same_complaints_are_judged_again(home: Settings, here: Endpoint) -> None:
    talks = [three(f"c{n}", WRONG, f"green {n}", f"user-{n}") for n in range(12)]
    bar = TRUST.model_copy(update={"calls": 24 + 40})  # 24 calls of control questions, and room for a few complaints of at most 10 calls
    first = court(home, here, *talks, judging=bar)
    n = len(here.requests)
    assert first.ruled.account["calls"] == n <= bar.calls
    assert 0 < shape(first)[1] < 12 and reasons(first) == {"judge_budget": 12 - shape(first)[1]}
    again = court(home, here, *talks, judging=bar)
    assert (shape(again), again.ruled.account, len(here.requests)) == (shape(first), first.ruled.account, n)


def test_the_budget_of_tokens_ends_the_asking(home: Settings, here: Endpoint) -> None:
    talks = [three(f"c{n}", WRONG, f"green {n}", f"user-{n}") for n in range(12)]
    found = court(home, here, *talks, judging=TRUST.model_copy(update={"tokens": 24 * 100 + 1}))
    assert shape(found) == (0, 2, 0) and reasons(found) == {"judge_budget": 10}


def test_corrections_are_heard_before_weaker_words(home: Settings, here: Endpoint) -> None:
    weak = [three(f"w{n}", "what do you mean?", f"green {n}", f"weak-{n}", metadata={"heard": "clarification"}) for n in range(6)]
    strong = three("z", WRONG, user="ann", metadata={"heard": "correction"})
    found = court(home, here, *weak, strong, judging=TRUST.model_copy(update={"calls": 24 + 10, "parallel": 1}))
    assert pairs(found) == [("The sky is blue.", "green")] and reasons(found) == {"judge_budget": 6}


def test_the_users_own_edit_and_other_users_praise_go_before_the_judge(home: Settings, here: Endpoint) -> None:
    edit = {"kind": "edit", "message_id": "a", "text": "It is blue."}
    up = {"kind": "thumb", "message_id": "a", "value": "up", "user_id": "eve"}
    found = court(home, here, three("c1", WRONG, feedback=[edit]), three("c2", WRONG, "grey", feedback=[up]))
    assert reasons(found) == {"stronger_act": 1, "conflict": 1} and {c.source for c in found.kept} == {"edit", "thumb"}


def test_an_untried_judge_is_not_even_asked_unless_the_recipe_trusts_it(
    home: Settings, here: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    found = court(home, here, three("c1", WRONG), judging=Judging())
    assert reasons(found) == {"judge_not_trusted": 1} and here.requests == []
    assert "was not tried on people's verdicts" in capsys.readouterr().err


def test_a_judge_that_fails_the_control_questions_makes_no_row(
    home: Settings, mind: Knowing, here: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    def flipped(a: Asked) -> str:
        reply = json.loads(mind(a))
        if a.name == "resolved":
            reply = {"first": reply["second"], "second": reply["first"]}
        if a.name == "feedback":
            against = reply["class"] == "complaint"
            reply = {
                "class": "praise" if against else "complaint",
                "quote": a.parts["next words"],
                "points": [] if against else ["Change it."],
            }
        return json.dumps(reply)

    here.mind = flipped
    found = court(home, here, three("c1", WRONG))
    assert reasons(found) == {"judge_not_trusted": 1} and found.ruled.account["control"] == {
        "right": 0,
        "of": len(judge_control.controls()),
    }
    assert "0 of 18 control questions right" in capsys.readouterr().err


def test_a_note_says_who_judged_and_what_became_of_it(home: Settings, here: Endpoint, mind: Knowing) -> None:
    used = account.counts(court(home, here, three("c1", WRONG)))["notes"][-1]
    assert used.startswith(
        "judge wise-1 (on trust: it was never tried on people's verdicts) on 1 complaints: 1 pair; 29 calls, 2900 tokens"
    )
    unused = account.counts(court(home, here, three("c1", WRONG), judging=Judging()))["notes"][-1]
    assert unused.startswith("judge wise-1 was not used: it was not tried on people's verdicts")


def test_the_account_says_who_judged_at_what_cost_and_how_many_rewrites_won(home: Settings, here: Endpoint) -> None:
    found = court(home, here, three("c1", WRONG), three("c2", WRONG, "grey", "ben")).ruled.account
    assert found["judge"]["model"] == "wise-1" and found["outcomes"] == {"pair": 2} and found["standing"]["why"].startswith("on trust")
    assert (found["calls"], found["tokens"]) == (len(here.requests), 100 * len(here.requests))
    assert found["rewrites_better"] == {"seen": 1.0, "n": 2, "share": None, "low": 0.0, "high": 1.0}, "without a trial nothing is corrected"
