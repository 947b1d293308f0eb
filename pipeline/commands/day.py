"""One whole day without Airflow: every stage as a child process, an id in and an id out, exactly as the DAG runs them."""

import argparse
import json
import subprocess
import time
from datetime import date
from typing import Any

from pipeline import notify, recipe
from pipeline.commands import feasibility
from pipeline.errors import FINAL, BadInput, EquipoiseError, Permanent, Transient
from pipeline.progress import say
from pipeline.promote import policy
from pipeline.settings import Settings, child_environment

ERRORS: dict[int, type[EquipoiseError]] = {65: Permanent, 2: Permanent, 75: Transient}


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    try:
        day = date.fromisoformat(args.day)
    except ValueError:
        raise BadInput(f"{args.day!r} is no day: write it as yyyy-mm-dd") from None
    return run(day, args.paths or [settings.inbox_of(day)], args.recipe, settings)


def run(day: date, paths: list[str], name: str, settings: Settings) -> dict[str, Any]:
    """From logs to a decision. Returns the ids made, the verdict, seconds per stage, and why it ended where it did."""
    feasible(name, settings)
    made: dict[str, Any] = {"day": day.isoformat(), "recipe": name, "seconds": {}}
    logs = stage("ingest", [*paths, "--day", day.isoformat()], name, settings, made)
    stage("forget", ["--due"], name, settings, made)  # consent withdrawn in these logs, and what is too old, before anything is mined
    return from_logs(str(logs["id"]), name, settings, made)


def from_logs(logs: str, name: str, settings: Settings, made: dict[str, Any]) -> dict[str, Any]:
    """The day from its ingested logs on."""
    lesson = recipe.load(settings, name)
    pairs = stage("mine", [logs], name, settings, made)
    if not pairs["enough"]:
        found = pairs["examples"] + pairs["pairs"] + pairs["unpaired"]
        asked = max(1, lesson.mining.min_events)
        return ended(made, f"too little new feedback: {found} rows, the recipe asks for {asked}; the champion stays")
    if lesson.mixing.measure_rows:
        stage("evaluate", ["--rows", pairs["id"]], name, settings, made, "measure")
    mix = stage("mix", [pairs["id"]], name, settings, made)
    if mix.get("method") == "none":
        return ended(made, f"nothing to train on: {mix.get('why', 'see the plan')}; the champion stays")
    model = stage("train", [mix["id"]], name, settings, made)
    scores = stage("evaluate", [model["id"]], name, settings, made)
    verdict = stage("gate", [scores["id"]], name, settings, made)
    made["decision"] = verdict["verdict"]
    if verdict["verdict"] == "block":
        stage("attribute", [verdict["id"], "--how", "d"], None, settings, made)  # seconds, by the words alone: the report shows it
    report = stage("report", [verdict["id"]], name, settings, made)
    made["page"] = report.get("path")
    step = policy.step(verdict["verdict"], lesson.approval)
    if step == "never" and lesson.repair == "auto":
        mended = stage("repair", [verdict["id"]], None, settings, made)
        report, made["repaired"], made["page"] = {"id": mended["report"]}, mended["repaired"], mended.get("page")
        step = policy.step(mended["judged"]["verdict"], lesson.approval) if mended["judged"] else step
    if step == "never":
        return ended(made, "blocked: the champion stays")
    if step != "promote":
        return ended(made, f"waits for a person: equipoise promote {report['id']} --by YOU --note WHY")
    stage("promote", [report["id"]], name, settings, made)
    return ended(made, "promoted")


def ended(made: dict[str, Any], why: str) -> dict[str, Any]:
    say(f"{made['day']}: {why}")
    last = next((made[k] for k in ("promote", "report", "mix", "mine", "ingest") if k in made), None)
    return made | {"ended": why, "id": last}


def stage(name: str, words: list[str], lesson: str | None, settings: Settings, made: dict[str, Any], step: str = "") -> dict[str, Any]:
    """Run one stage as a child process; its stderr is ours, its JSON comes back. step: what it is called here, where one stage runs twice."""
    step = step or name
    say(f"== {name} {' '.join(words)}")
    start = time.monotonic()
    done = subprocess.run(
        [settings.python, "-m", "pipeline", name, *words, *(["--recipe", lesson] if lesson else []), "--json"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env=child_environment(),
    )
    made["seconds"][step] = round(time.monotonic() - start, 1)
    if done.returncode:
        notify.send(settings.notify_url, notify.failure(name, words[0], done.returncode, retry=done.returncode not in FINAL))
        raise ERRORS.get(done.returncode, EquipoiseError)(f"{name} ended with exit code {done.returncode}; its own words stand above")
    result = json.loads(done.stdout)
    made[step] = result["id"]
    say(f"   {result['id'] or 'nothing is due'} in {made['seconds'][step]} s")
    return result


def feasible(name: str, settings: Settings) -> None:
    """Refuse a lesson whose margins its own suite could never show, before anything is trained."""
    feasibility.check(recipe.load(settings, name), settings)
