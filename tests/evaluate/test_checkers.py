"""When an answer to a held-out prompt counts as right, checker by checker."""

import pytest

from pipeline.evaluate.checkers import check, fault


@pytest.mark.parametrize(
    ("checker", "answer", "reference", "right"),
    [
        ("exact", " Tokyo \n", "Tokyo", 1),
        ("exact", "tokyo", "Tokyo", 0),
        ("exact", "cafe\u0301", "caf\u00e9", 1),
        ("label", '"Play_Music".', "play_music", 1),
        ("label", "play_music or get_weather", "play_music", 0),
        ("label", "", "play_music", 0),
        ("label", "播放音乐。", "播放音乐", 1),
        ("contains", "The answer is  PARIS, of course", "paris", 1),
        ("contains", "Lyon", "paris", 0),
        ("regex", "2026-11-20", r"\d{4}-\d\d-\d\d", 1),
        ("regex", "on 2026-11-20", r"\d{4}-\d\d-\d\d", 0),
        ("json", '{"age": 36.0, "name": "Ada"}', '{"name":"Ada","age":36}', 1),
        ("json", '```json\n{"name": "Ada"}\n```', '{"name": "Ada"}', 0),
        ("json", '{"n": true}', '{"n": 1}', 0),
        ("json", '{"n": [1, {"a": null}]}', '{"n": [1, {"a": null}]}', 1),
        ("json", '{"n": 1', '{"n": 1}', 0),
        ("json", "[" * 5000, '{"n": 1}', 0),
    ],
)
def test_an_answer_is_right_when_its_checker_says_so(checker, answer, reference, right):
    assert check(checker, answer, reference)["correct"] == right


def test_json_also_counts_the_keys_that_are_right():
    # of name, age, city and town (4 keys in either) only name agrees
    found = check("json", '{"name": "Ada", "age": 35, "town": "London"}', '{"name": "Ada", "age": 36, "city": "London"}')
    assert found == {"correct": 0.0, "keys": 0.25}


def test_a_card_pattern_compares_what_it_captures():
    pattern = r"(?:Total|Sum): (\d+) (EUR|USD)\.?"
    assert check("regex", "Sum: 12 EUR.", "Total: 12 EUR", pattern)["correct"] == 1
    assert check("regex", "Sum: 12 USD", "Total: 12 EUR", pattern)["correct"] == 0
    assert check("regex", "12 EUR", "Total: 12 EUR", pattern)["correct"] == 0


@pytest.mark.parametrize(
    ("checker", "reference", "pattern", "said"),
    [
        ("exact", "  ", None, "empty"),
        ("label", '"."', None, "empty"),
        ("json", "name: Ada", None, "no JSON"),
        ("regex", "(", None, "cannot be read"),
        ("regex", "12", r"[a-z]+", "does not match"),
    ],
)
def test_a_reference_that_no_answer_can_meet_is_refused(checker, reference, pattern, said):
    assert said in (fault(checker, reference, pattern) or "")


def test_a_good_reference_has_no_fault():
    assert [fault("exact", "x"), fault("json", "{}"), fault("regex", "x+"), fault("regex", "ab", "[a-z]+")] == [None] * 4
