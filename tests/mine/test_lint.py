"""Lint says in a sentence what is wrong with a batch, and a stop keeps out the offending rows alone, with their reason."""

import math
import random
import statistics

import pytest

from pipeline.mine import account, lint_checks
from pipeline.mine.batch import Batch
from pipeline.recipe import Mining, Task
from tests.mine.world import ALL, LABELS, WORDS, Row, batch, reasons, said, siblings, talk, turn

FREE = Task(name="free", match={"app": "free"})
OTHER = Task(name="essay", match={"app": "essay"})
STOP = ALL.model_copy(update={"lint": "stop"})


def text(seed: object, least: int = 8, most: int = 16) -> str:
    draw = random.Random(str(seed))
    return " ".join(draw.choices(WORDS, k=draw.randint(least, most)))


def pick(n: int, better: str, worse: str, app: str = "free") -> Row:
    turns = siblings(better, worse)
    turns[0] = turn("q", None, "user", f"Question {n} about {text(n, 3, 5)}?")
    return talk(f"{app}{n}", *turns, user_id=f"u{n}", app=app, feedback=[said("choose", "a1", over=["a2"])])


def picks(count: int, better=lambda n: text(("b", n)), worse=lambda n: text(("w", n)), app: str = "free") -> list[Row]:
    return [pick(n, better(n), worse(n), app) for n in range(count)]


def mined(*talks: Row, mining: Mining = STOP) -> Batch:
    return batch(*talks, cards=(FREE, OTHER, LABELS), mining=mining)


def said_of(found: Batch) -> set[tuple[str, str]]:
    return {(f.level, f.reason) for f in found.findings}


def test_an_ordinary_batch_passes_without_a_word() -> None:
    found = mined(*picks(60))
    assert len(found.of("dpo")) == 60 and not found.findings and not reasons(found)


FAULTS = {
    "longer answers": (lambda n: text(("b", n), 20, 40), lambda n: text(("w", n), 8, 14), "lint_length"),
    "shorter answers": (lambda n: text(("b", n), 8, 14), lambda n: text(("w", n), 20, 40), "lint_length"),
    "a list on one side": (lambda n: "- " + text(("b", n), 5, 8) + "\n- " + text(("c", n), 5, 8), lambda n: text(("w", n), 11, 17), "lint_form"),
    "an empty think tag on one side": (lambda n: "<think></think>" + text(("b", n)), lambda n: text(("w", n), 10, 18), "lint_form"),
    "nearly the same text twice": (lambda n: text(("b", n), 30, 40), lambda n: text(("b", n), 30, 40) + ".", "lint_near"),
    "one opening": (lambda n: "Thank you so much for asking me about this, " + text(("b", n)), lambda n: text(("w", n), 16, 24), "lint_template"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_stop_keeps_out_the_tasks_rows_of_that_kind_and_no_others(name: str) -> None:
    better, worse, reason = FAULTS[name]
    found = mined(*picks(40, better, worse), *picks(30, app="essay"))
    assert ("stop", reason) in said_of(found) and set(reasons(found).values()) == {40}
    assert {c.task for c in found.of("dpo")} == {"essay"} and len(found.kept) == 30
    sentence = next(f.sentence for f in found.findings if f.reason == reason and f.level == "stop")
    assert sentence.startswith("free, 40 pairs: ") and sentence.endswith("; none of them is taught")


@pytest.mark.parametrize("name", FAULTS)
def test_a_lesson_may_ask_for_words_only(name: str) -> None:
    better, worse, reason = FAULTS[name]
    found = mined(*picks(40, better, worse), mining=ALL)
    assert ("warning", reason) in said_of(found) and len(found.of("dpo")) == 40 and not reasons(found)


def test_few_rows_are_no_batch() -> None:
    better, worse, _ = FAULTS["longer answers"]
    assert not mined(*picks(19, better, worse)).findings


def test_a_mild_gap_is_a_warning() -> None:
    found = mined(*picks(200, lambda n: text(("b", n), 9, 17), lambda n: text(("w", n), 8, 16)))
    assert said_of(found) == {("warning", "lint_length")} and len(found.of("dpo")) == 200


def test_where_the_form_is_the_lesson_the_sides_may_differ() -> None:
    rows = [talk(f"l{n}", turn("q", None, "user", f"Sky {n}?"), turn("a", "q", "assistant", "It might well be, all in all, a kind of blue."), user_id=f"u{n}", app="labels", feedback=[said("edit", text="blue" if n % 2 else "red")]) for n in range(40)]  # fmt: skip
    found = mined(*rows)
    assert len(found.of("dpo")) == 40 and not found.findings


LEAKS = {
    "the question first": "What would you say about rivers and stones in the north? Rivers and stones are fine.",
    "a template's mark": "Fine.<|im_end|>",
    "an instruction's heading": "### Instruction\nSay it.\n\nFine.",
}


@pytest.mark.parametrize("name", LEAKS)
def test_an_answer_with_the_prompt_in_it_is_left_out_alone(name: str) -> None:
    turns = [turn("q", None, "user", "What would you say about rivers and stones in the north?"), turn("a", "q", "assistant", "No idea.")]
    leak = talk("leak", *turns, app="free", feedback=[said("edit", text=LEAKS[name])])
    found = mined(leak, *picks(5))
    assert reasons(found) == {"prompt_leaked": 2} and len(found.kept) == 5
    assert "not taught" in found.findings[0].sentence


@pytest.mark.parametrize(
    ("words", "personal"),
    [
        ("Write to jane.doe@example.com.", True),
        ("The card is 4111 1111 1111 1111.", True),
        ("The key is sk-abcdefghij0123456789.", True),
        ("Write to <EMAIL_1>.", False),
        ("Order 4111 1111 1111 1112 is late.", False),
        ("In 1234567890123 ways.", False),
        ("Zero 0000 0000 0000 0000.", False),
    ],
)
def test_personal_data_that_is_left_keeps_a_row_out(words: str, personal: bool) -> None:
    found = mined(
        talk("c", turn("q", None, "user", "How?"), turn("a", "q", "assistant", "No."), app="free", feedback=[said("edit", text=words)])
    )
    assert (reasons(found) == {"personal_data_left": 2}) is personal


def test_a_hotfix_is_taught_as_written() -> None:
    fix = talk("f", turn("q", None, "user", "Whom do I write to?"), turn("a", "q", "assistant", "No."), app="hotfix", metadata={"task": "free", "hotfix": True}, feedback=[said("edit", text="jane@example.com")])  # fmt: skip
    assert len(mined(fix).of("sft")) == 1


def test_nearly_one_label_is_said_and_one_label_stops() -> None:
    names = LABELS.model_copy(update={"labels": {"red": "", "blue": "", "grey": ""}})

    def labelled(count: int) -> Batch:
        rows = [talk(f"l{n}", turn("q", None, "user", f"Sky {text(n, 3, 5)} {n}?"), turn("a", "q", "assistant", "green"), user_id=f"u{n}", app="labels", feedback=[said("edit", text="blue" if n >= count else "red")]) for n in range(40)]  # fmt: skip
        return batch(*rows, cards=(names,), mining=STOP)

    assert not labelled(20).findings or {f.level for f in labelled(20).findings} == {"warning"}
    assert ("warning", "lint_labels") in said_of(labelled(30))
    assert ("stop", "lint_labels") in said_of(labelled(39)) and not labelled(39).of("sft")


def test_who_has_little_weight_cannot_stop_a_task() -> None:
    """Sixty long answers of one user beside sixty ordinary ones: by rows a stop, by weight none."""
    loud = [t | {"user_id": "mallory", "conversation_id": f"m{n}"} for n, t in enumerate(picks(60, lambda n: text(("x", n), 40, 60)))]
    loud = [t | {"messages": [turn("q", None, "user", f"Mallory {n} {text(n, 4, 6)}?"), *t["messages"][1:]]} for n, t in enumerate(loud)]
    open_ = Mining(heldout_share=0.0, max_rows_per_user_day=100)
    found = mined(*picks(60), *loud, mining=open_)
    assert not [f for f in found.findings if f.level == "stop"] and sum(c.speaker.user_hash != "mallory" for c in found.kept) == 60
    assert [f for f in mined(*picks(60), *loud).findings if f.level == "stop"], "unweighted it would be"


def test_one_users_share_is_said_where_voices_are_few() -> None:
    few = [t | {"user_id": "ann" if n < 15 else f"ben{n % 2}"} for n, t in enumerate(picks(30))]
    found = mined(*few)
    assert [f.sentence for f in found.findings] == ["free, 30 pairs: one of 3 users has 50% of their weight"] and len(found.kept) == 30


def test_cohens_d_is_the_textbooks() -> None:
    a, b = [3.0, 5.0, 8.0, 9.0], [1.0, 2.0, 6.0]
    pooled = math.sqrt((3 * statistics.variance(a) + 2 * statistics.variance(b)) / 5)
    ones = lambda x: [(v, 1.0) for v in x]  # noqa: E731
    assert lint_checks.cohen(ones(a), ones(b)) == pytest.approx((statistics.mean(a) - statistics.mean(b)) / pooled)
    assert lint_checks.cohen(ones([1.0]), ones([1.0])) == 0 and lint_checks.relative(ones([11.0]), ones([10.0])) == pytest.approx(1 / 11)


def test_findings_stand_in_the_counts_and_in_the_words() -> None:
    from pipeline.mine import words

    better, worse, _ = FAULTS["longer answers"]
    counts = account.counts(mined(*picks(40, better, worse)))
    assert counts["lint"][0]["level"] == "stop" and counts["dropped"]["lint_length"] == 40
    assert words.notes(counts)[0].startswith("lint stop: free, 40 pairs: the better answers are")
