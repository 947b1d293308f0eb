"""An item's n-grams in other texts, counted by hand and by sets."""

import random

import pytest

from pipeline.ngrams import words
from pipeline.overlap import Items

RNG = random.Random(5)
WORDS = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst"]


def sentence(length: int) -> list[str]:
    return [RNG.choice(WORDS) + str(RNG.randrange(99)) for _ in range(length)]


def test_cover_is_the_share_of_the_items_thirteen_word_runs() -> None:
    item = sentence(20)  # eight runs of 13 words
    rows = [item, item[:15], item[5:], item[:12], sentence(30)]
    hits = {h.text: h.cover for h in Items.of([" ".join(item)]).hits(words([" ".join(r) for r in rows]))}
    assert hits == {0: 1.0, 1: 3 / 8, 2: 3 / 8}


def test_in_chinese_ten_signs_are_a_run() -> None:
    item = "我昨天在火车上丢了一个蓝色的行李箱"
    [hit] = Items.of([item]).hits(words([f"你好，{item[:13]}？"]))
    assert hit.cover == pytest.approx(4 / (len(item) - 9))


def test_what_more_than_ten_items_share_is_their_instruction() -> None:
    instruction = " ".join(sentence(14))
    for count, found in ((10, 10), (11, 0)):
        items = Items.of([f"{instruction} {' '.join(sentence(2))}" for _ in range(count)])
        assert len({h.item for h in items.hits(words([instruction]))}) == found


def test_short_items_are_looked_for_by_eight_words_and_shorter_ones_word_for_word() -> None:
    eight, five, two = (" ".join(sentence(n)) for n in (9, 5, 2))
    row = words([f"so {eight} then", f"so {five} then", five.upper(), two])
    assert [(h.text, h.item) for h in Items.of([eight, five, two], short=True).hits(row)] == [(0, 0)]
    assert Items.of([eight, five, two]).hits(row) == []
    assert [(h.text, h.item) for h in Items.of([eight, five, two]).same(row)] == [(2, 1)]


def test_counts_agree_with_sets_of_runs() -> None:
    base = sentence(400)
    items = [base[n : n + RNG.randint(13, 30)] for n in range(0, 380, 13)]
    rows = [base[n : n + RNG.randint(5, 60)] + sentence(5) for n in RNG.sample(range(380), 60)]
    runs = [{tuple(i[k : k + 13]) for k in range(len(i) - 12)} for i in items]
    expected = {}
    for t, row in enumerate(rows):
        there = {tuple(row[k : k + 13]) for k in range(len(row) - 12)}
        expected |= {(t, i): len(own & there) / len(own) for i, own in enumerate(runs) if own & there}
    found = Items.of([" ".join(i) for i in items])
    assert {(h.text, h.item): h.cover for h in found.hits(words([" ".join(r) for r in rows]))} == pytest.approx(expected)
    everywhere = {tuple(r[k : k + 13]) for r in rows for k in range(len(r) - 12)}
    cover = found.covered([words([" ".join(r) for r in rows])])
    assert cover.tolist() == pytest.approx([len(own & everywhere) / len(own) for own in runs])
