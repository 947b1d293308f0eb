"""`equipoise judge`: from people's verdicts to a trial, and from a passed trial to pairs."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import lineage
from pipeline import settings as machine
from pipeline.__main__ import main
from pipeline.audit import book, cases
from pipeline.audit.book import Verdict
from pipeline.commands import doctor
from pipeline.commands import judge as command
from pipeline.mine import trial_cases
from pipeline.mine.run import run
from pipeline.recipe import Judging, Mining, Recipe
from pipeline.settings import Settings
from tests.mine.judges import Endpoint, Knowing, endpoint, judged, three
from tests.mine.world import take_in

BAR = Judging(least_cases=8, timeout_s=5)
N = 12
MINING = Mining(heldout_share=0.0)


@pytest.fixture
def here() -> Iterator[Endpoint]:
    classes = {f"That's wrong, number {n}.": "complaint" if n % 3 else "no_feedback" for n in range(N)}
    with endpoint(
        Knowing(
            classes, rewrites={f"That's wrong, number {n}.": "Mended." for n in range(N)}, good={f"Blue {n}." for n in range(N) if n % 4}
        )
    ) as found:
        yield found


@pytest.fixture
def audited(home: Settings, tmp_path: Path) -> tuple[Settings, str]:
    """A day of complaints and edits that somebody judged: two of three complaints and three of four edits are right."""
    talks = [three(f"c{n}", f"That's wrong, number {n}.", f"green {n}", f"u{n}") for n in range(N)]
    for n in range(N):
        edit = {"event_id": "e", "kind": "edit", "message_id": "a", "text": f"Blue {n}.", "created_at": "2026-11-20T10:00:00Z"}
        talks.append(three(f"e{n}", "How far is Mars?", f"grey and dull {n}", f"v{n}", feedback=[edit]))
    logs = take_in(home, *talks)
    (tmp_path / "config" / "recipes").mkdir(parents=True)
    bar = "{least_cases: 8, timeout_s: 5}"
    (tmp_path / "config" / "recipes" / "daily.yaml").write_text(f"name: daily\njudging: {bar}\nmining: {{heldout_share: 0.0}}\n")
    settings = dataclasses.replace(home, config=tmp_path / "config")
    pairs = run(logs, Recipe(mining=MINING, tasks=[]), settings)["id"]
    said = []
    for c in cases.of(settings, pairs):
        number = int(c.conversation_id[1:])
        right = number % 3 != 0 if c.table == cases.IMPLICIT else number % 4 != 0
        said.append(Verdict("2026-11-21T00:00:00+00:00", "ann", pairs, c.id, c.table, c.rule, c.task, 3, "right" if right else "wrong"))
    book.add(settings, said)
    return settings, logs


class Words:
    history, cases, recipe, trial = False, 200, "daily", True


def test_people_try_a_judge_and_what_passes_makes_pairs(audited: tuple[Settings, str], here: Endpoint) -> None:
    settings, logs = audited
    settings = judged(settings, here)
    recipe = Recipe(mining=MINING, judging=BAR, tasks=[])
    assert run(logs, recipe, settings)["dropped"] == {"judge_not_trusted": N}
    assert "was not tried" in doctor._judge(settings, "daily").said
    result = command.command(Words(), settings)  # type: ignore[arg-type]
    assert result["passes"] == {"feedback": True, "pairs": True} and result["why"] == []
    assert [result[k]["n"] for k in ("feedback", "pairs")] == [N, N] and result["feedback"]["kappa"] == result["pairs"]["kappa"] == 1.0
    assert "feedback  believed" in result["text"] and "control   18 of 18" in result["text"]
    assert doctor._judge(settings, "daily").state == "ok"
    found = run(logs, recipe, settings)
    assert found["judge"]["outcomes"] == {"judge_disagrees": 4, "pair": 8}
    assert found["judge"]["standing"]["trial"]["at"] == result["at"] and found["judge"]["rewrites_better"]["low"] > 0
    book_text = (settings.home / "judge" / "trials.jsonl").read_text()
    assert "wrong, number" not in book_text and "green" not in book_text, "no text of a log stands in the book of trials"
    assert command.command(type("W", (), {"history": True})(), settings)["trials"] == [json.loads(book_text)]


def test_statements_are_as_often_false_as_true_and_a_judge_of_yes_agrees_by_chance(audited: tuple[Settings, str]) -> None:
    settings, _ = audited
    tried = trial_cases.of(settings, 200)
    pairs = [t for t in tried if t.kind == trial_cases.PAIRS]
    assert {t.holds for t in pairs} == {True, False} and all(
        (t.a.startswith("Blue")) == t.holds for t in pairs if int(t.conversation_id[1:]) % 4
    )
    assert trial_cases.of(settings, 5) == [
        t for kind in (trial_cases.FEEDBACK, trial_cases.PAIRS) for t in [t for t in tried if t.kind == kind][:5]
    ]


def test_what_cannot_be_tried_says_what_is_missing(
    home: Settings, here: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["judge"]) == 65 and "set EQUIPOISE_JUDGE_URL" in capsys.readouterr().err
    monkeypatch.setenv("EQUIPOISE_JUDGE_URL", here.url)
    assert main(["judge"]) == 65 and "EQUIPOISE_JUDGE_MODEL is not: name the model" in capsys.readouterr().err
    monkeypatch.setenv("EQUIPOISE_JUDGE_MODEL", "wise-1")
    monkeypatch.setenv("EQUIPOISE_JUDGE_KEY", "sk-never-shown-0123")
    assert main(["judge"]) == 65
    assert "run `equipoise audit`" in (said := capsys.readouterr().err) and "sk-never" not in said
    assert main(["judge", "--history"]) == 0 and "no judge was tried yet" in capsys.readouterr().out
    assert "sk-never" not in repr(machine.load())
    assert here.requests == [] and not lineage.all_of(home, "pairs")
