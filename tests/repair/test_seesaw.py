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
    ("harm", "training"),
    [
        pytest.param(planted.ROWS, {}, id="one task unteaches the facts"),
        pytest.param(0, {"learning_rate": 2e-2, "epochs": 6}, id="the one task is taught too hard"),
    ],
)
def test_a_planted_see_saw_is_mended_and_keeps_seven_tenths_of_its_gain_or_says_why_not(
    home: Settings, known: Settings, harm: int, training: dict
) -> None:
    """Whether 88 items are enough for the gate hangs on the processor: the last digits of a training are its own, and so is every model here.

    What holds on all of them: half of the gain at least is kept, most of the loss is not, and what is not let through is told with its reason.
    """
    place = replace(home, model=known.model, config=known.config)
    lesson, stage = planted.lesson(**training), lessons.here(place)
    id = planted.pairs(place, harm)
    for step in ("mix", "train", "evaluate", "gate"):
        made = stage(step, [id], lesson)
        id = made["id"]
    assert made["verdict"] == "block" and made["targets"]["good"]["gained"] > 30
    found = repair.run(id, place, stage, minutes=60)
    judged, tries = found["judged"], {t["name"]: t for t in found["tries"]}
    assert len(tries) > 8 and tries["as it was"]["verdict"] == "block"
    if judged:
        assert judged["kept"] >= 0.5 and judged["worst"] < 0.6 * judged["blocked"]["worst"], found["text"]
        assert not found["repaired"] or (judged["kept"] >= 0.7 and judged["worst"] < 0.12), found["text"]
        rows = pq.read_table(lineage.folder(place, judged["scores"]) / "items.parquet").to_pylist()
        assert {halves.of(r["doc_hash"]) for r in rows} == {"held"}
        assert beside.read(place, "repair", id) == beside.read(place, "repair", found["id"])
    else:
        assert not any(t["verdict"] == "promote" and t["gain"] > 0 for t in tries.values()), found["text"]
    if not found["repaired"]:
        reason = (judged or {}).get("reason", "on the dev half").partition(": ")[2]
        assert found["words"].startswith("Not repaired") and reason in found["words"]
    assert repair.run(id, place, stage, minutes=60)["judged"] == judged
