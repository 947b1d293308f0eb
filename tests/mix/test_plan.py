"""Every value of the plan follows from size by a rule that can be checked by hand, and the recipe wins."""

import pytest

from pipeline.mix.plan import SAID, Size, max_length, values
from pipeline.mix.router import Route
from pipeline.recipe import Training

SFT = Route("sft", "intent has the data for it")
SMALL = Size(rows=300, longest=61, context=8192, parameters=135_000_000)


def plain(size: Size, **training: object) -> dict:
    return {name: v["value"] for name, v in values(SFT, size, Training(**training)).items()}


def test_a_small_lesson_for_a_small_model() -> None:
    got = plain(SMALL)
    assert (got["lora_rank"], got["lora_alpha"], got["learning_rate"], got["epochs"], got["max_length"]) == (16, 32, 5e-4, 2, 64)
    assert got["batch_size"] * got["gradient_accumulation"] == 8  # 300 rows / 32 steps = 9, down to a power of two
    assert got["warmup_ratio"] == 0.05 and got["save_steps"] == 8  # 2 x ceil(300 / 8) = 76 steps, a tenth rounded up


def test_a_large_lesson_for_a_large_model() -> None:
    got = plain(Size(rows=20_000, longest=900, context=8192, parameters=7_000_000_000))
    assert (got["lora_rank"], got["learning_rate"], got["epochs"], got["max_length"], got["lora_dropout"]) == (32, 1e-4, 1, 960, 0.0)
    assert got["batch_size"] == 4 and got["gradient_accumulation"] == 8  # 4096 // 960 = 4 rows at once, 32 rows a step
    assert got["warmup_ratio"] == 0.03


def test_the_key_phase_runs_at_a_third_of_the_rate() -> None:
    assert plain(SMALL, learning_rate=3e-4)["key_learning_rate"] == pytest.approx(1e-4)


def test_full_training_is_slow() -> None:
    got = plain(SMALL, full_finetune=True)
    assert got["learning_rate"] == 5e-6 and got["full_finetune"] is True


FIXED = {
    "lora_rank": 4,
    "lora_alpha": 5,
    "lora_dropout": 0.2,
    "learning_rate": 1e-3,
    "dpo_learning_rate": 2e-5,
    "dpo_beta": 0.3,
    "epochs": 7,
    "batch_size": 3,
    "gradient_accumulation": 2,
    "max_length": 99,
    "loss_type": "dft",
    "deepspeed": "zero2",
    "save_steps": 2,
}


@pytest.mark.parametrize("name", FIXED)
def test_a_value_of_the_recipe_wins_and_says_so(name: str) -> None:
    got = values(SFT, SMALL, Training(**{name: FIXED[name]}))[name]
    assert got["value"] == FIXED[name] and (name == "gradient_accumulation" or got["why"] == SAID)


def test_rank_of_the_recipe_doubles_into_alpha_unless_that_is_named_too() -> None:
    assert plain(SMALL, lora_rank=4)["lora_alpha"] == 8


@pytest.mark.parametrize(
    ("longest", "context", "said", "length"),
    [
        (61, 8192, None, 64),
        (65, 8192, None, 128),
        (5000, 8192, None, 2048),
        (5000, 1024, None, 1024),
        (61, 1024, 4000, 1024),
        (61, 1024, 80, 80),
    ],
)
def test_length_fits_the_longest_row_within_model_and_memory(longest: int, context: int, said: int | None, length: int) -> None:
    assert max_length(longest, context, Training(max_length=said))[0] == length


@pytest.mark.parametrize("rows", [0, 1, 3, 31, 100, 1000, 5000, 100_000])
def test_batches_are_possible_for_any_number_of_rows(rows: int) -> None:
    got = plain(Size(rows=rows, longest=200, context=2048, parameters=1))
    assert got["batch_size"] >= 1 and got["gradient_accumulation"] >= 1 and 4 <= got["batch_size"] * got["gradient_accumulation"] <= 32
