"""Words, windows and texts as hashes say what a regular expression and a set would."""

import re
import unicodedata
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ngrams import Ragged, texts, windows, words

SIGN = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
WORD = re.compile(rf"[{SIGN}]|[^\W{SIGN}]+")
SAMPLES = st.lists(
    st.text(st.one_of(st.sampled_from("ab cdeÉß_9.,!\n中文の한ﬁ²"), st.characters(codec="utf-8", exclude_characters="\0")), max_size=40),
    max_size=6,
)


def split(text: str) -> list[str]:
    found = WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return [w for w in found if w.replace("_", "a").isalnum()]  # a lone sound mark of kana is no word


@settings(max_examples=150, deadline=None)
@given(SAMPLES)
def test_words_are_those_of_the_regular_expression(said: list[str]) -> None:
    found = words(said)
    expected = [split(text) for text in said]
    assert found.lengths.tolist() == [len(e) for e in expected]
    flat = [w for e in expected for w in e]
    assert [len(w) == 1 and re.match(f"[{SIGN}]", w) is not None for w in flat] == found.signs.tolist()
    names: dict[str, int] = {}
    for word, name in zip(flat, found.hashes.tolist(), strict=True):
        assert names.setdefault(word, name) == name
    assert len(set(names.values())) == len(names)


@settings(max_examples=100, deadline=None)
@given(SAMPLES, st.integers(1, 5))
def test_windows_are_every_run_of_so_many_words(said: list[str], size: int) -> None:
    found = windows(words(said), size)
    expected = [[tuple(w[i : i + size]) for i in range(len(w) - size + 1)] for w in map(split, said)]
    assert found.lengths.tolist() == [len(e) for e in expected]
    names: dict[tuple[str, ...], int] = {}
    for window, name in zip([w for e in expected for w in e], found.hashes.tolist(), strict=True):
        assert names.setdefault(window, name) == name
    assert len(set(names.values())) == len(names)


def test_a_shorter_text_is_one_window_where_it_is_asked_for() -> None:
    found = windows(words(["one two", "", "a b c d", "two one", "One, two!"]), 3, whole=True)
    assert found.lengths.tolist() == [1, 0, 2, 1, 1]
    assert found.of(0) == found.of(4) != found.of(3)


@settings(max_examples=100, deadline=None)
@given(SAMPLES)
def test_texts_are_equal_where_their_words_are(said: list[str]) -> None:
    found, expected = texts(words(said)).tolist(), [tuple(split(text)) for text in said]
    for (a, x), (b, y) in pairwise(zip(found, expected, strict=True)):
        assert (a == b) == (x == y)
    assert all((name == 0) == (not e) for name, e in zip(found, expected, strict=True))


def test_case_accents_of_two_codes_and_wide_letters_make_no_other_word() -> None:
    a, b = words(["Straße CAFÉ Ｔｅｓｔ"]), words(["STRASSE cafe\u0301 test"])
    assert a.hashes.tolist() == b.hashes.tolist()


def test_lists_are_taken_and_kept_text_by_text() -> None:
    lists = Ragged(np.arange(6, dtype=np.uint64), np.array([0, 2, 2, 6]))
    assert [lists.taken(np.array([2, 0, 1])).of(n).tolist() for n in range(3)] == [[2, 3, 4, 5], [0, 1], []]
    assert [lists.kept(lists.hashes % 2 == 0).of(n).tolist() for n in range(3)] == [[0], [], [2, 4]]
    assert lists.owners.tolist() == [0, 0, 2, 2, 2, 2]
