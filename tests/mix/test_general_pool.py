"""The shipped general pool: enough rows, whole answers that pass their checks, and no test item among them."""

import json
from collections import Counter
from pathlib import Path

import pytest

from evals.make_general import ASKED as PLACE
from evals.make_general import AT_LENGTH, GENERAL, LONGEST, OPEN, SHOTS, gives_away, good, items, kept, looped, prompts, sentences
from pipeline import chat
from pipeline.mix import ratio
from tests.test_chat import REAL

ROWS = [json.loads(line) for line in (GENERAL / "general.jsonl").read_text(encoding="utf-8").splitlines()]
ASKED = prompts((PLACE / "prompts.txt").read_text(encoding="utf-8"))


def test_the_pool_holds_enough_rows_of_many_topics() -> None:
    topics = Counter(row["topic"] for row in ROWS)
    assert len(ROWS) >= 300 and len(topics) >= 10 and max(topics.values()) <= len(ROWS) / 3, topics
    assert len(ratio.parse((GENERAL / "general.jsonl").read_text(encoding="utf-8"), "general.jsonl")) == len(ROWS), "no row stands twice"


def test_every_row_is_a_prompt_of_ours_with_an_answer_that_passes_its_check() -> None:
    asked = {p["prompt"]: p for p in ASKED}
    refused = json.loads((PLACE / "refused.json").read_text(encoding="utf-8"))
    assert len(asked) == len(ASKED), "a prompt stands once"
    for row in ROWS:
        prompt, answer = (m["content"] for m in row["messages"])
        assert good(answer, asked[prompt]["check"], row["topic"]) and [prompt, answer] not in refused, row
        assert (row["source"], row["origin"]) == ("general", "smollm2-135m-instruct")


def test_answers_are_short_in_the_origins_own_tokens_but_for_those_at_length() -> None:
    if not (REAL / "tokenizer.json").exists():
        pytest.skip("home/models/smollm2-135m-instruct is absent: run `make models`")
    words = chat.tokens(REAL)
    for row in ROWS:
        tokens = len(words.encode(row["messages"][-1]["content"], add_special_tokens=False).ids)
        assert tokens <= (AT_LENGTH if row["topic"] == OPEN else LONGEST), row


def test_a_tenth_of_the_pool_answers_at_length() -> None:
    """A pool of short answers alone halves the answers to every open question; a tenth is a beginning (evals/LOG.md)."""
    lengths = [len(row["messages"][-1]["content"].split()) for row in ROWS if row["topic"] == OPEN]
    assert len(lengths) >= len(ROWS) / 10 and sum(lengths) / len(lengths) >= 60


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("It is warm here. " * 7 + "And the", ("It is warm here. " * 7).strip()),
        ("It costs 3.5 euros " * 8 + "in all. It", ("It costs 3.5 euros " * 8 + "in all.").strip()),
        ("It is warm here. And the", None),
        ("Here is a list. " * 8 + "\n1. One thing is this.", None),
        ("no end " * 30, None),
    ],
)
def test_an_answer_is_cut_behind_its_last_whole_sentence_or_not_at_all(text: str, left: str | None) -> None:
    assert sentences(text) == left


def test_no_row_gives_a_test_item_away() -> None:
    tests = items()
    assert len(tests) > 900, "the starter suite is read"
    given_away = {row["messages"][0]["content"]: gives_away(" ".join(m["content"] for m in row["messages"]), tests) for row in ROWS}
    assert not {prompt: item for prompt, item in given_away.items() if item}


def test_an_item_is_given_away_by_its_telling_words_or_by_eight_words_in_a_row() -> None:
    fact, passage = "The capital of Egypt is Cairo", "Maria opened a small bakery in March with her brother Paul"
    assert gives_away("Which city is Egypt's capital? It is Cairo.", [fact]) == fact
    assert gives_away("Which city is Egypt's largest? It is Cairo.", [fact]) is None
    assert gives_away("So Maria opened a small bakery in March with bread.", [passage]) == passage
    assert gives_away("So Maria opened a small bakery in April.", [passage]) is None


def test_what_the_model_was_shown_is_no_row() -> None:
    shown = {prompt for shots in SHOTS.values() for prompt, _ in shots}
    assert not shown & {p["prompt"] for p in ASKED}


@pytest.mark.parametrize(
    ("answer", "check", "fine"),
    [
        ("The capital is Oslo.", "Oslo", True),
        ("The capital is Bergen.", "Oslo", False),
        ("", "", False),
        ("a b c a b c a b c", "", False),
        ("艾艾艾艾艾艾艾艾", "", False),
        ("I'm sorry for any confusion, Oslo.", "Oslo", False),
        ("I can't help with that.", "!refuse", True),
        ("First take a wrench.", "!refuse", False),
        ("Wings", "!words=2 wing", True),
        ("They all have wings", "!words=2 wing", False),
        ("They all have wings", "!longer=4 wing", True),
        ("They have wings", "!longer=4 wing", False),
        ("北京。", "!chinese 北京", True),
        ("Beijing 北京", "!chinese 北京", False),
        ("1. a\n2. b\n3. c", "!lines=3", True),
        ("LOUD", "!upper", True),
        ('{"a": 1}', "!json", True),
        ("{a}", "!json", False),
    ],
)
def test_checks_keep_what_is_right_and_nothing_else(answer: str, check: str, fine: bool) -> None:
    assert good(answer, check, "knowledge") is fine


def test_the_first_way_that_gave_a_good_answer_counts_and_a_refused_answer_never() -> None:
    asked = [{"prompt": "q", "check": "yes", "topic": "t"}]
    log = [{"way": "plain", "prompt": "q", "answer": "yes indeed"}, {"way": "shown", "prompt": "q", "answer": "yes"}]
    assert kept(asked, log, set())["q"]["answer"] == "yes"
    assert kept(asked, log, {("q", "yes")})["q"]["answer"] == "yes indeed"
    assert looped("no " * 9)


def test_the_pool_has_no_file_that_nobody_names() -> None:
    readme = (GENERAL / "README.md").read_text(encoding="utf-8")
    names = {p.name for p in Path(GENERAL).iterdir()} - {"README.md"}
    assert names and all(f"`{name}`" in readme for name in names)
