"""Which earlier pairs belong to a lesson, and which of their rows still stand."""

from datetime import date, timedelta

from pipeline.mix import history
from tests.mix.rows import DAY, dpo, heldout, kto, sft


def manifest(id: str, day: date, *, recipe: str = "daily", finished: int = 1, fix: bool = False) -> dict:
    return {
        "id": id,
        "day": day.isoformat(),
        "recipe": {"name": "hotfix" if fix else recipe, "mining": {"only": "hotfix" if fix else None}},
        "started": f"{finished - 1:02d}",
        "finished": f"{finished:02d}",
    }


def test_of_several_pairs_of_an_earlier_day_the_latest_of_the_same_recipe_counts() -> None:
    given = manifest("today", DAY + timedelta(days=1), finished=9)
    sealed = [
        manifest("first", DAY, finished=1),
        manifest("second", DAY, finished=2),
        manifest("try", DAY, recipe="experiment", finished=3),
        given,
    ]
    assert history.parents(given, sealed) == ["today", "second"]
    assert history.parents(given, [sealed[2], given]) == ["today", "try"], "another recipe's pairs are better than none"


def test_later_days_and_days_beyond_the_limit_are_no_parents() -> None:
    given = manifest("d5", DAY)
    sealed = [manifest(f"d{5 + n}", DAY + timedelta(days=n)) for n in (-3, -2, -1, 1)] + [given]
    assert history.parents(given, sealed) == ["d5", "d4", "d3", "d2"]
    assert history.parents(given, sealed, max_days=2) == ["d5", "d4"]


def test_hotfixes_stand_beside_the_days_own_pairs() -> None:
    given = manifest("today", DAY, finished=5)
    fixes = [manifest("fix-a", DAY, fix=True, finished=2), manifest("fix-b", DAY - timedelta(days=1), fix=True)]
    day_before = manifest("yesterday", DAY - timedelta(days=1))
    assert history.parents(given, [*fixes, day_before, given]) == ["today", "fix-a", "fix-b", "yesterday"]


def test_a_hotfix_knows_only_the_hotfixes_of_its_day_that_were_there_before_it() -> None:
    given = manifest("fix", DAY, fix=True, finished=5)
    sealed = [manifest("before", DAY, fix=True, finished=3), manifest("after", DAY, fix=True, finished=8), manifest("daily", DAY), given]
    assert history.parents(given, sealed) == ["fix", "before"]


def test_the_newest_of_equal_rows_wins() -> None:
    kept, dropped = history.newest("sft", [[sft("new", prompt="q")], [sft("old", prompt="q")]])
    assert [r["example_id"] for r in kept] == ["new"]
    assert [(r["example_id"], why) for r, why in dropped] == [("old", "duplicate of a newer row")]


def test_a_later_word_of_the_same_user_on_the_same_answer_replaces_the_earlier() -> None:
    said = {"conversation_id": "c", "message_ids": ["m"], "user_hash": "u"}
    kept, dropped = history.newest("sft", [[sft("new", "yes", prompt="q", **said)], [sft("old", "no", prompt="q", **said)]])
    assert [r["example_id"] for r in kept] == ["new"] and dropped[0][1] == "replaced by the same user's later word"


def test_two_words_of_one_user_within_a_day_both_stand() -> None:
    said = {"conversation_id": "c", "message_ids": ["m"], "user_hash": "u"}
    kept, _ = history.newest("dpo", [[dpo("a", "x", "y", **said), dpo("b", "x", "z", **said)]])
    assert [r["example_id"] for r in kept] == ["a", "b"]


def test_where_one_answer_is_right_the_newer_answer_to_a_prompt_replaces_the_older() -> None:
    batches = [[sft("new", "yes", prompt="q")], [sft("old", "no", prompt="q")]]
    assert len(history.newest("sft", batches)[0]) == 2, "free answers may differ"
    assert [r["example_id"] for r in history.newest("sft", batches, frozenset({"intent"}))[0]] == ["new"]


def test_a_pair_turned_round_is_the_same_question() -> None:
    kept, _ = history.newest("dpo", [[dpo("new", "a", "b", prompt="q")], [dpo("old", "b", "a", prompt="q")]])
    assert [r["example_id"] for r in kept] == ["new"]


def test_a_vote_turned_over_is_the_same_vote() -> None:
    batches = [[kto("x", True, conversation_id="new")], [kto("x", False, conversation_id="old")]]
    assert [r["conversation_id"] for r in history.newest("kto", batches)[0]] == ["new"]


def test_nothing_held_out_is_trained_on() -> None:
    held = [heldout("1"), heldout("2", task="mood")]
    rows = [
        sft("1"),
        sft("same user", user_hash="u-1"),
        sft("user of another task", user_hash="u-2"),
        sft("same prompt", prompt=" Question  2 "),
        sft("free"),
    ]
    kept, dropped = history.apart(rows, held)
    assert [r["example_id"] for r in kept] == ["user of another task", "free"]
    assert [why for _, why in dropped] == ["its conversation is held out", "its user is held out", "its prompt is held out"]


def test_rows_without_user_or_conversation_are_not_held_out_by_that() -> None:
    nobody = {"conversation_id": None, "user_hash": None}
    assert history.apart([sft("fix", **nobody)], [heldout("h", **nobody)])[1] == []


def test_what_was_taken_back_is_not_trained_on() -> None:
    gone = [
        {"conversation_id": "c-1", "message_id": None, "user_hash": None},
        {"conversation_id": "c-2", "message_id": "m-2", "user_hash": "u-2"},
    ]
    rows = [
        kto("1", True),
        kto("2", True, source="thumb"),
        kto("2b", True, source="thumb", conversation_id="c-2", message_ids=["m-2"]),
        sft("2"),
    ]
    kept, dropped = history.unsaid(rows, gone)
    assert [r["example_id"] for r in kept] == ["2b", "2"], "another user's vote and the same user's edit stand"
    assert [why for _, why in dropped] == ["its user took consent back", "its user took the vote back"]
