"""SIGKILL while a model is being asked, then the same command again: the same id and the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import lineage
from pipeline.settings import Settings

pytest.importorskip("torch")
pytest.importorskip("lm_eval")


def start(place: Settings, home: Path, tiny: Path) -> subprocess.Popen:
    told = {
        "EQUIPOISE_HOME": str(home),
        "EQUIPOISE_CONFIG": str(place.config),
        "EQUIPOISE_MODEL": str(tiny),
        "EQUIPOISE_USER_KEY": "0" * 64,
    }
    command = [sys.executable, "-m", "pipeline", "evaluate", "origin", "--recipe", "mini"]
    return subprocess.Popen(command, env=os.environ | told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def pages(home: Path) -> int:
    return len(list((home / "cache" / "items").rglob("*.json")))


@pytest.mark.slow
def test_a_killed_evaluation_ends_where_an_unbroken_one_does(place, tiny, tmp_path):
    assert place.config is not None
    # one item a page: more moments to be killed at
    lesson = place.config / "recipes" / "mini.yaml"
    lesson.write_text(lesson.read_text().replace("batch_size: 2", "batch_size: 1"))
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    whole = start(place, unbroken, tiny)
    id = whole.communicate(timeout=300)[0].strip()
    assert lineage.kind_of(id) == "scores"
    for least in (1, pages(unbroken) - 1):
        child = start(place, broken, tiny)
        while child.poll() is None and pages(broken) < least:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=60)
    assert start(place, broken, tiny).communicate(timeout=300)[0].strip() == id
    files = [home / "scores" / id / "items.parquet" for home in (unbroken, broken)]
    assert files[0].read_bytes() == files[1].read_bytes()
