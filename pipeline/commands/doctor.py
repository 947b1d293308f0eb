"""What is wrong before it goes wrong at night: each line is one check, what was found, and what to do."""

import argparse
import contextlib
import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import chat, recipe, service
from pipeline.commands import feasibility
from pipeline.errors import EquipoiseError, Permanent
from pipeline.evaluate import writer
from pipeline.mine import judge, trial_book
from pipeline.mine.answers import validator
from pipeline.mine.cards import Desk
from pipeline.settings import Settings

SPECS: dict[str, type[recipe.Spec]] = {"recipes": recipe.Recipe, "suites": recipe.Suite}  # by folder; any other file is a task card
EVEN = 0.5
LEAST_FREE_GB = 5  # one full fine-tune of a 135M model with its checkpoints takes about 3


@dataclass(frozen=True)
class Finding:
    """One check: good, worth knowing, or broken."""

    state: str
    what: str
    said: str


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    found = [_file(Path(f), settings) for f in args.files] if args.files else [check(settings, args.recipe) for check in CHECKS]
    text = "\n".join(f"{f.state:<5} {f.what}: {f.said}" for f in found)
    broken = [f for f in found if f.state == "bad"]
    if broken:
        raise Permanent(f"{len(broken)} of {len(found)} checks failed\n{text}")
    return {"checks": [vars(f) for f in found], "text": text}


def _file(path: Path, settings: Settings) -> Finding:
    """One YAML of yours: a task card, a recipe or a suite, told apart by its folder or its keys."""
    if not path.is_file():
        return Finding("bad", str(path), "is no file")
    spec = SPECS.get(path.resolve().parent.name, recipe.Task)
    try:
        found = recipe.read(path, spec)
        if isinstance(found, recipe.Task):
            _card(found)
    except EquipoiseError as error:
        return Finding("bad", spec.__name__.lower(), str(error))
    return Finding("ok", spec.__name__.lower(), f"{path} is good")


def _card(card: recipe.Task) -> None:
    """What only mining would find out: patterns that do not compile, and an answer schema that is none."""
    Desk({card.name: card})
    if card.answer.schema_ is not None:
        validator(json.dumps(card.answer.schema_))


def _guarded(what: str) -> Callable[[Callable[[Settings, str], str]], Callable[[Settings, str], Finding]]:
    """A check says its finding, or raises the error that its stage would raise tonight."""

    def wrap(look: Callable[[Settings, str], str]) -> Callable[[Settings, str], Finding]:
        def check(settings: Settings, lesson: str) -> Finding:
            try:
                said = look(settings, lesson)
            except EquipoiseError as error:
                return Finding("bad", what, str(error))
            return Finding("note" if said.startswith("! ") else "ok", what, said.removeprefix("! "))

        return check

    return wrap


@_guarded("recipe and task cards")
def _lesson(settings: Settings, lesson: str) -> str:
    followed = recipe.load(settings, lesson)
    cards = recipe.cards(settings, followed)
    for card in cards.values():
        _card(card)
    return f"{lesson}: {len(cards)} cards ({', '.join(cards) or 'none'}), approval {followed.approval}"


@_guarded("inbox")
def _inbox(settings: Settings, lesson: str) -> str:
    if settings.inbox.startswith(("s3://", "postgres:")):
        return f"source {settings.inbox}"
    if "{day}" in settings.inbox or any(c in settings.inbox for c in "*?["):
        return f"template {settings.inbox}"
    folder = Path(settings.inbox)
    if not folder.is_dir():
        return f"! {folder} is not there yet: make it, put logs named …yyyy-mm-dd.jsonl into it, or set EQUIPOISE_INBOX"
    return f"{folder}: {sum(p.is_file() for p in folder.rglob('*'))} files"


@_guarded("model and chat template")
def _model(settings: Settings, lesson: str) -> str:
    folder = service.origin(settings)
    text = chat.template(folder).text([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])
    return f"{folder}: {len(chat.tokens(folder).encode(text, add_special_tokens=False).ids)} tokens for two short turns"


@_guarded("suite and margins")
def _suite(settings: Settings, lesson: str) -> str:
    plan = feasibility.check(recipe.load(settings, lesson), settings)
    if plan["chance"] is None:
        return "! a suite declares no item counts (n:), so nobody can say whether its margins can be shown"
    said = f"an unchanged model is promoted with probability {plan['chance']:.2f}"
    return f"! {said}: most days will be held for a person (gate.may_hold)" if plan["chance"] < EVEN else said


class _TakenBack(Exception):
    """Ends a transaction that was only to show that it could be made."""


@_guarded("lake")
def _lake(settings: Settings, lesson: str) -> str:
    """The catalogue answers and takes tables, and a file can be written where the files go; the attempt is taken back."""
    import duckdb

    from pipeline import lake

    try:
        with lake.connect(settings) as con:
            with contextlib.suppress(_TakenBack), lake.transaction(con):
                lake.run(con, "lake/try_writing")
                raise _TakenBack
            said = f"{settings.catalogue or settings.server}, files in {settings.data}, version {lake.snapshot(con)}"
    except (duckdb.Error, OSError) as error:
        text = " ".join(str(error).split())[:300]
        raise Permanent(
            f"{settings.catalogue or settings.server}, files in {settings.data}: {text}; check EQUIPOISE_LAKE, EQUIPOISE_DATA and the rights"
        ) from None
    return said


@_guarded("disk")
def _disk(settings: Settings, lesson: str) -> str:
    there = next(p for p in (settings.home, *settings.home.parents) if p.exists())
    free = shutil.disk_usage(there).free / 1e9
    if free < LEAST_FREE_GB:
        raise Permanent(f"{free:.1f} GB free at {there}, a lesson wants {LEAST_FREE_GB}: free some, or move EQUIPOISE_HOME")
    return f"{free:.0f} GB free"


@_guarded("trainer")
def _trainer(settings: Settings, lesson: str) -> str:
    missing = [p for p in ("torch", "transformers", "peft", "trl", "lm_eval") if importlib.util.find_spec(p) is None]
    return (
        f"! {', '.join(missing)} not installed here: train and evaluate need pip install 'equipoise[train,eval]'"
        if missing
        else "torch, transformers, peft, trl and lm_eval are here"
    )


@_guarded("vllm")
def _vllm(settings: Settings, lesson: str) -> str:
    if not settings.vllm:
        return "none is named: transformers writes the answers of evaluations"
    return f"{writer.version(settings.vllm)} at {settings.vllm} writes the answers of evaluations"


@_guarded("airflow")
def _airflow(settings: Settings, lesson: str) -> str:
    return (
        "installed"
        if importlib.util.find_spec("airflow")
        else "! not installed: `equipoise day` runs without it; pip install 'equipoise[airflow]' to schedule"
    )


@_guarded("judge")
def _judge(settings: Settings, lesson: str) -> str:
    seat = judge.of(settings, recipe.load(settings, lesson).judging)
    if seat is None:
        return "none is configured: complaints stay signals, docs/judge.md"
    where, trial = f"{seat.name} at {seat.served.place}", trial_book.last(settings, seat.identity)
    if trial is None:
        trusted = ", and judging.on_trust lets it work" if seat.judging.on_trust else ", so it is not used"
        return f"! {where} was not tried on people's verdicts{trusted}: equipoise judge"
    believed = [kind for kind, passed in trial["passes"].items() if passed]
    said = f"{where}, tried {trial['at'][:10]}, believed about {' and '.join(believed) or 'nothing'}"
    return said if len(believed) == len(trial["passes"]) else f"! {said}: {'; '.join(trial['why'])}"


CHECKS = (_lesson, _inbox, _model, _judge, _suite, _lake, _disk, _trainer, _vllm, _airflow)
