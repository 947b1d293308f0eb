"""The kill drill: a day's stages as child processes, some ended by SIGKILL, beside the same day left in peace."""

import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import INPUTS, STAGES
from tests.e2e import small_world
from tests.e2e.conftest import ROOT

DAY = small_world.DAY.isoformat()
LOOK_S = 0.02  # how often a running child's home is looked at
WHOLE = 0.85  # of a measured duration: a later moment often finds a child that was a little faster and is done


@dataclass
class House:
    """One home and what was made in it."""

    variables: dict[str, str]
    log: Path
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return Path(self.variables["EQUIPOISE_HOME"])

    def start(self, stage: str) -> subprocess.Popen[str]:
        """The stage as a child, as the DAG starts it."""
        words = [str(self.log), "--day", DAY] if stage == "ingest" else [self.ids[INPUTS[stage]]]
        words += ["--by", "ada", "--note", "a drill"] if stage == "promote" else []
        command = [sys.executable, "-m", "pipeline", stage, *words, "--json"]
        with (self.home.parent / f"{self.home.name}.log").open("a") as said:
            return subprocess.Popen(command, env=os.environ | self.variables, cwd=ROOT, stdout=subprocess.PIPE, stderr=said, text=True)

    def finish(self, stage: str, child: subprocess.Popen[str]) -> None:
        out, _ = child.communicate()
        assert child.returncode == 0, f"{stage}: {(self.home.parent / f'{self.home.name}.log').read_text()[-3000:]}"
        self.ids[STAGES[stage]] = json.loads(out)["id"]

    def traces(self) -> dict[str, tuple[int, int]]:
        """Every file that a stage wrote: size and time. Locks say nothing."""
        found = {}
        for folder, _, names in os.walk(self.home):
            for name in names if not folder.endswith("locks") else ():
                path = os.path.join(folder, name)
                try:
                    about = os.stat(path)
                except FileNotFoundError:  # renamed meanwhile
                    continue
                found[path] = (about.st_size, about.st_mtime_ns)
        return found


@dataclass(frozen=True)
class Pace:
    """How a stage ran undisturbed."""

    seconds: float
    first_write: float


@dataclass(frozen=True)
class Kill:
    stage: str
    after: float
    wrote: bool
    """Whether the child had changed the home when it died."""


Paces = dict[str, Future[Pace]]
"""The pace of each stage, as soon as it is known."""


def undisturbed(house: House, paces: Paces) -> None:
    """Run every stage in peace and tell its pace."""
    for stage in STAGES:
        try:
            paces[stage].set_result(_measured(house, stage))
        except BaseException as error:
            for waiting in (f for f in paces.values() if not f.done()):
                waiting.set_exception(error)
            raise


def _measured(house: House, stage: str) -> Pace:
    before, start, first = house.traces(), time.monotonic(), None
    child = house.start(stage)
    while child.poll() is None:
        if first is None and house.traces() != before:
            first = time.monotonic() - start
        time.sleep(LOOK_S)
    seconds = time.monotonic() - start
    house.finish(stage, child)
    return Pace(seconds, seconds if first is None else first)


def disturbed(house: House, paces: Paces, kills: dict[str, int], lot: random.Random) -> list[Kill]:
    """Run every stage, ending its child by SIGKILL as often as `kills` says, and once more to its end; gives the kills that fell in time.

    The first moment of a stage is drawn over what follows its first write, the second over its whole duration, and so on in turn;
    early moments come first, since a stage that goes on where it stopped is sooner done.
    """
    fell = []
    for stage in STAGES:
        for turn, share in enumerate(sorted(lot.uniform(0, WHOLE) for _ in range(kills[stage]))):
            kill = _killed(house, stage, paces[stage].result(), wait=turn % 2 == 0, share=share)
            if isinstance(kill, Pace):  # the child was faster: the stage is done, there is nothing left to kill
                if turn == 0:
                    paces[stage] = Future()
                    paces[stage].set_result(kill)
                break
            fell.append(kill)
        house.finish(stage, house.start(stage))
    return fell


def _killed(house: House, stage: str, pace: Pace, *, wait: bool, share: float) -> Kill | Pace:
    """Start the stage and kill it at its moment, counted from its start or from its first write; its pace when it was done before."""
    before, start = house.traces(), time.monotonic()
    child = house.start(stage)
    while wait and child.poll() is None and house.traces() == before:
        time.sleep(LOOK_S)
    first = time.monotonic() - start
    try:
        child.wait(share * (pace.seconds - pace.first_write if wait else pace.seconds))
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return Kill(stage, time.monotonic() - start, house.traces() != before)
    seconds = time.monotonic() - start
    house.finish(stage, child)
    return Pace(seconds, first if wait else min(pace.first_write, seconds))


def end_state(house: House, tables: dict[str, Any]) -> dict[str, Any]:
    """What must be equal: every sealed id, what is in service, who decided, and the rows of the lake."""
    sealed = sorted(p.parent.name for p in house.home.glob("*/*/manifest.json"))
    book = [json.loads(line) for line in (house.home / "decisions.jsonl").read_text().splitlines()]
    decided = [(d["action"], d["who"], d["note"], d["release"]) for d in book]
    return {"sealed": sealed, "service": json.loads((house.home / "current.json").read_text())["release"], "decided": decided, **tables}
