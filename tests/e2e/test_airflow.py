"""Airflow as people use it: real processes, the same commands, the real small model, triggered and approved through REST."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import small_world
from tests.e2e.airflow_stack import ROOT, Stack, running

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def stack(place: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("airflow"), **place) as up:
        yield up


def made(home: Path) -> dict[str, set[str]]:
    """Every sealed id in a home, by kind."""
    kinds = ("logs", "pairs", "mix", "model", "scores", "verdict", "report", "release")
    return {kind: {p.parent.name for p in (home / kind).glob("*/manifest.json")} for kind in kinds}


def kill_training_after_its_first_checkpoint(home: Path) -> None:
    """SIGKILL this home's training child once a checkpoint is on disk."""
    limit = time.monotonic() + 900
    while time.monotonic() < limit:
        if list((home / "work").glob("model-*/**/checkpoint-*/trainer_state.json")):
            for pid in training(home):
                os.kill(pid, signal.SIGKILL)
                return
        time.sleep(0.1)
    raise AssertionError("no checkpoint appeared in 900 s")


def training(home: Path) -> Iterator[int]:
    """Processes that train for this home; another's on the same machine are left alone."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words, variables = (place / "cmdline").read_bytes(), (place / "environ").read_bytes()
            if b"\0train\0mix-" in words and f"EQUIPOISE_HOME={home}\0".encode() in variables:
                yield int(place.name)


def test_a_day_survives_a_kill_and_gives_the_ids_of_the_command(stack: Stack, place: dict[str, str], tmp_path: Path) -> None:
    home = Path(place["EQUIPOISE_HOME"])
    run = stack.trigger("daily_retrain", {"day": small_world.DAY.isoformat(), "recipe": "daily"})
    kill_training_after_its_first_checkpoint(home)
    states = stack.wait("daily_retrain", run, decided, 1200)
    assert states["train"] == states["report"] == "success"
    _, train = stack.call("GET", f"/api/v2/dags/daily_retrain/dagRuns/{run}/taskInstances/train")
    assert train["try_number"] == 2

    variables = os.environ | place | {"EQUIPOISE_HOME": str(tmp_path / "home")}
    words = [sys.executable, "-m", "pipeline", "day", small_world.DAY.isoformat(), "--json"]
    done = subprocess.run(words, env=variables, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    by_hand, by_airflow = made(tmp_path / "home"), made(home)
    for kind in ("logs", "pairs", "mix", "model", "scores", "verdict", "report"):
        assert by_hand[kind] and by_hand[kind] == by_airflow[kind], kind
    if states["approve"] == "awaiting_input":
        assert stack.answer("daily_retrain", run, "Reject", "only a test") == 200
    stack.ended("daily_retrain", run)


def decided(states: dict[str, str]) -> bool:
    """Whether the run came to one of its three ends: in service, a person asked, or blocked."""
    return states.get("approve") == "awaiting_input" or "success" in (states.get("promote"), states.get("blocked"))


def test_a_hotfix_is_approved_and_served_and_a_second_is_rejected_and_is_not(stack: Stack, place: dict[str, str]) -> None:
    home = Path(place["EQUIPOISE_HOME"])
    first = hotfix(stack, home, "first.jsonl", 501)
    assert stack.answer("hotfix_retrain", first, "Approve", "x", user="viewer") == 403
    assert stack.answer("hotfix_retrain", first, "Approve", "checked by hand") == 200
    assert stack.answer("hotfix_retrain", first, "Reject", "too late") == 409
    stack.ended("hotfix_retrain", first)
    served = json.loads((home / "current.json").read_text())
    assert served["release"] in made(home)["release"]
    assert served["model"].startswith("model-20261117-"), "the hotfix of the 17th is in service"

    second = hotfix(stack, home, "second.jsonl", 502)
    assert stack.answer("hotfix_retrain", second, "Reject", "not worth it") == 200
    stack.ended("hotfix_retrain", second)
    assert json.loads((home / "current.json").read_text())["release"] == served["release"]
    last = [json.loads(x) for x in (home / "decisions.jsonl").read_text().splitlines()]
    assert [(d["action"], d["who"], d["note"]) for d in last[-2:]] == [
        ("promote", "admin", "checked by hand"),
        ("reject", "admin", "not worth it"),
    ]


def hotfix(stack: Stack, home: Path, name: str, seed: int) -> str:
    """Trigger a hotfix and wait until a person is asked."""
    small_world.hotfix_file(home / "hotfix", name, seed)
    day = "2026-11-17" if seed == 501 else "2026-11-18"
    run = stack.trigger("hotfix_retrain", {"file": name, "task": "person_json", "reason": "answers with small talk", "day": day})
    stack.wait("hotfix_retrain", run, lambda s: s.get("approve") == "awaiting_input", 1200)
    return run


BAD_FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "a file outside": ({"file": "../current.json"}, "leads out of"),
    "a file that is not there": ({"file": "none.jsonl"}, "is no file"),
    "a task without a card": ({"task": "nothing"}, "has no card"),
}


@pytest.mark.parametrize("form", BAD_FORMS)
def test_a_bad_form_fails_before_anything_starts(form: str, stack: Stack, place: dict[str, str]) -> None:
    home = Path(place["EQUIPOISE_HOME"])
    change, words = BAD_FORMS[form]
    name = small_world.hotfix_file(home / "hotfix", "good.jsonl", 503)
    before = made(home)
    run = stack.trigger("hotfix_retrain", {"file": name, "task": "person_json", "reason": "a test"} | change)
    states = stack.wait("hotfix_retrain", run, lambda s: s.get("validate") == "failed", 120)
    assert states["validate"] == "failed" and made(home) == before
    assert words in stack.said("hotfix_retrain", run, "validate")


def test_an_unknown_field_of_the_form_is_refused(stack: Stack) -> None:
    run = stack.trigger("hotfix_retrain", {"file": "good.jsonl", "task": "person_json", "reason": "a test", "force": True})
    stack.wait("hotfix_retrain", run, lambda s: s.get("validate") == "failed", 120)
    assert "unknown field 'force'" in stack.said("hotfix_retrain", run, "validate")
