"""Stages and erasures never meet: a stage runs beside other stages, an erasure runs alone, and one that was killed is finished first."""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.erase import journal
from pipeline.errors import Transient
from pipeline.lineage import LOCK_WAIT_S
from pipeline.progress import say
from pipeline.settings import Settings

POLL_S = 0.2


@contextlib.contextmanager
def beside_others(settings: Settings) -> Iterator[None]:
    """For a stage: wait while an erasure runs; refuse while one was begun and not finished, because folders may not fit their sums."""
    with _held(settings, fcntl.LOCK_SH, "waiting for an erasure to end"):
        left = journal.open_ones(settings)
        if left:
            raise Transient(f"{left[0].id} was begun and not finished: run `equipoise forget --finish` and then this again")
        yield


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """For an erasure: no stage works in this home. The kernel frees the lock when its process dies."""
    with _held(settings, fcntl.LOCK_EX, "waiting for the stages that work in this home"):
        yield


@contextlib.contextmanager
def _held(settings: Settings, how: int, why: str) -> Iterator[None]:
    path: Path = settings.home / "locks" / "erasure.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        start, told = time.monotonic(), False
        while True:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - start > LOCK_WAIT_S:
                    raise Transient(f"{path} has been held for {LOCK_WAIT_S} s: {why}; try again when they end") from None
                if not told:
                    say(why)
                    told = True
                time.sleep(POLL_S)
        yield
