"""The error budget on the page: what was spent, by whom the origin was set, and nothing where a verdict is older."""

from pipeline.report import account

ROW = {"budget": 0.04, "spent": 0.0, "charge": 0.0, "left": 0.04, "overdrawn": False}


def _verdict(**changed):
    return {"budget": {"rows": {"maths": ROW, "code": ROW | {"spent": 0.023}}, "promotions": ["verdict-1"], "anchor": {}, "alpha": 0.05 / 60, "worst_case_a_day": 0.05 + 0.05 / 60} | changed}  # fmt: skip


def test_only_rows_with_a_loss_are_shown_and_the_worst_case_is_said():
    found = account.of(_verdict())
    assert [r["name"] for r in found["rows"]] == ["code"]
    assert found["sentence"].startswith("1 promotion since the origin was set: ")
    assert "probability 5.08% at most, 0.08% of it against the origin" in found["sentence"]


def test_who_set_the_origin_and_why_is_said():
    anchor = {"since": "2026-11-20T08:00:00+00:00", "by": "mei", "reason": "a new base"}
    found = account.of(_verdict(anchor=anchor, promotions=[], rows={"maths": ROW}))
    assert found["rows"] == []
    assert found["sentence"].startswith("No promotion since mei set the origin on 2026-11-20 (a new base). ")


def test_a_verdict_from_before_the_budget_shows_none():
    assert account.of({"verdict": "hold"}) is None
