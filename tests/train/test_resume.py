"""Killed at any moment, run again: the same model as if nothing had happened."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import lineage
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from pipeline.train import resume, run
from tests.train import lessons
from tests.train.conftest import at
from tests.train.test_run import adapter_of, losses_of

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from pipeline.recipe import Recipe
from pipeline.train import run
from tests.train.conftest import at
run.run(sys.argv[3], Recipe(), at(Path(sys.argv[1]), Path(sys.argv[2])))
"""
LESSON = {"epochs": 4, "batch_size": 2, "save_steps": 3, "method": "sft+dpo"}  # 48 + 2 + 10 steps, a checkpoint every third
ROWS = {"sft": lessons.standard(), "dpo": [lessons.dpo("person", n) for n in range(24)]}


def killed(place: Settings, tiny: Path, mix: str, phase: str) -> int:
    """Start a training, SIGKILL it after the first whole checkpoint of a phase; returns the step that the checkpoint holds."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(place.home), str(tiny), mix], cwd=ROOT, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not any(resume.step(path) for path in place.home.glob(f"work/*/{phase}/checkpoint-*")):  # its file is there before its text is
        assert child.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    child.wait()
    found = resume.last_checkpoint(next(place.home.glob(f"work/*/{phase}")))
    assert found is not None
    return resume.step(found) or 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> tuple[Settings, str]:
    place = at(tmp_path_factory.mktemp("undisturbed") / "home", tiny)
    return place, run.run(lessons.mix(place, rows=ROWS, **LESSON), Recipe(), place)["id"]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """`weights_only` of every torch.load of this test."""
    import torch

    calls: list[object] = []
    real = torch.load
    monkeypatch.setattr(torch, "load", lambda *a, **k: calls.append(k.get("weights_only")) or real(*a, **k))
    return calls


@pytest.mark.parametrize("phase", ["main", "dpo"])
def test_a_killed_training_goes_on_from_its_checkpoint_to_the_same_model(
    undisturbed: tuple[Settings, str], place: Settings, tiny: Path, phase: str, loads: list[object], capfd: pytest.CaptureFixture
) -> None:
    mix = lessons.mix(place, rows=ROWS, **LESSON)
    step = killed(place, tiny, mix, phase)
    assert not list(place.home.glob("model/*/manifest.json"))
    done = run.run(mix, Recipe(), place)
    assert len(loads) == 3 and set(loads) == {True}  # optimizer, schedule, random state: none of them can run code
    said = capfd.readouterr()
    assert said.out == ""
    assert f"train {phase}: step {step} of" not in said.err  # steps before the checkpoint were not run again
    assert ("train main: 24 rows x 4 at rate 5.0e-03, done before" in said.err) is (phase == "dpo")
    other, id = undisturbed
    assert done["id"] == id
    assert losses_of(place, id) == losses_of(other, id)
    first, second = adapter_of(place, id), adapter_of(other, id)
    assert first.keys() == second.keys() and all((first[k] == second[k]).all() for k in first)
    assert not (place.home / "work" / id).exists()


def test_scratch_is_private(place: Settings, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        run.methods,
        "place",
        lambda *_: seen.append(oct(next(place.home.glob("work/*")).stat().st_mode & 0o777)) or (_ for _ in ()).throw(KeyboardInterrupt),
    )
    with contextlib.suppress(KeyboardInterrupt):
        run.run(lessons.mix(place, rows={"sft": lessons.standard()[:4]}, epochs=1), Recipe(), place)
    assert seen == ["0o700"]


def test_a_checkpoint_that_was_cut_short_is_not_read(tmp_path: Path) -> None:
    for step, text in ((2, '{"global_step": 2}'), (4, '{"global_st'), (10, None)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if text is not None:
            (tmp_path / f"checkpoint-{step}" / resume.WHOLE).write_text(text)
    assert resume.last_checkpoint(tmp_path) == tmp_path / "checkpoint-2"
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-2"]


def test_losses_after_the_checkpoint_are_forgotten_and_a_torn_line_too(tmp_path: Path) -> None:
    path = tmp_path / "losses.jsonl"
    path.write_text("".join(json.dumps({"step": n}) + "\n" for n in (1, 2, 3)) + '{"step": 4, "lo')
    resume.cut(path, 2)
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 2]


def test_a_model_that_is_sealed_is_not_trained_again(undisturbed: tuple[Settings, str]) -> None:
    place, id = undisturbed
    started = lineage.manifest(place, id)["started"]
    run.run(lineage.manifest(place, id)["parents"][0], Recipe(), place)
    assert lineage.manifest(place, id)["started"] == started
