"""What every test starts from: a home of its own and no variable of the machine's."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from pipeline import settings as machine
from pipeline.settings import Settings

# The same examples every time, so that a test that fails fails again; `--hypothesis-profile default` looks for new ones. No deadline: on a
# busy machine 200 ms say nothing about the code.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same")
DATA = Path(__file__).parent.parent.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=20, help="SIGKILLs of each drill that draws its moments (default 20)")
    parser.addoption("--vllm", help="a Python that has vLLM, for the test that asks the real one")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How many times a drill kills."""
    return int(request.config.getoption("--kills"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("EQUIPOISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings with an empty home."""
    monkeypatch.setenv("EQUIPOISE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EQUIPOISE_USER_KEY", "0" * 64)
    yield machine.load()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real logs and benchmark items beside the checkout; the test skips where it is absent."""
    if not DATA.is_dir():
        pytest.skip("../shared/data is absent: real logs and benchmark items are not part of the repository")
    return DATA


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random chat model with SmolLM2's template; read only. Skips where torch is not installed."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tests import tiny as maker

    return maker.make(tmp_path_factory.mktemp("tiny"))
