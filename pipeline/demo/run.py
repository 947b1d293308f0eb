"""The demo: a day that helps and is promoted, users who are measurably happier, and a bad day that is blocked."""

import argparse
import dataclasses
import json
import shutil
import subprocess
import time
from datetime import date
from pathlib import Path
from typing import Any

from pipeline import lineage, service
from pipeline.demo import origin, talk
from pipeline.demo.happiness import compared
from pipeline.demo.serve import serving, whole
from pipeline.demo.world import Wish, wishes
from pipeline.errors import EquipoiseError
from pipeline.progress import say
from pipeline.settings import Settings, child_environment

CONFIG = Path(__file__).parent / "config"
GOOD_DAY, NEXT_DAY, BAD_DAY = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 18)
GOOD_TURNS, NEXT_TURNS, BAD_TURNS = 72, 40, 60  # sized for 250 row passes a lesson: minutes on two cores
SEEDS = {GOOD_DAY: 1, NEXT_DAY: 2, BAD_DAY: 3}


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    settings = dataclasses.replace(settings, config=CONFIG)
    if args.fresh:
        for made in [p for p in settings.home.glob("*") if p.name != "models"]:
            shutil.rmtree(made) if made.is_dir() else made.unlink()
    (settings.home / "demo").mkdir(parents=True, exist_ok=True)
    return run(settings)


def run(settings: Settings) -> dict[str, Any]:
    """All of it; running it again goes on where it stopped and ends with the same ids."""
    start = time.monotonic()
    origin.make(settings.home)
    good = _day(GOOD_DAY, "person_json", GOOD_TURNS, "demo", "origin", settings)
    happier = _happier(good, settings)
    bad = _day(BAD_DAY, "ticket_queue", BAD_TURNS, "demo_reckless", service.champion(settings), settings)
    facts = {"good": good, "happier": happier, "bad": bad, "seconds": round(time.monotonic() - start)}
    if good["decision"] != "promote" or bad["decision"] != "block":
        raise EquipoiseError(
            f"the demo should promote and then block; it said {good['decision']} and {bad['decision']}: see {good['page']} and {bad['page']}"
        )
    lineage.write_json(settings.home / "demo" / "demo.json", facts)
    return facts | {"id": good["promote"], "text": _table(facts, settings)}


def _day(day: date, task: str, turns: int, recipe: str, model: str, settings: Settings) -> dict[str, Any]:
    """Users talk to the served model, and the pipeline runs their day."""
    inbox = settings.home / "inbox" / f"demo_{day}.jsonl"
    if not inbox.exists():
        asked = wishes(task, turns, SEEDS[day], _reserved(task))
        say(f"{day}: {turns} questions for the served model ({model})")
        with serving(whole(settings, model), settings) as served:
            said = talk.answers(served, asked, f"{day}: users talking")
        talk.log(day, asked, said, model, settings)
    words = [settings.python, "-m", "pipeline", "day", day.isoformat(), str(inbox), "--recipe", recipe, "--json"]
    env = child_environment(EQUIPOISE_HOME=str(settings.home), EQUIPOISE_CONFIG=str(CONFIG))
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False, env=env)
    if done.returncode:
        raise EquipoiseError(f"day {day} ended with exit code {done.returncode}; its own words stand above")
    return json.loads(done.stdout)


def _reserved(task: str) -> frozenset[str]:
    """Prompts of the shipped held-out file: no simulated user may write one."""
    rows = (CONFIG / "heldout" / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()
    return frozenset(json.loads(row)["messages"][-1]["content"] for row in rows)


def _happier(good: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Tomorrow's users ask the new model and the old one the same things; paired by question."""
    model = service.champion(settings)
    path = settings.home / "demo" / f"happier_{model}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    seen = {json.loads(x)["messages"][1]["content"] for x in (settings.home / "inbox" / f"demo_{GOOD_DAY}.jsonl").read_text().splitlines()}
    asked = wishes("person_json", NEXT_TURNS, SEEDS[NEXT_DAY], _reserved("person_json") | seen)
    granted = {name: _granted(name, asked, settings) for name in ("origin", model)}
    facts = compared(granted["origin"], granted[model]) | {"questions": len(asked), "before": "origin", "after": model}
    lineage.write_json(path, facts)
    return facts


def _granted(model: str, asked: list[Wish], settings: Settings) -> list[bool]:
    say(f"{NEXT_DAY}: {len(asked)} new questions for {model}")
    with serving(whole(settings, model), settings) as served:
        said = talk.answers(served, asked, f"{NEXT_DAY}: users talking")
    return [wish.granted(answer) for wish, answer in zip(asked, said, strict=True)]


def _table(facts: dict[str, Any], settings: Settings) -> str:
    """What a person reads at the end."""
    good, bad, happy = facts["good"], facts["bad"], facts["happier"]
    rows = [
        ("day", "lesson", "verdict", "in service afterwards", "seconds"),
        (str(GOOD_DAY), "person_json beside general rows", good["decision"], good["train"], f"{sum(good['seconds'].values()):.0f}"),
        (str(BAD_DAY), "ticket_queue at any price", bad["decision"], service.champion(settings), f"{sum(bad['seconds'].values()):.0f}"),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["", *("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows), ""]
    low, high = happy["interval"]
    lines.append(
        f"New users, new questions ({happy['questions']}): {happy['before_share']:.0%} satisfied before, {happy['after_share']:.0%} after;"
    )
    lines.append(f"gain {happy['gain']:+.2f}, 90% interval {low:+.2f} to {high:+.2f} (paired, Tango).")
    stages = " ".join(f"{k} {v:.0f}" for k, v in good["seconds"].items())
    lines += [f"Seconds per stage on {GOOD_DAY}: {stages}. All together {facts['seconds']} s.", ""]
    lines += [f"promoted: {good['page']}", f"blocked:  {bad['page']}", ""]
    lines.append(f"To mend the blocked day (half an hour): EQUIPOISE_CONFIG={CONFIG} equipoise repair {bad['gate']} --minutes 30")
    return "\n".join(lines)
