"""The judge's plumbing against `transformers serve` and a real small model: its verdicts are worth nothing, its replies are real."""

import dataclasses
from pathlib import Path

import pytest

from pipeline.demo.serve import serving
from pipeline.mine import judge, judge_questions
from pipeline.mine.judge import About, Unanswered
from pipeline.mine.judge_questions import Exchange
from pipeline.mine.reasons import REASONS
from pipeline.recipe import Judging
from pipeline.settings import Settings

MODEL = Path(__file__).parents[2] / "home" / "models" / "smollm2-135m-instruct"
WRONG = Exchange(({"role": "user", "content": "Which colour has the sky?"},), "The sky is green.", "That's wrong, it is blue.")
BAR = Judging(on_trust=True, timeout_s=600, max_tokens=64)


@pytest.mark.slow
@pytest.mark.e2e
def test_a_real_model_behind_transformers_serve_is_asked_and_remembered(home: Settings) -> None:
    pytest.importorskip("torch")
    if not (MODEL / "config.json").exists():
        pytest.skip("home/models/smollm2-135m-instruct is absent: run `make models`")
    (home.home / "demo").mkdir(parents=True)
    with serving(MODEL, home, wait_s=600) as served:
        settings = dataclasses.replace(home, judge_url=served.url, judge_model=served.model)
        first = _asked(settings)
        assert all(cost > 100 for _, cost in first.values()), "the server counts its tokens"
    assert _asked(settings) == first, "with the server gone, what it said is remembered"
    assert all(said in ("read", "judge_unreadable", "quote_not_said") for said, _ in first.values()), first


def _asked(settings: Settings) -> dict[str, tuple[str, int]]:
    """Each question's end and its tokens."""
    found = {}
    for name in ("feedback", "rewrite", "compare"):
        seat, about = judge.of(settings, BAR), About("c1", "u1")
        assert seat is not None
        try:
            if name == "feedback":
                judge_questions.feedback(seat, WRONG, about)
            elif name == "rewrite":
                judge_questions.rewrite(seat, WRONG, ["It is blue."], None, about)
            else:
                judge_questions.compare(seat, WRONG, "The sky is blue.", WRONG.answer, about)
            said = "read"
        except Unanswered as error:
            assert error.reason in REASONS
            said = error.reason
        found[name] = (said, about.spent.tokens)
        assert seat.down is None
    return found
