"""A day, a hotfix and the way back, typed as a person types them, with the real small model. The tests stand in the order of that story."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline import STAGES
from tests.e2e import small_world
from tests.e2e.conftest import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
DAY, FIX_DAY, NEXT_DAY = small_world.DAY.isoformat(), "2026-11-17", date(2026, 11, 18)


def equipoise(place: dict[str, str], *words: str, code: int = 0) -> dict[str, Any]:
    """Run one command as a child; gives its JSON."""
    command = [sys.executable, "-m", "pipeline", *words, "--json"]
    done = subprocess.run(command, env=os.environ | place, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr[-3000:]
    return json.loads(done.stdout) if done.stdout else {"said": done.stderr}


def seals(place: dict[str, str]) -> dict[str, int]:
    """Every sealed id in the home, and when it was sealed."""
    return {p.parent.name: p.stat().st_mtime_ns for p in Path(place["EQUIPOISE_HOME"]).glob("*/*/manifest.json")}


def rows(place: dict[str, str], id: str, table: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return pq.read_table(Path(place["EQUIPOISE_HOME"]) / id.split("-", maxsplit=1)[0] / id / table).to_pylist()


@pytest.fixture(scope="module")
def day(place: dict[str, str]) -> dict[str, Any]:
    return equipoise(place, "day", DAY)


@pytest.fixture(scope="module")
def fix(place: dict[str, str], day: dict[str, Any]) -> dict[str, Any]:
    """A hotfix on top of the day's model, put in service by a person."""
    assert day["decision"] != "block", f"the small world's first day was blocked: {day['page']}"
    equipoise(place, "promote", day["report"], "--by", "ada", "--note", "the first day")
    folder = Path(place["EQUIPOISE_HOME"]) / "hotfix"
    file = folder / small_world.hotfix_file(folder, "fix.jsonl", 501)
    return equipoise(place, "hotfix", str(file), "--task", "person_json", "--reason", "small talk instead of JSON", "--day", FIX_DAY)


def test_a_day_ends_with_a_decision_and_a_page(place: dict[str, str], day: dict[str, Any]) -> None:
    made = [day[stage] for stage in STAGES if stage != "promote"]
    assert set(made) <= set(seals(place))
    assert day["decision"] in ("promote", "hold", "block")
    assert day["gate"] in Path(day["page"]).read_text(encoding="utf-8")


def test_the_same_day_again_makes_nothing_and_names_the_same_ids(place: dict[str, str], day: dict[str, Any]) -> None:
    before = seals(place)
    again = equipoise(place, "day", DAY)
    assert {k: v for k, v in again.items() if k != "seconds"} == {k: v for k, v in day.items() if k != "seconds"}
    assert seals(place) == before


def test_a_hotfix_continues_the_champion_and_asks_a_person(place: dict[str, str], day: dict[str, Any], fix: dict[str, Any]) -> None:
    home = Path(place["EQUIPOISE_HOME"])
    assert json.loads((home / "model" / fix["train"] / "manifest.json").read_text())["start"] == day["train"]
    assert {r["source"] for r in rows(place, fix["mine"], "sft.parquet")} == {"hotfix"}
    parts = {(r["part"], r["source"] == "hotfix") for r in rows(place, fix["mix"], "sft.parquet")}
    assert parts == {("domain", True), ("replay", False), ("general", False)}
    assert "promote" not in fix and "waits for a person" in fix["ended"]


def test_the_examples_are_asked_back_and_the_page_says_that_they_were_trained_on(place: dict[str, str], fix: dict[str, Any]) -> None:
    home = Path(place["EQUIPOISE_HOME"])
    verdict = json.loads((home / "verdict" / fix["gate"] / "verdict.json").read_text())
    assert verdict["targets"]["person_json_hotfix"]["n"] == 5
    assert verdict["targets"]["person_json"]["n"] > 5
    assert [c["flagged"] for c in verdict["checks"]] == [5]
    page = (home / "report" / fix["report"] / "index.html").read_text(encoding="utf-8")
    assert "person_json_hotfix asks the hotfix's own examples. The model was trained on them" in page


def test_a_person_promotes_it_and_it_is_in_service(place: dict[str, str], fix: dict[str, Any]) -> None:
    refused = equipoise(place, "promote", fix["report"], code=65)
    assert "needs a person" in refused["said"]
    release = equipoise(place, "promote", fix["report"], "--by", "ada", "--note", "read the page")["id"]
    status = equipoise(place, "status")
    assert (status["release"], status["model"]) == (release, fix["train"])


def test_a_conversation_is_traced_to_the_models_it_taught(place: dict[str, str], fix: dict[str, Any]) -> None:
    [taught, *_] = [r["conversation_id"] for r in rows(place, fix["mine"], "sft.parquet")]
    traced = equipoise(place, "trace", taught)
    assert fix["mix"] in traced["mixes"] and fix["train"] in traced["models"]
    assert equipoise(place, "status")["release"] in traced["releases"]


def test_the_next_daily_mix_teaches_the_hotfix_too(place: dict[str, str], fix: dict[str, Any]) -> None:
    small_world.log(Path(place["EQUIPOISE_INBOX"]), NEXT_DAY)
    logs = equipoise(place, "ingest", f"{place['EQUIPOISE_INBOX']}/*{NEXT_DAY}*", "--day", NEXT_DAY.isoformat())["id"]
    mix = equipoise(place, "mix", equipoise(place, "mine", logs, "--recipe", "daily")["id"])["id"]
    taught = {r["example_id"] for r in rows(place, mix, "sft.parquet") if r["source"] == "hotfix"}
    assert taught == {r["example_id"] for r in rows(place, fix["mine"], "sft.parquet")}


def test_the_release_before_comes_back(place: dict[str, str], day: dict[str, Any], fix: dict[str, Any]) -> None:
    equipoise(place, "rollback", "--reason", "users complain", "--by", "ada")
    assert equipoise(place, "status")["model"] == day["train"]
    book = [json.loads(line) for line in (Path(place["EQUIPOISE_HOME"]) / "decisions.jsonl").read_text().splitlines()]
    assert [d["action"] for d in book][-2:] == ["promote", "rollback"]
    assert book[-1]["note"] == "users complain"
