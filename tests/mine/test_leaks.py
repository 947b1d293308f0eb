"""A corpus with planted crossings: nothing that is held out has a near-duplicate, a shared opening, its conversation or its user in training."""

import random
from itertools import product

import pytest

from pipeline.mine import splits
from pipeline.mine.batch import Batch
from pipeline.mine.candidates import Candidate
from pipeline.recipe import Mining, Task
from tests.mine.world import ALL, Row, batch, reasons, said, talk, turn

WORDS = [f"{a}{b}{c}" for a in "bdfgklm" for b in "aeiou" for c in "lmnrst"]
CARD = Task(name="help", match={"app": "chat"})
SPLIT = ALL.model_copy(update={"heldout_share": 0.2})
HELD = [f"u{n}" for n in range(400) if splits.drawn(f"u{n}", 0.2)]
TAUGHT = [f"u{n}" for n in range(400) if not splits.drawn(f"u{n}", 0.2)]


def shingled(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}


def alike(a: Candidate, b: Candidate) -> float:
    x, y = shingled(a.context.question), shingled(b.context.question)
    return len(x & y) / len(x | y)


def crossings(found: Batch) -> dict[str, int]:
    """Pairs of a trained row and a held-out item that the split should not have let through, by brute force."""
    pairs = list(product(found.kept, found.heldout))
    return {
        "near-duplicates": sum(alike(c, h) >= 0.7 for c, h in pairs),
        "openings": sum(bool(set(c.context.asked) & set(h.context.asked)) for c, h in pairs),
        "conversations": sum(c.talk.conversation_id == h.talk.conversation_id for c, h in pairs),
        "users": sum(h.talk.unit in (c.talk.unit, c.speaker.voice) for c, h in pairs),
    }


def question(draw: random.Random) -> str:
    return " ".join(draw.choices(WORDS, k=draw.randint(12, 30)))


def changed(draw: random.Random, text: str) -> str:
    """One or two words of it changed."""
    words = text.split()
    for _ in range(draw.randint(1, 2)):
        words[draw.randrange(len(words))] = draw.choice(WORDS)
    return " ".join(words)


def edited(id: str, user: str, *questions: str, fix: str, by: str | None = None) -> Row:
    """A conversation whose last answer somebody edits."""
    turns: list[Row] = []
    for n, text in enumerate(questions):
        turns += [turn(f"q{n}", f"a{n - 1}" if n else None, "user", text), turn(f"a{n}", f"q{n}", "assistant", f"answer {n}")]
    event = said("edit", f"a{len(questions) - 1}", text=fix) | ({"user_id": by} if by else {})
    return talk(id, *turns, user_id=user, feedback=[event])


def leaky(seed: int) -> list[Row]:
    """150 conversations apart, and 120 that a held-out one has a part in."""
    draw = random.Random(seed)
    talks = [edited(f"c{n}", draw.choice(TAUGHT), question(draw), fix=f"fix {n}") for n in range(150)]
    for n in range(40):
        first, user, other = question(draw), draw.choice(HELD), draw.choice(TAUGHT)
        talks.append(
            edited(f"h{n}", user, first, question(draw), fix=f"held {n}") if n % 2 else edited(f"h{n}", user, first, fix=f"held {n}")
        )
        talks.append(edited(f"near{n}", other, changed(draw, first), fix=f"near {n}"))
        talks.append(edited(f"opens{n}", other, first, question(draw), fix=f"opens {n}"))
        talks.append(edited(f"by{n}", draw.choice(TAUGHT), question(draw), fix=f"by {n}", by=user))
    return draw.sample(talks, len(talks))


@pytest.mark.parametrize("seed", range(3))
def test_no_planted_crossing_gets_through(seed: int) -> None:
    found = batch(*leaky(seed), cards=(CARD,), mining=SPLIT)
    assert crossings(found) == {"near-duplicates": 0, "openings": 0, "conversations": 0, "users": 0}
    assert len(found.heldout) == 40 and len(found.of("sft")) >= 150
    assert reasons(found)["held_out_near"] >= 40


def test_without_the_search_the_planted_near_duplicates_are_trained_on() -> None:
    found = batch(*leaky(0), cards=(CARD,), mining=SPLIT.model_copy(update={"near_duplicate": None}))
    assert crossings(found)["near-duplicates"] > 10


def test_the_order_of_the_log_changes_no_row() -> None:
    talks = leaky(1)
    a, b = (batch(*t, cards=(CARD,), mining=SPLIT) for t in (talks, list(reversed(talks))))
    assert {c.example_id for c in a.kept} == {c.example_id for c in b.kept}
    assert {c.example_id for c in a.heldout} == {c.example_id for c in b.heldout}


def test_a_dropped_row_names_what_it_is_like() -> None:
    found = batch(*leaky(2), cards=(CARD,), mining=SPLIT)
    items = {c.example_id for c in found.heldout}
    named = [d.like for d in found.dropped if d.reason == "held_out_near"]
    assert named and set(named) <= items


def test_a_greeting_that_a_script_writes_is_no_shared_opening() -> None:
    draw = random.Random(3)
    users = [*HELD[:20], *TAUGHT[:60]]
    found = batch(
        *(edited(f"c{n}", u, "I want to talk to an agent", question(draw), fix=f"fix {n}") for n, u in enumerate(users)),
        cards=(CARD,),
        mining=SPLIT,
    )
    assert len(found.heldout) == 20 and len(found.of("sft")) == 60


LONG = "where can I find the small blue case that I left on the late train to the coast last friday"


def rows_of(*talks: Row, mining: Mining = ALL) -> list[str]:
    return sorted(c.talk.conversation_id for c in batch(*talks, cards=(CARD,), mining=mining).of("sft"))


def test_of_near_duplicate_prompts_with_one_answer_the_first_said_is_kept() -> None:
    talks = [edited("c1", "ann", LONG, fix="At the desk."), edited("c2", "eve", f"{LONG} please", fix="At the desk.")]
    talks[0]["feedback"][0]["at"], talks[1]["feedback"][0]["at"] = 2000, 1000
    assert rows_of(*talks) == ["c2"]
    assert rows_of(*talks, mining=ALL.model_copy(update={"near_duplicate": None})) == ["c1", "c2"]


def test_another_answer_is_another_lesson() -> None:
    talks = [edited("c1", "ann", LONG, fix="After 14 days."), edited("c2", "eve", f"{LONG} please", fix="After 30 days.")]
    assert rows_of(*talks) == ["c1", "c2"]


def test_the_same_short_reply_in_another_talk_is_no_near_duplicate() -> None:
    draw = random.Random(4)
    talks = [edited(f"c{n}", f"u{n}", question(draw), "yes, please go on with it", fix="Done.") for n in range(3)]
    assert rows_of(*talks) == ["c0", "c1", "c2"]


def test_a_hotfix_is_taught_though_another_row_says_it_first() -> None:
    fix = edited("c2", "eve", f"{LONG} please", fix="At the desk.") | {"app": "hotfix", "metadata": {"task": "help"}}
    assert rows_of(edited("c1", "ann", LONG, fix="At the desk."), fix) == ["c2"]


def test_the_cohort_is_the_same_every_day_and_a_larger_share_only_adds() -> None:
    small, large = ({u for u in map(str, range(3000)) if splits.drawn(u, share)} for share in (0.1, 0.2))
    assert small < large and 0.08 < len(small) / 3000 < 0.12
