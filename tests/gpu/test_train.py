"""The same training code on one CUDA GPU: bfloat16 where the plan leaves the type open, and a model that loads again."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")]

from pipeline import lineage, weights  # noqa: E402
from pipeline.recipe import Recipe, Training  # noqa: E402
from pipeline.train import run  # noqa: E402
from tests.train import lessons  # noqa: E402
from tests.train.conftest import at  # noqa: E402

LESSONS = {
    "lora": {},
    "every weight": {"full_finetune": True, "learning_rate": 1e-3},
    "zero2": {"deepspeed": "zero2"},
    "zero3": {"deepspeed": "zero3"},
}


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_learnt(tmp_path: Path, tiny: Path, name: str) -> None:
    place = at(tmp_path / "home", tiny)
    rows = {"sft": lessons.standard(), "dpo": [lessons.dpo("person", n) for n in range(24)]}
    done = run.run(
        lessons.mix(place, Training(processes=1), rows=rows, method="sft+dpo", **LESSONS[name]),
        Recipe(training=Training(processes=1)),
        place,
    )
    sealed = lineage.require(place, done["id"], "model")
    assert sealed["device"] == "cuda"
    assert all(end["final"] < end["initial"] for end in sealed["loss"].values())
    assert sealed["preference"]["after"] != sealed["preference"]["before"]
    model, _ = weights.load(place, done["id"])
    assert model.device.type == "cuda" and model.dtype == torch.bfloat16


def test_the_gpu_learns_what_the_cpu_learns(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Float32 on both: the first loss is the same number, the last one close to it."""
    found = {}
    for device in ("cuda", "cpu"):
        place = at(tmp_path / device, tiny)
        monkeypatch.setattr(weights, "device", lambda device=device: device)
        done = run.run(lessons.mix(place, rows={"sft": lessons.standard()}, dtype="float32", lora_dropout=0.0), Recipe(), place)
        found[device] = lineage.manifest(place, done["id"])["loss"]
    for task, end in found["cpu"].items():
        assert found["cuda"][task]["initial"] == pytest.approx(end["initial"], abs=0.01)
        assert found["cuda"][task]["final"] == pytest.approx(end["final"], abs=0.1)
