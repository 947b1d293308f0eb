"""What a lesson and the gate's items have in common is told both ways, and left out when a day is mined."""

import json
from pathlib import Path

import pytest

from pipeline import benchmarks
from pipeline.__main__ import main
from pipeline.errors import BadRecipe
from pipeline.mine.run import run
from pipeline.recipe import Evaluation, Recipe, Task
from pipeline.settings import Settings
from tests.mine.test_leaks import edited
from tests.mine.world import ALL, Row, configured, mine, table, take_in

CARD = Task(name="help", match={"app": "chat"})
ITEM = "A tall lady with a green umbrella walked past the mill before the rain began to fall on the town"
SHORT = "Which bird cannot fly but swims?"


@pytest.fixture
def house(home: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "config"
    found = configured(home, folder, CARD, heldout={"help": [{"id": "h1", "prompt": SHORT, "answer": "A penguin."}]})
    (folder / "suites").mkdir()
    (folder / "tiny").mkdir()
    (folder / "suites/tiny.yaml").write_text("name: tiny\ninclude: ../tiny\nabilities:\n  reading: {tasks: [tiny_reading, far]}\n")
    card = "task: tiny_reading\ncustom_dataset: !function items.load\ndataset_kwargs: {file: reading.jsonl}\n"
    (folder / "tiny/reading.yaml").write_text(card)
    (folder / "tiny/reading.jsonl").write_text(json.dumps({"id": "r1", "passage": ITEM, "choices": ["a", "b"], "gold": 0}) + "\n")
    return found


def talks() -> list[Row]:
    half = " ".join(ITEM.split()[:16])  # four of the item's eight runs of 13 words
    return [
        edited("c1", "ann", f"Go on with this story: {half} sadly", fix="She ran."),
        edited("c2", "eve", "Go on with this story: a tall lady with a green umbrella", fix="She stood."),
        edited("c3", "joe", "which bird cannot fly, but swims", fix="The penguin."),
        edited("c4", "kim", "What did you do?", fix=ITEM),
    ]


def test_rows_that_repeat_an_item_are_left_out_and_name_it(house: Settings) -> None:
    recipe = Recipe(mining=ALL, tasks=["help"], evaluation=Evaluation(suites=["tiny"]))
    found = run(take_in(house, *talks()), recipe, house)
    dropped = {
        r["conversation_id"]: json.loads(r["evidence"])["like"] for r in table(house, found["id"], "dropped") if r["reason"] == "gate_item"
    }
    assert dropped == {"c1": "tiny/tiny_reading/r1", "c3": "heldout/help/h1", "c4": "tiny/tiny_reading/r1"}
    assert [r["conversation_id"] for r in table(house, found["id"], "sft")] == ["c2"]


def test_the_command_tells_rows_that_touch_items_and_items_that_are_touched(
    house: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = take_in(house, *talks())
    pairs = mine(house, logs, ALL.model_copy(update={"item_cover": 1.0}), tasks=["help"])["id"]
    assert house.config is not None
    monkeypatch.setenv("EQUIPOISE_CONFIG", str(house.config))
    assert main(["contamination", pairs, "--suite", "tiny", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {(r["item"], r["cover"], r["table"]) for r in found["rows_touching"]} >= {("tiny/tiny_reading/r1", 0.5, "sft")}
    [item] = found["items_touched"]
    assert (item["item"], item["cover"]) == ("tiny/tiny_reading/r1", 1.0)
    assert found["items"] == 2 and found["items_over"] >= 1
    assert list(found["unread"]) == ["tiny/far"]
    assert main(["contamination", pairs, "--suite", "tiny"]) == 0
    said = capsys.readouterr().out
    assert "items stand in the rows by half or more" in said and "not looked for: tiny/far" in said
    assert main(["contamination", pairs, "--suite", "none"]) == 65
    assert main(["contamination", logs]) == 65


def test_a_suite_that_is_missing_stops_only_who_names_it(house: Settings) -> None:
    lesson = Recipe(evaluation=Evaluation(suites=["gone"]))
    assert list(benchmarks.asked(house, lesson).unread) == ["gone"]
    with pytest.raises(BadRecipe):
        benchmarks.asked(house, lesson, ["gone"])


def test_the_shipped_suite_is_read_without_lm_eval(home: Settings) -> None:
    found = benchmarks.asked(home, Recipe())
    assert len(found.texts) > 1000 and not found.unread
    assert not any(text.strip().isdigit() for text in found.texts)
