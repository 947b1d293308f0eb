"""Complaints before a judge, through the real stage and real HTTP: which become pairs, which wait for people, and what a night without it does."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline import lineage
from pipeline.mine import judge
from pipeline.mine.run import run
from pipeline.recipe import Judging, Mining, Recipe
from pipeline.settings import Settings
from tests.mine.judges import TRUST, UNTAUGHT, WRONG, Asked, Endpoint, Knowing, Mind, Row, judged, three
from tests.mine.world import LABELS, configured, signals, table, take_in

pytestmark = pytest.mark.slow  # a judge over real HTTP in every test


def mine(settings: Settings, logs: str, judging: Judging = TRUST, tasks: list[str] | None = None, **options: Any) -> Row:
    recipe = Recipe(mining=Mining(heldout_share=options.pop("heldout_share", 0.0)), judging=judging, tasks=tasks or [])
    return run(logs, recipe, settings, **options)


def test_a_complaint_becomes_a_pair_of_the_verified_rewrite_over_the_answer(home: Settings, here: Endpoint) -> None:
    settings = judged(home, here)
    result = mine(settings, take_in(home, three("c1", WRONG)))
    assert (result["examples"], result["pairs"], result["unpaired"], result["dropped"]) == (0, 1, 0, {})
    (row,) = table(home, result["id"], "dpo")
    assert [m["content"] for m in row["prompt"]] == ["Which colour has the sky?"]
    assert (row["chosen"][0]["content"], row["rejected"][0]["content"]) == ("The sky is blue.", "green")
    assert (row["source"], row["message_ids"], row["user_hash"] is not None) == ("complaint", ["a", "u"], True)
    evidence = json.loads(row["evidence"])
    assert evidence["rule"] == "rewritten over complained of" and evidence["said"] == [WRONG]
    judge_facts = {"model": "wise-1", "class": "correction", "quote": WRONG, "applies_to": "everyone", "adds": "nothing", "claim": "none"}
    assert evidence["judge"] == judge_facts | {"resolved": ["first", "first"]}


def test_without_an_address_nobody_is_asked_and_nothing_changes(home: Settings, here: Endpoint) -> None:
    logs = take_in(home, three("c1", WRONG))
    first = mine(home, logs, Judging())
    manifest = lineage.manifest(home, first["id"])
    assert here.requests == [] and "judge" not in manifest["counts"] and first["pairs"] == 0
    assert mine(home, logs, Judging(calls=7, on_trust=True))["id"] == first["id"], "a lesson about a judge names no pairs without one"


def test_the_id_names_the_judge_its_words_and_whether_it_answered(
    home: Settings, here: Endpoint, mind: Knowing, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = take_in(home, three("c1", WRONG))
    settings = judged(home, here)
    ids = {"none": mine(home, logs)["id"], "wise": mine(settings, logs)["id"]}
    ids["other"] = mine(dataclasses.replace(settings, judge_model="wise-2"), logs)["id"]
    ids["down"] = mine(dataclasses.replace(settings, judge_url="http://127.0.0.1:9/v1", judge_model="wise-3"), logs)["id"]
    ids["up"] = mine(dataclasses.replace(settings, judge_model="wise-3"), logs)["id"]
    monkeypatch.setattr(judge.judge_prompts, "digest", lambda: "other words")
    ids["words"] = mine(settings, logs)["id"]
    assert len(set(ids.values())) == len(ids)


def test_a_second_run_asks_nobody_and_gives_the_same_id_even_with_the_endpoint_gone(home: Settings, here: Endpoint) -> None:
    logs = take_in(home, three("c1", WRONG), three("c2", "That's wrong.", user="ben"))
    settings = judged(home, here)
    first = mine(settings, logs)
    n = len(here.requests)
    assert mine(settings, logs) == first and len(here.requests) == n > 0
    assert mine(dataclasses.replace(settings, judge_url="http://127.0.0.1:9/v1"), logs) == first


def test_a_day_without_its_judge_goes_on_and_says_so(
    home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipeline.lm.FIRST_WAIT_S", 0.001)
    settings = dataclasses.replace(home, judge_url="http://127.0.0.1:9/v1", judge_model="wise-1", judge_key="sk-never-shown-000")
    thumb = {"event_id": "e1", "kind": "thumb", "message_id": "a", "value": "up", "user_id": "eve", "created_at": "2026-11-20T10:00:00Z"}
    result = mine(settings, take_in(home, three("c1", WRONG), three("c2", "Go on.", feedback=[thumb])))
    assert (result["pairs"], result["unpaired"], result["dropped"]) == (0, 1, {"judge_unanswered": 1})
    said = capsys.readouterr().err
    assert "The day goes on without it" in said and "is the server up" in said and "sk-never" not in said
    assert "sk-never" not in (lineage.folder(home, result["id"]) / "manifest.json").read_text()


@pytest.mark.parametrize(
    ("general", "reason"),
    UNTAUGHT,
)
def test_taste_unsaid_wishes_and_unproved_facts_are_never_trained_on(
    home: Settings, here: Endpoint, mind: Knowing, general: Row, reason: str
) -> None:
    mind.generals[WRONG] = general
    result = mine(judged(home, here), take_in(home, three("c1", WRONG)))
    assert (result["examples"], result["pairs"], result["unpaired"], result["dropped"]) == (0, 0, 0, {reason: 1})
    (signal,) = signals(home, result["id"])
    assert signal["evidence"]["judge"]["outcome"] == reason
    waits = reason in ("fact_conflict", "unverified_fact")
    assert (signal["evidence"]["rule"] == f"implicit/judge/{reason}") == waits, "what people must look at is a rule of its own in the audit"


def test_a_rewrite_in_the_wrong_form_for_its_task_is_dropped(home: Settings, here: Endpoint, mind: Knowing, tmp_path: Path) -> None:
    settings = configured(judged(home, here), tmp_path / "config", LABELS)
    logs = take_in(home, three("c1", WRONG, app="labels"))
    assert mine(settings, logs, tasks=["colour"])["dropped"] == {"format_label": 1}
    mind.rewrites[WRONG] = "blue"
    assert mine(dataclasses.replace(settings, judge_model="wise-2"), logs, tasks=["colour"])["pairs"] == 1
    system = next(r["messages"][0]["content"] for r in here.requests if Asked.of(r["messages"]).name == "rewrite")
    assert "exactly one of these labels: blue, red" in system, "what the card wants is the operator's word, outside the fence"


def test_a_dry_run_asks_nobody(home: Settings, here: Endpoint) -> None:
    mine(judged(home, here), take_in(home, three("c1", WRONG)), dry_run=True)
    assert here.requests == []


def test_a_kill_while_the_judge_is_asked_costs_a_call_and_changes_nothing(
    home: Settings, here: Endpoint, mind: Knowing, tmp_path: Path
) -> None:
    logs = take_in(home, *(three(f"c{n}", WRONG, f"green {n}", f"user-{n}") for n in range(4)))
    (tmp_path / "config" / "recipes").mkdir(parents=True)
    lesson = "name: daily\nmining: {heldout_share: 0.0}\njudging: {on_trust: true, parallel: 1}\ntasks: []\n"
    (tmp_path / "config" / "recipes" / "daily.yaml").write_text(lesson)
    place = {"EQUIPOISE_HOME": str(home.home), "EQUIPOISE_USER_KEY": "0" * 64, "EQUIPOISE_CONFIG": str(tmp_path / "config")}
    child_of = dict(os.environ) | place | {"EQUIPOISE_JUDGE_URL": here.url, "EQUIPOISE_JUDGE_MODEL": "wise-1"}
    command = [sys.executable, "-m", "pipeline", "mine", logs, "--json"]
    root = Path(__file__).parents[2]
    for last in (7, 31):  # among the control questions, and on a complaint
        child = subprocess.Popen(command, env=child_of, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        here.mind = _killing(mind, child, here, len(here.requests) + last)
        assert child.wait(120) == -signal.SIGKILL and not lineage.all_of(home, "pairs")
    here.mind = mind
    result = json.loads(subprocess.run(command, env=child_of, cwd=root, capture_output=True, check=True).stdout)
    asked_in_all = len(here.requests)
    assert result["pairs"] == 4 and result["judge"]["calls"] == 24 + 4 * 5
    assert asked_in_all <= result["judge"]["calls"] + 2, "each kill cost the one call that it cut off"
    fresh = mine(judged(home, here), logs, Judging(on_trust=True, parallel=1))
    assert fresh["id"] == result["id"] and len(here.requests) == asked_in_all


def _killing(mind: Knowing, child: "subprocess.Popen[bytes]", here: Endpoint, last: int) -> Mind:
    def reply(a: Asked) -> str:
        if len(here.requests) >= last and child.poll() is None:
            child.kill()
        return mind(a)

    return reply
