"""The starter suite's items, read as a strict reader would: enough of them, none twice, none that gives its answer away."""

import itertools
import json
import re
from collections import Counter
from pathlib import Path

import pytest

STARTER = Path(__file__).resolve().parents[2] / "evals" / "starter"
CHOICE = ("arithmetic", "commonsense", "knowledge", "reading", "reading_zh")
GENERATION = ("instructions", "json_format")
REPORT = ("kept", "writing")
ALL = (*CHOICE, *GENERATION, *REPORT)


def items(name: str) -> list[dict]:
    return [json.loads(line) for line in (STARTER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def own_words(item: dict) -> str:
    """What tells one item from its siblings: not the passage that a cluster shares."""
    if "turns" in item:
        return " ".join(item["turns"])
    if "stem" in item:
        return item["stem"]
    return item["ask"]


def triples(text: str) -> set[tuple[str, ...]]:
    """Word 3-grams; a Chinese character and a mark (an operator, a bracket) count as a word."""
    parts = re.findall(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+|[^\w\s]", text.lower())
    return {tuple(parts[i : i + 3]) for i in range(max(1, len(parts) - 2))}


def jaccard(a: set, b: set) -> float:
    return len(a & b) / len(a | b)


def tokens(text: str) -> float:
    """About how many tokens a small vocabulary makes of it: four letters or one Chinese character (two tokens) at a time."""
    return sum(2 if "\u4e00" <= c <= "\u9fff" else 0.25 for c in text) + 1


def test_every_file_of_items_has_a_task_of_its_name_and_every_task_its_items():
    assert {p.stem for p in STARTER.glob("*.jsonl")} == set(ALL) == {p.stem for p in STARTER.glob("*.yaml")}


@pytest.mark.parametrize("name", CHOICE + GENERATION)
def test_an_ability_has_at_least_150_items(name):
    assert len(items(name)) >= 150


@pytest.mark.parametrize("name", REPORT)
def test_a_report_only_set_has_20_to_40_items(name):
    assert 20 <= len(items(name)) <= 40


@pytest.mark.parametrize("name", ALL)
def test_ids_are_unique_and_every_item_names_its_cluster(name):
    rows = items(name)
    assert len({r["id"] for r in rows}) == len(rows)
    assert all(r["cluster"] for r in rows)


@pytest.mark.parametrize("name", ALL)
def test_no_template_or_passage_gives_more_than_ten_items(name):
    assert max(Counter(r["cluster"] for r in items(name)).values()) <= 10


@pytest.mark.parametrize("name", ALL)
def test_no_two_items_are_near_duplicates(name):
    rows = [(r["id"], triples(own_words(r))) for r in items(name)]
    close = [(a[0], b[0], round(jaccard(a[1], b[1]), 2)) for a, b in itertools.combinations(rows, 2) if jaccard(a[1], b[1]) >= 0.7]
    assert close == []


def test_the_near_duplicate_measure_sees_a_copy_with_one_word_changed():
    story = "Tell me a short story about the last train that leaves an old station at night"
    assert jaccard(triples(story), triples(story.replace("night", "noon"))) >= 0.7
    assert jaccard(triples("The capital of France is"), triples("The capital of Japan is")) < 0.7


@pytest.mark.parametrize("name", CHOICE)
def test_a_choice_item_has_three_different_choices_of_at_most_20_tokens(name):
    for row in items(name):
        assert len(row["choices"]) == len(set(row["choices"])) == 3, row
        assert row["gold"] in (0, 1, 2)
        assert max(map(tokens, row["choices"])) <= 20, row


@pytest.mark.parametrize("name", CHOICE)
def test_no_choice_is_the_beginning_of_another(name):
    """The longer one could never be the likelier: 10 against 100."""
    for row in items(name):
        assert not [(a, b) for a, b in itertools.permutations(row["choices"], 2) if b.startswith(a)], row


@pytest.mark.parametrize("name", CHOICE)
def test_the_right_answer_stands_equally_often_in_each_place(name):
    rows = items(name)
    assert sorted(Counter(r["gold"] for r in rows).values()) == [len(rows) // 3] * 3


@pytest.mark.parametrize("name", CHOICE)
def test_the_right_answer_is_not_the_longest_too_often(name):
    rows = items(name)
    longest = sum(all(len(r["choices"][r["gold"]]) > len(c) for i, c in enumerate(r["choices"]) if i != r["gold"]) for r in rows)
    assert longest / len(rows) < 0.5


@pytest.mark.parametrize("name", CHOICE)
def test_no_choice_is_right_nearly_always_or_wrong_nearly_always(name):
    """A model that has learnt the choices without the question must gain nothing: no frequent choice is nearly always right."""
    right, offered = Counter(), Counter()
    for row in items(name):
        right[row["choices"][row["gold"]]] += 1
        offered.update(row["choices"])
    frequent = {c: right[c] / n for c, n in offered.items() if n >= 10}
    assert all(share < 0.8 for share in frequent.values()), frequent


def test_reading_answers_cannot_be_read_without_the_passage():
    """Each question's stem stands with the passage; both languages ask several questions a passage."""
    for name in ("reading", "reading_zh"):
        rows = items(name)
        assert len({r["passage"] for r in rows}) == len({r["cluster"] for r in rows}) >= 30
        assert min(Counter(r["cluster"] for r in rows).values()) >= 3


def test_one_ability_is_asked_in_chinese():
    han = re.compile(r"[\u4e00-\u9fff]")
    assert all(han.search(r["passage"]) and han.search(r["stem"]) and not re.search("[a-zA-Z]", r["passage"]) for r in items("reading_zh"))


@pytest.mark.parametrize("name", GENERATION)
def test_a_reference_answer_fits_in_16_tokens(name):
    assert max(tokens(r["answer"]) for r in items(name)) <= 16


def test_arithmetic_of_plain_sums_is_right():
    """Python is the oracle for the items that are written as sums."""
    checked = 0
    for row in items("arithmetic"):
        if match := re.fullmatch(r"([\d +\-x]+) =", row["stem"]):
            assert str(eval(match[1].replace("x", "*"))) == row["choices"][row["gold"]], row  # digits and operators only
            checked += 1
    assert checked >= 30
