"""Near-duplicates beside brute force and beside datasketch; order changes nothing, and twice is once."""

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mine import similar
from pipeline.ngrams import Ragged

WORDS = [f"{a}{b}{c}" for a in "bdfgklm" for b in "aeiou" for c in "lmnrst"]
LISTS = st.lists(st.sets(st.integers(0, 12), max_size=9), min_size=2, max_size=7)


def sets(lists: list[set[int]]) -> Ragged:
    hashes = np.array([n * 0x9E3779B97F4A7C15 % 2**64 for one in lists for n in sorted(one)], np.uint64)
    return Ragged(hashes, np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64))


def share(a: set, b: set) -> float:
    return len(a & b) / len(a | b) if a | b else 1.0


def corpus(seed: int, count: int) -> list[str]:
    """Sentences, half of them an earlier one with up to three words changed."""
    draw = random.Random(seed)
    found: list[str] = []
    for _ in range(count):
        words = draw.choice(found).split() if found and draw.random() < 0.5 else draw.choices(WORDS, k=draw.randint(8, 40))
        for _ in range(draw.randint(0, 3)):
            words[draw.randrange(len(words))] = draw.choice(WORDS)
        found.append(" ".join(words))
    return found


def shingled(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}


@settings(max_examples=200, deadline=None)
@given(LISTS)
def test_jaccard_is_that_of_the_sets(lists: list[set[int]]) -> None:
    pairs = list(combinations(range(len(lists)), 2))
    a, b = (np.array([p[side] for p in pairs]) for side in (0, 1))
    found = similar.jaccard(sets(lists).taken(a), sets(lists).taken(b))
    assert found.tolist() == pytest.approx([share(lists[x], lists[y]) for x, y in pairs])


@settings(max_examples=200, deadline=None)
@given(LISTS, LISTS, st.sampled_from([0.5, 0.7, 1.0]))
def test_overlapping_misses_no_pair(a: list[set[int]], b: list[set[int]], least: float) -> None:
    found = similar.overlapping(sets(a), sets(b), least)
    expected = {(x, y) for x, s in enumerate(a) for y, t in enumerate(b) if s & t and share(s, t) >= least - 1e-12}
    assert set(zip(found.later.tolist(), found.earlier.tolist(), strict=True)) == expected


def alike(texts: list[str]) -> tuple[similar.Pairs, Ragged]:
    found = similar.shingles(texts)
    pairs = similar.candidates(similar.keys(found))
    return pairs.where(similar.jaccard(found.taken(pairs.later), found.taken(pairs.earlier)) >= 0.7), found


def test_every_text_with_a_near_duplicate_before_it_is_found_and_no_other() -> None:
    texts = corpus(1, 400)
    pairs, _ = alike(texts)
    all_of = [shingled(t) for t in texts]
    near = {(b, a) for a, b in combinations(range(len(texts)), 2) if share(all_of[a], all_of[b]) >= 0.7}
    found = set(zip(pairs.later.tolist(), pairs.earlier.tolist(), strict=True))
    assert found <= near and len(near) > 100
    later = {b for b, _ in near}
    assert len({b for b, _ in found} & later) >= 0.98 * len(later)


def test_datasketch_calls_the_same_texts_near_duplicates() -> None:
    datasketch = pytest.importorskip("datasketch", reason="datasketch is a test dependency: pip install datasketch")
    texts = corpus(2, 300)
    index = datasketch.MinHashLSH(num_perm=128, params=(similar.BANDS, similar.ROWS))
    theirs = set()
    for n, text in enumerate(texts):
        sketch = datasketch.MinHash(num_perm=128)
        sketch.update_batch([" ".join(s).encode() for s in shingled(text)])
        theirs |= {n for m in index.query(sketch) if share(shingled(text), shingled(texts[m])) >= 0.7}
        index.insert(n, sketch)
    pairs, _ = alike(texts)
    ours = set(pairs.later.tolist())
    assert len(theirs) > 50 and len(ours ^ theirs) <= 0.02 * len(theirs)


def test_a_crowd_of_equal_texts_costs_a_line_and_not_a_square() -> None:
    pairs, _ = alike(["the same ten words come again and again and again"] * 2000)
    assert len(pairs) <= 2 * 2000 and set(pairs.later.tolist()) == set(range(1, 2000))


def test_what_repeats_only_a_dropped_text_is_kept() -> None:
    chain = similar.Pairs(np.array([1, 2, 3]), np.array([0, 1, 0]))  # 1 is like 0, 2 is like 1, 3 is like 0
    assert similar.first_kept(chain, 4).tolist() == [-1, 0, -1, 0]


def test_the_kept_texts_have_no_near_duplicate_left_and_a_second_pass_drops_none() -> None:
    texts = corpus(3, 300)
    pairs, _ = alike(texts)
    like = similar.first_kept(pairs, len(texts))
    kept = [t for t, first in zip(texts, like.tolist(), strict=True) if first < 0]
    again, _ = alike(kept)
    assert 0 < len(kept) < len(texts)
    assert len(again) <= 0.02 * len(kept)  # what a band missed the first time


def test_texts_without_words_are_like_nothing() -> None:
    pairs, found = alike(["", "…", "!!!", ""])
    assert len(pairs) == 0 and found.lengths.tolist() == [0, 0, 0, 0]


def test_a_long_text_is_compared_by_its_smallest_shingles() -> None:
    words = random.Random(4).choices([f"{w}{n}" for w in WORDS for n in range(20)], k=4000)
    found = similar.shingles([" ".join(words), " ".join(words[:3600]), " ".join(words[:1500])])
    a = similar.sketched(found)
    assert a.lengths.tolist() == [similar.SKETCH] * 3
    found = similar.jaccard(a.taken(np.array([0, 0])), a.taken(np.array([1, 2])))
    assert found.tolist() == pytest.approx([0.9, 0.375], abs=0.05)
