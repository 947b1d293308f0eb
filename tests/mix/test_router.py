"""Which method teaches a task."""

import pytest

from pipeline.mix.router import Evidence, Route, route, whole
from pipeline.recipe import Training

CASES = {
    "answers only": (Evidence(20, 0, 0, 0), "auto", "sft", "0 pairs are too few for DPO (64)"),
    "answers and pairs": (Evidence(20, 64, 0, 0), "auto", "sft+dpo", "64 pairs are enough"),
    "one pair short": (Evidence(20, 63, 0, 0), "auto", "sft", "63 pairs are too few"),
    "votes where pairs are few": (Evidence(20, 63, 100, 28), "auto", "sft+kto", "enough for KTO (128)"),
    "pairs go before votes": (Evidence(20, 64, 100, 100), "auto", "sft+dpo", "DPO"),
    "votes that all agree": (Evidence(20, 0, 200, 0), "auto", "sft", "teaches no difference"),
    "votes alone": (Evidence(0, 0, 90, 90), "auto", "sft+kto", "no SFT rows of its own"),
    "too little": (Evidence(7, 3, 1, 1), "auto", "none", "collect more: 7 rows"),
    "the recipe wants SFT": (Evidence(20, 500, 0, 0), "sft", "sft", "the recipe says so"),
    "the recipe wants DPO": (Evidence(20, 3, 0, 0), "sft+dpo", "sft+dpo", "3 pairs are enough for DPO (1)"),
    "the recipe wants DPO of nothing": (Evidence(20, 0, 9, 9), "sft+dpo", "sft", "0 pairs are too few"),
    "the recipe wants KTO": (Evidence(20, 500, 1, 1), "sft+kto", "sft+kto", "the recipe asks for KTO"),
}


@pytest.mark.parametrize(("has", "method", "wanted", "words"), CASES.values(), ids=CASES)
def test_the_method_follows_from_the_data_with_its_reason(has: Evidence, method: str, wanted: str, words: str) -> None:
    got = route(has, Training(method=method))
    assert got.method == wanted and words in got.why


@pytest.mark.parametrize(
    ("methods", "wanted"),
    [(["sft", "none"], "sft"), (["sft", "sft+kto"], "sft+kto"), (["sft+kto", "sft+dpo"], "sft+dpo"), (["none"], "none"), ([], "none")],
)
def test_a_lesson_has_one_preference_stage_and_pairs_go_before_votes(methods: list[str], wanted: str) -> None:
    got = whole({f"t{i}": Route(m, "") for i, m in enumerate(methods)})
    assert got.method == wanted and (wanted != "none" or "collect more" in got.why)
