"""Every rule that judges a generated answer, with an answer that keeps it and one that breaks it."""

import importlib.util
import json
from pathlib import Path

import pytest

STARTER = Path(__file__).resolve().parents[2] / "evals" / "starter"


def module(name: str):
    spec = importlib.util.spec_from_file_location(f"starter_{name}", STARTER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


rules = module("rules")

CASES = [
    ("contains river", "The River is wide.", "The lake is wide."),
    ("avoids the", "A moon circles a planet.", "This is the moon."),
    ("avoids the", "They gather there.", "The end."),  # a word, not a piece of one
    ("has_word 7", "It is 7 in digits.", "It is 17."),
    ("only_one tea/coffee", "Tea.", "Tea or coffee."),
    ("only_one tea/coffee", "I like coffee.", "Neither."),
    ("one_of car/cars", "Ban cars now.", "Ban carts."),
    ("first_of yes/no", "Yes.", "I think yes."),
    ("first_of true/false", "False. Fish swim.", ""),
    ("starts_with Dear Tom", "Dear Tom,\nhow are you?", "Hello Tom"),
    ("max_words 1", "Blue", "Deep blue"),
    ("max_words 1", "Blue", ""),
    ("min_words 3", "one two three", "one two"),
    ("min_count 2 ,", "a, b, c", "a, b and c"),
    ("contains $", "It is $5.", "It is five dollars."),
    ("lowercase ", "all small letters.", "One Big letter."),
]


@pytest.mark.parametrize(("rule", "kept", "broken"), CASES, ids=[f"{r}-{i}" for i, (r, _, _) in enumerate(CASES)])
def test_a_rule_tells_kept_from_broken(rule, kept, broken):
    assert rules.holds(rule, kept)
    assert not rules.holds(rule, broken)


def test_every_rule_is_used_by_an_item_and_tested_here():
    used = set()
    for path in STARTER.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            used |= {rule.partition(" ")[0] for rule in json.loads(line).get("rules", [])}
    assert used == set(rules.RULES) == {case[0].partition(" ")[0] for case in CASES}


def test_an_unknown_rule_is_an_error_not_a_failed_answer():
    with pytest.raises(KeyError):
        rules.holds("rhymes_with day", "play")


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        (' "Anna", "age": 31}', 1.0),
        ('"Anna","age":31}', 1.0),  # spaces are free
        (' "Anna", "age": 31.0}', 0.0),  # another type
        (' "Anna", "age": "31"}', 0.0),
        (' "Anna", "age": 31', 0.0),  # not closed
        (' "Anna", "age": 31, "city": "Rome"}', 0.0),
        (' "Anna", "age": 31} Here you are!', 0.0),
        ("", 0.0),
    ],
)
def test_json_must_parse_and_be_equal(answer, passed):
    doc = {"start": '{"name":', "answer": ' "Anna", "age": 31}'}
    assert rules.same_json(doc, [answer]) == {"passed": passed}


def test_true_is_not_one_in_json():
    assert rules.same_json({"start": '{"x":', "answer": " true}"}, [" 1}"]) == {"passed": 0.0}


def test_repetition_is_the_share_of_different_word_triples():
    assert rules.unrepeated("a b c d e") == 1.0  # abc bcd cde
    assert rules.unrepeated("a b c a b c") == 0.75  # abc bca cab abc: three of four differ
    assert rules.unrepeated("very very very very very") == pytest.approx(1 / 3)
    assert rules.unrepeated("too short") == 0.0


def test_writing_reports_rules_repetition_and_length():
    found = rules.written({"rules": ["contains sea"]}, ["The sea is wide and the sea is deep"])
    assert found == {"passed": 1.0, "unrepeated": pytest.approx(6 / 7), "words": 9.0}  # "the sea is" stands twice among seven
