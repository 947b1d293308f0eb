"""Behind a block a day mends what it can, where its recipe says so, and puts in service only what the gate lets through."""

from typing import Any

import pytest

from pipeline.commands import day, repair
from pipeline.errors import BadInput
from pipeline.settings import Settings


def results(verdict: str | None) -> dict[str, dict[str, Any]]:
    """What every stage of a blocked day says; `verdict` is the gate's word on the repaired candidate, None where there is none."""
    judged = {"id": "verdict-2", "verdict": verdict} if verdict else None
    said = {n: {"id": f"{n}-1"} for n in ("mine", "mix", "train", "evaluate", "attribute", "report", "promote")}
    said["mine"] |= {"enough": True}
    said["gate"] = {"id": "verdict-1", "verdict": "block"}
    said["repair"] = {"id": judged and judged["id"], "report": "report-2", "repaired": verdict == "promote", "judged": judged}
    return said


@pytest.mark.parametrize(
    ("asked", "verdict", "approval", "calls", "ended"),
    [
        ("by_hand", "promote", "auto", [], "blocked: the champion stays"),
        ("auto", None, "auto", ["repair"], "blocked: the champion stays"),
        ("auto", "block", "auto", ["repair"], "blocked: the champion stays"),
        ("auto", "promote", "auto", ["repair", "promote report-2"], "promoted"),
        ("auto", "promote", "always", ["repair"], "waits for a person: equipoise promote report-2 --by YOU --note WHY"),
        ("auto", "hold", "on_hold", ["repair"], "waits for a person: equipoise promote report-2 --by YOU --note WHY"),
    ],
)
def test_a_day_goes_on_as_recipe_and_gate_say(
    home: Settings, monkeypatch: pytest.MonkeyPatch, asked: str, verdict: str | None, approval: str, calls: list[str], ended: str
) -> None:
    ran: list[str] = []

    def stage(name: str, words: list[str], lesson: str | None, *_: Any) -> dict[str, Any]:
        ran.append(f"{name} {words[0]}" if name == "promote" else name)
        assert (lesson is None) == (name in ("repair", "attribute")), "what a verdict says is its own lesson's"
        return results(verdict)[name]

    followed = day.recipe.Recipe(approval=approval, repair=asked)  # type: ignore[arg-type]
    monkeypatch.setattr(day, "stage", stage)
    monkeypatch.setattr(day.recipe, "load", lambda *_: followed)
    made = day.from_logs("logs-1", "daily", home, {"day": "2026-11-20", "seconds": {}})
    assert ran[ran.index("report") + 1 :] == calls and made["ended"] == ended


def test_a_repair_without_time_is_refused(home: Settings) -> None:
    from argparse import Namespace

    with pytest.raises(BadInput, match="--minutes 0: a repair needs time"):
        repair.command(Namespace(verdict="verdict-20261120-00000000", minutes=0.0), home)
