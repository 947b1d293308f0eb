"""A planted see-saw with a real model that is really trained: repair keeps most of the gain, on items that did not choose it."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
pytest.importorskip("lm_eval")

import pyarrow.parquet as pq  # noqa: E402

from pipeline import beside, lineage  # noqa: E402
from pipeline import settings as machine  # noqa: E402
from pipeline.commands import lessons, repair  # noqa: E402
from pipeline.evaluate import halves  # noqa: E402
from pipeline.settings import Settings  # noqa: E402
from tests.repair import planted  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session", autouse=True)
def _suspected() -> None:
    """Here attribution speaks for itself."""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An origin that knows its facts; each test has a home of its own beside it."""
    torch.set_num_threads(1)
    return planted.settle(machine.load(), tmp_path_factory.mktemp("planted"))


@pytest.mark.parametrize(
    ("harm", "training", "helped"),
    [
        pytest.param(planted.ROWS, {}, "without bad", id="one task unteaches the facts"),
        pytest.param(0, {"learning_rate": 2e-2, "epochs": 6}, "lower rate", id="the one task is taught too hard"),
    ],
)
def test_a_planted_see_saw_is_mended_and_keeps_seven_tenths_of_its_gain(
    home: Settings, known: Settings, harm: int, training: dict, helped: str
) -> None:
    place = replace(home, model=known.model, config=known.config)
    lesson, stage = planted.lesson(**training), lessons.here(place)
    id = planted.pairs(place, harm)
    for step in ("mix", "train", "evaluate", "gate"):
        made = stage(step, [id], lesson)
        id = made["id"]
    assert made["verdict"] == "block" and made["targets"]["good"]["gained"] > 30
    found = repair.run(id, place, stage, minutes=60)
    assert found["repaired"] and found["chosen"].startswith(helped), found["text"]
    assert found["judged"]["kept"] >= 0.7, found["text"]
    assert found["judged"]["worst"] < 0.12 < found["judged"]["blocked"]["worst"]
    rows = pq.read_table(lineage.folder(place, found["judged"]["scores"]) / "items.parquet").to_pylist()
    assert {halves.of(r["doc_hash"]) for r in rows} == {"held"}
    assert beside.read(place, "repair", id) == beside.read(place, "repair", found["id"])
    assert repair.run(id, place, stage, minutes=60)["judged"] == found["judged"]
