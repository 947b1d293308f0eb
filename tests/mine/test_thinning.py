"""Held-out users and prompts are never trained on, no user fills a day, equal rows teach once, a hotfix is taught as written."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mine import account, contexts, splits, tables
from pipeline.recipe import Mining, Task
from tests.mine.world import ALL, LABELS, Row, batch, reasons, rows, said, shape, talk, turn

COLOUR = Task(name="colour", match={"app": "chat"})
HALF = Mining(heldout_share=0.5)
HELD = next(u for u in map("user-{}".format, range(99)) if splits.drawn(u, 0.5))
TAUGHT = next(u for u in map("user-{}".format, range(99)) if not splits.drawn(u, 0.5))


def one(id: str, user: str | None, question: str, *events: Row, **more: object) -> Row:
    turns = [turn("q", None, "user", question), turn("a", "q", "assistant", "green")]
    return talk(id, *turns, user_id=user, feedback=list(events) or [said("edit", text="blue")], **more)


def test_what_a_held_out_user_corrected_becomes_the_test_and_nothing_else() -> None:
    found = batch(one("c1", HELD, "Sky?"), one("c2", HELD, "Sea?", said("thumb", value="up")), cards=(COLOUR,), mining=HALF)
    assert not found.kept and reasons(found) == {"held_out_user": 1}
    item = tables.asked(found.heldout[0])
    assert (item["task"], [m["content"] for m in item["messages"]], item["answer"]) == ("colour", ["Sky?"], "blue")


def test_the_conversations_user_is_held_out_whoever_speaks() -> None:
    found = batch(one("c1", HELD, "Sky?", said("edit", text="blue", user_id=TAUGHT)), cards=(COLOUR,), mining=HALF)
    assert not found.kept and len(found.heldout) == 1


def test_a_held_out_users_word_elsewhere_is_neither_taught_nor_tested() -> None:
    found = batch(one("c1", TAUGHT, "Sky?", said("edit", text="blue", user_id=HELD)), cards=(COLOUR,), mining=HALF)
    assert not found.kept and not found.heldout and reasons(found) == {"held_out_user": 1}


def test_conversations_without_a_user_are_drawn_by_themselves() -> None:
    talks = [one(f"c{n}", None, f"Sky {n}?") for n in range(60)]
    found = batch(*talks, cards=(COLOUR,), mining=HALF)
    held = {c.talk.conversation_id for c in found.heldout}
    assert held == {f"c{n}" for n in range(60) if splits.drawn(f"conversation:c{n}", 0.5)} and 15 < len(held) < 45
    assert held.isdisjoint(c.talk.conversation_id for c in found.kept)


def test_a_held_out_prompt_is_not_trained_on_under_another_name() -> None:
    found = batch(one("c1", HELD, "Sky?"), one("c2", TAUGHT, " SKY? "), one("c3", TAUGHT, "Sea?"), cards=(COLOUR,), mining=HALF)
    assert {c.talk.conversation_id for c in found.kept} == {"c3"} and reasons(found) == {"held_out_prompt": 2}


def test_a_prompt_of_a_held_out_file_is_not_trained_on_even_on_the_way() -> None:
    written = frozenset([contexts.asked([turn("x", None, "user", "Sky?")])])
    longer = [turn("q", None, "user", "Sky?"), turn("b", "q", "assistant", "grey"), turn("q2", "b", "user", "Why?")]
    longer.append(turn("a", "q2", "assistant", "Clouds."))
    found = batch(one("c1", "ann", "Sky?"), talk("c2", *longer, feedback=[said("thumb", value="up")]), written=written)
    assert not found.kept and reasons(found) == {"held_out_prompt": 3}


def test_a_test_item_is_asked_once_and_the_split_has_a_limit() -> None:
    talks = [one("c1", HELD, "Sky?"), one("c2", HELD, "sky?"), *(one(f"d{n}", HELD, f"Sea {n}?") for n in range(5))]
    found = batch(*talks, cards=(COLOUR,), mining=HALF.model_copy(update={"heldout_rows": 4}))
    assert len(found.heldout) == 4 and reasons(found) == {"held_out_surplus": 3} and not found.kept


def test_an_item_that_no_checker_could_score_is_no_test() -> None:
    card = COLOUR.model_copy(update={"checker": "json"})
    assert reasons(batch(one("c1", HELD, "Sky?"), cards=(card,), mining=HALF)) == {"unscorable": 1}


@given(st.text(), st.floats(0, 0.99), st.floats(0, 0.99))
@settings(max_examples=50)
def test_a_larger_share_only_adds_to_the_cohort(unit: str, a: float, b: float) -> None:
    assert splits.drawn(unit, max(a, b)) or not splits.drawn(unit, min(a, b))


def test_the_cohort_has_the_recipes_share() -> None:
    drawn = sum(splits.drawn(f"u{n}", 0.1) for n in range(10_000))
    assert abs(drawn - 1000) < 150  # five standard deviations of a binomial(10000, .1)


def test_no_user_has_more_rows_than_the_cap() -> None:
    mining = ALL.model_copy(update={"max_rows_per_user_day": 6})
    loud, quiet = [one(f"c{n}", "mallory", f"Sky {n}?") for n in range(20)], [one("q1", "ann", "Sea?")]
    found = batch(*loud, *quiet, mining=mining)
    assert sum(c.speaker.user_hash == "mallory" for c in found.kept) == 6 and shape(found) == (4, 4, 0)
    assert reasons(found) == {"user_cap": 14 + 6}  # 14 edits are not heard; the 6 heard make 12 rows, 6 of them too many


def test_a_flood_outvotes_nobody_beyond_its_cap() -> None:
    mining = ALL.model_copy(update={"max_rows_per_user_day": 4})
    honest = [one(f"a{n}", f"u{n}", f"Sky {n}?", app="labels") for n in range(20)]
    flood = [one(f"b{n}", "mallory", f"Sky {n}?", said("edit", text="red"), app="labels") for n in range(20)]
    found = batch(*honest, *flood, cards=(LABELS,), mining=mining)
    assert reasons(found)["conflict"] == 8 and {c.answer["content"] for c in found.kept} == {"blue"}


def test_equal_rows_teach_once() -> None:
    found = batch(one("c1", "ann", "Sky?"), one("c2", "ben", "Sky?"))
    assert shape(found) == (1, 1, 0) and reasons(found) == {"duplicate": 2}
    assert {c.talk.conversation_id for c in found.kept} == {"c1"}


FIX = {"app": "hotfix", "metadata": {"task": "colour", "hotfix": True}}


def test_a_hotfix_is_taught_whatever_its_user_its_likeness_or_the_cap() -> None:
    mining = Mining(heldout_share=0.99, max_rows_per_user_day=1)
    events = [said("edit", text="green!")]
    found = batch(*(one(f"c{n}", HELD, f"Sky {n}?", *events, **FIX) for n in range(3)), cards=(COLOUR,), mining=mining)
    assert shape(found) == (3, 3, 0) and not reasons(found)
    assert {(r["source"], r["task"], r["weight"]) for r in rows(found, "sft")} == {("hotfix", "colour", 1.0)}


def test_a_hotfix_without_a_rejected_answer_is_an_example_only() -> None:
    found = batch(one("c1", None, "Sky?", said("thumb", value="up"), **FIX), cards=(COLOUR,))
    assert shape(found) == (1, 0, 0) and rows(found, "sft")[0]["messages"][-1]["content"] == "green"


def test_a_hotfix_of_an_unknown_task_is_left_out() -> None:
    assert reasons(batch(one("c1", None, "Sky?", **FIX))) == {"unknown_task": 1}


def test_a_hotfix_never_teaches_a_test() -> None:
    written = frozenset([contexts.asked([turn("x", None, "user", "Sky?")])])
    assert reasons(batch(one("c1", None, "Sky?", **FIX), cards=(COLOUR,), written=written)) == {"held_out_prompt": 2}


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["red", "blue", "grey"]), st.integers(0, 3)), max_size=25))
@settings(max_examples=60, deadline=None)
def test_everything_said_ends_in_a_row_or_a_reason_and_nothing_held_out_is_taught(events: list[tuple[str, str, int]]) -> None:
    talks = [one(f"c{n}", f"user-{u}", f"Sky {q}?", said("edit", text=t)) for n, (u, t, q) in enumerate(events)]
    found = batch(*talks, cards=(COLOUR,), mining=Mining(heldout_share=0.4, max_rows_per_user_day=5))
    assert all(account.outcomes(found).get(s.event) for s in found.signals) and len(found.signals) == len(events)
    assert {c.talk.unit for c in found.kept}.isdisjoint(c.talk.unit for c in found.heldout)
    assert {c.context.asked[-1] for c in found.kept}.isdisjoint(c.context.asked[-1] for c in found.heldout)


def test_a_question_that_a_tool_must_answer_first_is_no_test() -> None:
    calls = '[{"id": "t1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]'
    turns = [turn("q", None, "user", "Sky?"), turn("c", "q", "assistant", None, tool_calls=calls), turn("t", "c", "tool", "blue")]
    found = batch(
        talk("c1", *turns, turn("a", "t", "assistant", "x"), user_id=HELD, feedback=[said("edit", text="blue")]),
        mining=HALF,
        cards=(COLOUR,),
    )
    assert not found.heldout and not found.kept and reasons(found) == {"held_out_user": 1}
