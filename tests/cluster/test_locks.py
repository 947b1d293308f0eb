"""One lock for all hosts: two homes that share a PostgreSQL exclude each other, and a process that dies gives its lock back."""

import dataclasses
import multiprocessing
import threading
import time
from pathlib import Path

import pytest

from pipeline import lineage
from pipeline import settings as machine
from pipeline.errors import Transient
from tests.cluster.conftest import Maker

pytestmark = pytest.mark.cluster
_context = multiprocessing.get_context("spawn")


def hold(home: str, taken) -> None:
    """On another host: take the lock and keep it."""
    settings = dataclasses.replace(machine.load(), home=Path(home))
    with lineage.lock(settings, "ingest"):
        taken.set()
        time.sleep(600)


def test_a_lock_holds_on_all_hosts_until_its_process_dies(cluster: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, taken = cluster("postgres"), _context.Event()
    other = _context.Process(target=hold, args=(str(tmp_path / "other-host"), taken))
    other.start()
    try:
        assert taken.wait(60)
        monkeypatch.setattr(lineage, "LOCK_WAIT_S", 0.5)
        with pytest.raises(Transient, match="locked by a process of another host"):
            with lineage.lock(settings, "ingest"):
                pass
        with lineage.lock(settings, "schema"):
            pass
    finally:
        other.kill()
        other.join()
    monkeypatch.setattr(lineage, "LOCK_WAIT_S", 30)
    with lineage.lock(settings, "ingest"):
        pass


def test_one_waits_for_the_other_and_then_goes_on(cluster: Maker, tmp_path: Path) -> None:
    settings = cluster("postgres")
    elsewhere = dataclasses.replace(settings, home=tmp_path / "other-host")
    order: list[str] = []

    def second() -> None:
        with lineage.lock(elsewhere, "ingest"):
            order.append("second")

    with lineage.lock(settings, "ingest"):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.5)
        order.append("first")
    waiting.join(30)
    assert order == ["first", "second"]


def test_a_shared_lock_is_shared_on_all_hosts_and_kept_from_whoever_wants_it_alone(
    cluster: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = cluster("postgres")
    elsewhere = dataclasses.replace(settings, home=tmp_path / "other-host")
    monkeypatch.setattr(lineage, "LOCK_WAIT_S", 0.5)
    with lineage.lock(settings, "making", shared=True), lineage.lock(elsewhere, "making", shared=True):
        with lineage.taken(elsewhere, "making") as ours:
            assert not ours
        with pytest.raises(Transient, match="locked by a process of another host"):
            with lineage.lock(dataclasses.replace(settings, home=tmp_path / "third-host"), "making"):
                pass
    with lineage.taken(settings, "making") as ours, lineage.taken(elsewhere, "making") as theirs:
        assert (ours, theirs) == (True, False)
