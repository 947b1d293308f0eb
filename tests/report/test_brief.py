"""The first screen of a report: the decision in a few questions, each with its evidence, and the lesson beside the last release's."""

import re

import pytest

from pipeline import recipe
from pipeline.report import brief, since
from pipeline.report.sources import Sources
from tests.report.test_report import made


@pytest.mark.parametrize("verdict", ["promote", "hold", "block"])
def test_every_question_is_answered_and_opens_its_evidence(home, verdict):
    _, _, facts, page = made(home, verdict, recipe.Recipe())
    asked = ["What changes for users", "What is proved", "What is not known", "What was lost, and why"]
    assert [b["question"] for b in facts["brief"]] == asked + (["What repair did"] if verdict == "block" else [])
    assert all(b["answers"] and all(answer.endswith((".", "!", "?")) for answer in b["answers"]) for b in facts["brief"])
    ids = set(re.findall(r'id="([a-z]+)"', page))
    assert set(re.findall(r'href="#([a-z]+)"', page)) <= ids


def test_a_blocked_day_says_first_what_fell_and_by_how_much(home):
    _, _, facts, _ = made(home, "block", recipe.Recipe())
    proved = next(b for b in facts["brief"] if b["question"] == "What is proved")["answers"]
    assert any("A loss against the champion" in a and "arithmetic (−18.0 points)" in a for a in proved)


def test_a_task_in_service_that_was_forgotten_is_told_wherever_a_reviewer_looks(home):
    _, _, facts, _ = made(home, "block", recipe.Recipe())
    row = {"name": "tickets", "rule": "kept", "decision": "block", "n": 60, "drop": 0.8, "before": 0.85, "after": 0.05}
    changed = facts | {"targets": facts["targets"] | {"rows": [row]}}
    answers = {b["question"]: " ".join(b["answers"]) for b in brief.of(changed, None)}
    assert "tickets, which this lesson does not teach: 85% right with the champion, 5% with this model" in answers["What changes for users"]
    assert "A loss on users' own questions: tickets (−80.0 points)." in answers["What is proved"]
    assert "tickets: users have it from the model in service, and this lesson has no rows of it." in answers["What was lost, and why"]


@pytest.mark.parametrize(
    ("flips", "n", "margin", "wanted"),
    [(25, 500, 0.02, 773), (50, 500, 0.02, 1546), (40, 500, 0.01, 4947), (0, 500, 0.05, None), (25, 1000, 0.02, None)],
    ids=["psi .05, 2 pt", "psi .1, 2 pt", "psi .08, 1 pt", "enough already", "enough as flips are few"],
)
def test_the_items_that_would_tell_are_those_of_the_published_formula(flips, n, margin, wanted):
    """gate.md, section 5: (z_a + z_b)^2 psi / m^2 at 80% power."""
    found = brief.needed({"lost": flips, "gained": 0, "n": n}, margin)
    assert found == pytest.approx(wanted, abs=1) if wanted else found is None


def lesson(passes: int, rate: float) -> dict:
    return {
        "counts": {"tasks": {"mood": {"passes": passes}}},
        "plan": {"method": "sft", "values": {"learning_rate": {"value": rate, "why": "x"}}},
    }


def test_a_lesson_is_told_by_what_differs_from_the_last_releases(home):
    now = lesson(40, 1e-4)
    rows = [{"example_id": id, "task": "mood"} for id in "bcd"] + [{"example_id": "g", "task": "general"}]
    sources = Sources(
        {"champion": "model-1"}, {}, "model-2", None, None, None, {}, counts=now["counts"], plan=now["plan"], rows={"sft": rows}
    )
    assert since.of(sources) == {"before": None, "rows": [], "taught": None}, "the origin had no lesson"
    found = since.of(Sources(**(vars(sources) | {"earlier": lesson(30, 1e-4) | {"rows": {"a", "b"}}})))
    assert found["taught"] == {"stayed": 1, "came": 2, "went": 1}
    assert found["rows"] == [{"what": "passes over rows of mood", "before": "30", "after": "40"}]
