"""kill -9 at every effect of a promotion and of a rollback: run again, and the end state is that of a run nobody killed."""

import json
import signal
import subprocess
import sys

import pytest

from pipeline import lineage, recipe, service
from pipeline.commands import rollback
from pipeline.promote import decisions, run
from pipeline.report import run as report
from tests import lineage_world

CHILD = """
import os, signal, sys
from pipeline import recipe, settings
left = int(sys.argv[1])
def deadly(real):
    def call(*args, **more):
        global left
        left -= 1
        if left == 0: os.kill(os.getpid(), signal.SIGKILL)
        done = real(*args, **more)
        left -= 1
        if left == 0: os.kill(os.getpid(), signal.SIGKILL)
        return done
    return call
os.fsync, os.replace = deadly(os.fsync), deadly(os.replace)
if sys.argv[2] == "rollback":
    from pipeline.commands import rollback
    rollback.run(settings.load(), reason="worse", by="mei")
else:
    from pipeline.promote import run
    run.run(sys.argv[2], recipe.Recipe(), settings.load())
"""


def child(home, kill_at, what):
    environment = {"EQUIPOISE_HOME": str(home.home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", CHILD, str(kill_at), what], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def state(home):
    """What a run leaves behind, without clocks."""
    current = service.current(home)
    book = (home.home / "decisions.jsonl").read_text()
    assert decisions.broken(book) is None
    lines = [(e["action"], e["who"], e["model"], e["from"]["model"]) for e in decisions.read(book)]
    left = [p.name for p in home.home.iterdir() if p.name.endswith(".tmp")]
    return current["release"], current["model"], lines, left


@pytest.fixture
def reported(home):
    world = lineage_world.build(home, "promote")
    return world, report.run(world.verdict, recipe.Recipe(), home)["id"]


def test_a_promotion_killed_at_any_effect_is_mended_by_running_it_again(home, reported):
    world, id = reported
    release = lineage.name("release", lineage.day_of(id), id, world.model, run.VERSION)
    kill_at, code = 0, -signal.SIGKILL
    while code:
        kill_at += 1
        for path in [home.home / "current.json", home.home / "decisions.jsonl"]:
            path.unlink(missing_ok=True)
        if lineage.folder(home, release).exists():
            (lineage.folder(home, release) / "manifest.json").unlink(missing_ok=True)
        code = child(home, kill_at, id)
        served = service.champion(home)
        assert served in ("origin", world.model)
        assert served == "origin" or lineage.sealed(home, release), "what is in service is sealed"
        run.run(id, recipe.Recipe(), home)
        assert state(home) == (release, world.model, [("promote", run.AUTOMATIC, world.model, "origin")], [])
    assert kill_at > 10, "the loop must have met the seal, the rename and the book"


def test_a_rollback_killed_at_any_effect_goes_back_one_release_only(home, reported):
    world, id = reported
    one = run.run(id, recipe.Recipe(), home)["id"]
    newer = lineage_world.build(home, "promote", champion=world.model, salt="next")
    run.run(report.run(newer.verdict, recipe.Recipe(), home)["id"], recipe.Recipe(), home)
    kept = {name: (home.home / name).read_bytes() for name in ("current.json", "decisions.jsonl")}
    kill_at, code = 0, -signal.SIGKILL
    while code:
        kill_at += 1
        for name, content in kept.items():
            (home.home / name).write_bytes(content)
        code = child(home, kill_at, "rollback")
        if code and len(decisions.read((home.home / "decisions.jsonl").read_text())) == 2:
            rollback.run(home, reason="worse", by="mei")
        release, model, lines, left = state(home)
        assert (release, model, len(lines), left) == (one, world.model, 3, [])
    assert kill_at > 6


def test_a_half_written_line_is_cut_before_the_next_one_is_written(home, reported):
    _, id = reported
    run.run(id, recipe.Recipe(), home)
    path = home.home / "decisions.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"action": "rollback", "who": "m')
    rollback.run(home, reason="worse")
    text = path.read_text()
    assert text.startswith(whole)
    assert [json.loads(line)["action"] for line in text.splitlines()] == ["promote", "rollback"]
    assert decisions.broken(text) is None
