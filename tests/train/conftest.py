"""Training tests: one thread, a tiny origin, and one sealed model that many tests look at."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from pipeline import recipe, settings  # noqa: E402
from pipeline.settings import Settings  # noqa: E402
from pipeline.train import run  # noqa: E402
from tests.train import lessons  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """A tiny model gains nothing from more, and threads that wait for one another lose everything on a busy machine."""
    torch.set_num_threads(1)


def at(home: Path, model: Path) -> Settings:
    return replace(settings.load(), home=home, model=str(model))


@pytest.fixture
def place(tmp_path: Path, tiny: Path) -> Settings:
    """A fresh home whose origin is the tiny model."""
    return at(tmp_path / "home", tiny)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> tuple[Settings, dict[str, Any]]:
    """One finished training with SFT, key pass and DPO: (settings, what `run` returned)."""
    place = at(tmp_path_factory.mktemp("trained") / "home", tiny)
    rows = {"sft": lessons.standard(), "dpo": [lessons.dpo("person", n) for n in range(24)]}
    mix = lessons.mix(place, rows=rows, method="sft+dpo")
    return place, run.run(mix, recipe.Recipe(), place)
