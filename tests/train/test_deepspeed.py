"""DeepSpeed for real: two CPU processes over gloo make the same model as one, and only the stage seals it."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import lineage, service, weights
from pipeline.recipe import Recipe, Training
from pipeline.settings import Settings
from pipeline.train import fit, resume, run, sft
from pipeline.train.phase import Phase
from tests.train import lessons
from tests.train.conftest import at
from tests.train.test_resume import CHILD, ROOT
from tests.train.test_run import adapter_of, losses_of

pytest.importorskip("deepspeed")

LESSON = {"epochs": 1, "lora_dropout": 0.0, "batch_size": 4}
ROWS = {"sft": lessons.standard()[:16]}
TWO = Training(processes=2)


@pytest.mark.slow
@pytest.mark.parametrize("zero", ["zero2", "zero3", None], ids=["zero2", "zero3", "without deepspeed"])
def test_two_processes_make_the_model_that_one_makes(tmp_path: Path, tiny: Path, zero: str | None) -> None:
    alone, two = at(tmp_path / "alone", tiny), at(tmp_path / "two", tiny)
    single = run.run(lessons.mix(alone, rows=ROWS, **LESSON), Recipe(), alone)
    done = run.run(lessons.mix(two, TWO, rows=ROWS, **LESSON, deepspeed=zero), Recipe(training=TWO), two)
    sealed = lineage.require(two, done["id"], "model")
    assert sealed["counts"] == {"rows": {"main": 16}, "dropped": {"sft": 0}}
    pairs = list(zip(losses_of(alone, single["id"]), losses_of(two, done["id"]), strict=True))
    assert len(pairs) == 8  # four steps, two tasks
    assert all((a["step"], a["task"], a["tokens"]) == (b["step"], b["task"], b["tokens"]) for a, b in pairs)
    assert [b["loss"] for _, b in pairs] == pytest.approx([a["loss"] for a, _ in pairs], abs=1e-3)
    ours, theirs = adapter_of(two, done["id"]), adapter_of(alone, single["id"])
    assert ours.keys() == theirs.keys()
    assert max((ours[k] - theirs[k]).abs().max().item() for k in ours) < 1e-3
    weights.load(two, done["id"])
    assert not weights.is_adapter(service.origin(two))


@pytest.mark.slow
def test_no_trainer_outlives_a_killed_stage_and_its_checkpoint_serves_the_next(place: Settings, tiny: Path) -> None:
    """SIGKILL reaches only the stage; its trainers see that it is gone, or they would write beside its successor."""
    mix = lessons.mix(place, rows=ROWS, epochs=20, deepspeed="zero2")
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(place.home), str(tiny), mix], cwd=ROOT, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 240
    while not list(place.home.glob(f"work/*/main/checkpoint-*/{resume.WHOLE}")) and time.monotonic() < end:
        time.sleep(0.02)
    assert trainers(place.home)
    child.send_signal(signal.SIGKILL)
    child.wait()
    while trainers(place.home) and time.monotonic() < end:
        time.sleep(0.2)
    assert trainers(place.home) == []
    done = run.run(mix, Recipe(), place)
    steps = [r["step"] for r in losses_of(place, done["id"]) if r["task"] == "person"]
    assert steps == list(range(1, 81))  # 16 rows, 4 a step, 20 passes: every step once, whoever ran it


def trainers(home: Path) -> list[int]:
    """Processes of this machine that train from a phase of this home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(home / "work").encode() in words and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def test_a_phase_survives_the_way_to_a_child_process(tmp_path: Path) -> None:
    phase = Phase("main", tmp_path, tmp_path / "base", tmp_path / "words", None, {"rate": 1e-3})
    assert Phase.loads(phase.dumps()) == phase
    assert Phase.loads(replace(phase, adapter=tmp_path / "a").dumps()).adapter == tmp_path / "a"


@pytest.mark.parametrize(
    ("batch", "accumulate", "processes", "wanted"),
    [(8, 1, 1, (8, 1)), (8, 2, 2, (4, 2)), (4, 1, 4, (1, 1)), (2, 4, 4, (1, 2)), (6, 1, 4, (1, 2))],
)
def test_a_step_keeps_its_rows_however_many_processes_share_it(
    tmp_path: Path, batch: int, accumulate: int, processes: int, wanted: tuple[int, int]
) -> None:
    phase = Phase("main", tmp_path, tmp_path, tmp_path, None, {"batch_size": batch, "gradient_accumulation": accumulate})
    each, steps = sft.batches(phase, processes)
    assert (each, steps) == wanted
    assert each * steps * processes >= batch * accumulate  # never fewer; more only where the rows cannot be shared evenly


@pytest.mark.slow
def test_torchrun_that_fails_is_worth_a_retry(tmp_path: Path) -> None:
    from pipeline.errors import Transient

    phase = Phase("main", tmp_path, tmp_path, tmp_path, None, {"deepspeed": None})
    phase.write([])
    with pytest.raises(Transient, match="phase main: torchrun with 1 processes ended with"):
        fit.launch(phase, 1)
