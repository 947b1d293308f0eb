"""The place where an end-to-end test works: a home, a config and an inbox of its own, and the real small model made once."""

from pathlib import Path

import pytest

from pipeline.demo import origin
from tests.e2e import small_world

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a fresh home with one day in its inbox. The model is kept in the checkout's own home: making it takes 25 s."""
    folder = tmp_path_factory.mktemp("place")
    model = origin.make(ROOT / "home")
    small_world.log(folder / "inbox")
    return {
        "EQUIPOISE_HOME": str(folder / "home"),
        "EQUIPOISE_CONFIG": str(small_world.config(folder / "config")),
        "EQUIPOISE_INBOX": str(folder / "inbox"),
        "EQUIPOISE_MODEL": str(model),
        "EQUIPOISE_USER_KEY": "0" * 64,
    }
