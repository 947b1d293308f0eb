"""A slice of a lesson is the lesson's rows in their order, counted anew."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline import lineage
from pipeline.errors import BadRecipe
from pipeline.mix import run as mix
from pipeline.mix import slicing
from pipeline.recipe import Mixing, Recipe, Training
from pipeline.settings import Settings
from pipeline.spec import Slice
from tests.mix.rows import DAY, dpo, pool, seal, sft
from tests.mix.test_run import CARD, lesson


@pytest.fixture
def house(home: Settings, tiny: Path, tmp_path: Path) -> Settings:
    """A home with a tiny origin, two task cards and a pool of 40 general rows."""
    tasks = tmp_path / "config" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "intent.yaml").write_text(CARD.format(name="intent", key="true"), encoding="utf-8")
    (tasks / "mood.yaml").write_text(CARD.format(name="mood", key="false"), encoding="utf-8")
    pool(tmp_path / "config" / "recipes" / "small.jsonl", 40)
    return replace(home, model=str(tiny), config=tmp_path / "config")


@pytest.fixture
def whole(house: Settings) -> str:
    """10 rows of intent, a key task, 8 of mood, 18 general passes, and a key pass of 10 + 8 + 40."""
    rows = [sft(f"{i}", "yes" if i % 2 else "no", task="intent" if i < 10 else "mood") for i in range(18)]
    return mix.run(seal(house, DAY, {"sft": rows, "dpo": [dpo(f"{i}") for i in range(4)]}), lesson(ratio=1), house)["id"]


def cut(**said: object) -> Recipe:
    found = lesson(ratio=1)
    return found.model_copy(update={"mixing": found.mixing.model_copy(update={"slice": Slice(**said)})})


def rows(settings: Settings, id: str, name: str = "sft") -> list[dict]:
    return pq.read_table(lineage.folder(settings, id) / f"{name}.parquet").to_pylist()


def place(row: dict) -> tuple:
    return row["phase"], row["example_id"], row["repeat"]


def test_a_task_left_out_leaves_every_other_row_where_it_was(house: Settings, whole: str) -> None:
    made = mix.run(whole, cut(without=["mood"]), house)
    assert rows(house, made["id"]) == [r for r in rows(house, whole) if r["task"] != "mood"]
    assert rows(house, made["id"], "dpo") == rows(house, whole, "dpo") and made["method"] == "sft+dpo"
    assert lineage.manifest(house, made["id"])["parents"] == [whole]
    assert made["dropped"] == {"the slice leaves mood out": 8}
    assert set(made["tasks"]) == {"intent", "general"} and made["total"]["passes"] == 10 + 18 + 10 + 40
    assert made["key"] == {"tasks": ["intent"], "beside": {"general": {"has": 40, "given": 40, "shortfall": 24}}}


def test_without_its_key_task_there_is_no_key_pass_and_without_pairs_no_dpo(house: Settings, whole: str) -> None:
    made = mix.run(whole, cut(only=["mood"]), house)
    assert {r["phase"] for r in rows(house, made["id"])} == {"main"} and made["key"]["tasks"] == []
    assert (made["method"], made["dpo"]) == ("sft", {})
    assert made["total"]["parts"] == {"domain": 8, "general": 18}


def test_the_key_pass_alone_can_go(house: Settings, whole: str) -> None:
    made = mix.run(whole, cut(key_pass=False), house)
    assert rows(house, made["id"]) == [r for r in rows(house, whole) if r["phase"] == "main"]
    plan = yaml.safe_load((lineage.folder(house, made["id"]) / "plan.yaml").read_text(encoding="utf-8"))
    assert plan["schedule"][1] == {"phase": "key", "row_passes": 0, "why": "no extra pass in this slice"}


@pytest.mark.parametrize(
    ("said", "general"), [({"replay": 0.5}, 9), ({"replay": 0}, 0), ({"replay": 3}, 54), ({"ratio": 5}, 90), ({"ratio": 20}, 120)]
)
def test_general_rows_are_taken_or_drawn_as_asked(house: Settings, whole: str, said: dict, general: int) -> None:
    """18 of 40 rows stand in the lesson; 40 x 3 repeats are all that the pool can give."""
    made = mix.run(whole, cut(**said), house)
    assert made["tasks"].get("general", {"main": 0})["main"] == general == made["ratio"]["general"]
    assert made["ratio"]["wanted"] == said.get("ratio", 1) and made["ratio"]["reached"] == pytest.approx(general / 18, abs=1e-4)
    assert made["ratio"]["shortfall"] == (240 if said == {"ratio": 20} else 0)
    shared = {place(r) for r in rows(house, whole)} & {place(r) for r in rows(house, made["id"])}
    in_order = [place(r) for r in rows(house, whole) if place(r) in shared]
    assert [place(r) for r in rows(house, made["id"]) if place(r) in shared] == in_order
    assert max(Counter(place(r) for r in rows(house, made["id"])).values()) == 1
    if general >= 18:
        assert {place(r) for r in rows(house, whole)} <= shared, "more general rows take none away"


def test_a_slice_keeps_the_values_of_the_whole_and_what_its_recipe_says_anew(house: Settings, whole: str) -> None:
    slower = cut(without=["mood"])
    slower = slower.model_copy(update={"training": slower.training.model_copy(update={"learning_rate": 3e-5})})
    before = yaml.safe_load((lineage.folder(house, whole) / "plan.yaml").read_text(encoding="utf-8"))["values"]
    for recipe, rate in ((cut(without=["mood"]), before["learning_rate"]["value"]), (slower, 3e-5)):
        values = yaml.safe_load((lineage.folder(house, mix.run(whole, recipe, house)["id"]) / "plan.yaml").read_text(encoding="utf-8"))[
            "values"
        ]
        assert values["learning_rate"]["value"] == rate and values["key_learning_rate"]["value"] == pytest.approx(rate / 3)
        same = before.keys() - {"learning_rate", "key_learning_rate", "method"}
        assert {n: values[n] for n in same} == {n: before[n] for n in same}


def test_a_slice_twice_is_one_and_needs_neither_pairs_nor_lake(house: Settings, whole: str) -> None:
    first = mix.run(whole, cut(without=["mood"]), house)
    for id in lineage.manifest(house, whole)["parents"]:
        shutil.rmtree(lineage.folder(house, id))
    assert mix.run(whole, cut(without=["mood"]), house) == first
    assert mix.run(whole, cut(only=["intent"]), house)["total"] == first["total"]
    assert first["slice"] == {"of": whole, "slice": Slice(without=["mood"]).model_dump(mode="json"), "why": "without mood"}
    again = mix.run(first["id"], cut(key_pass=False), house)
    assert rows(house, again["id"]) == [r for r in rows(house, first["id"]) if r["phase"] == "main"], "a slice can be sliced"


def test_a_slice_of_nothing_says_so(house: Settings, whole: str) -> None:
    made = mix.run(whole, cut(without=["mood", "intent"], replay=0), house)
    assert made["method"] == "none" and made["total"]["passes"] == 0


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (lesson(), "mixing.slice is empty"),
        (cut(without=["weather"]), "names weather, which this mix does not teach; it teaches intent, mood"),
    ],
)
def test_what_cuts_nothing_is_refused(house: Settings, whole: str, recipe: Recipe, words: str) -> None:
    with pytest.raises(BadRecipe, match=words):
        mix.run(whole, recipe, house)


def test_a_slice_of_pairs_is_refused(house: Settings, whole: str) -> None:
    with pytest.raises(BadRecipe, match="cuts a mix: name a mix-"):
        mix.run(lineage.manifest(house, whole)["parents"][0], cut(key_pass=False), house)


PLAN = {"tasks": {"a": {"key": True}, "b": {"key": False}, "c": {"key": False}}}
TASKS = st.lists(st.sampled_from(["a", "b", "c", "general"]), max_size=30)


@given(tasks=TASKS, only=st.none() | st.sets(st.sampled_from("abc")), without=st.sets(st.sampled_from("abc")), replay=st.floats(0, 1))
def test_whatever_is_cut_the_rest_keeps_its_order_and_every_row_is_kept_or_has_a_reason(
    tasks: list[str], only: set[str] | None, without: set[str], replay: float
) -> None:
    made = [{"task": t, "phase": "main", "example_id": f"{i}", "repeat": 0, "part": "domain"} for i, t in enumerate(tasks)]
    made = slicing.schedule.shuffled(made, 17)
    said = Slice(only=sorted(only) if only is not None else None, without=sorted(without), replay=replay)
    part = slicing.piece({"sft": made, "dpo": [], "kto": []}, PLAN, said, slicing.Pool(), 17)
    kept = {r["example_id"] for r in part.rows["sft"]}
    assert part.rows["sft"] == [r for r in made if r["example_id"] in kept]
    assert kept | {row["example_id"] for _, row, _ in part.dropped} == {r["example_id"] for r in made}
    assert not kept & {row["example_id"] for _, row, _ in part.dropped}
    assert {r["task"] for r in part.rows["sft"]} <= (set(only) if only is not None else set("abc")) - without | {"general"}


def test_an_untouched_lesson_is_no_slice() -> None:
    assert Recipe().mixing == Mixing() and Mixing().slice == slicing.WHOLE and slicing.words(slicing.WHOLE) == "all of it"
    assert Training().start == "origin"
