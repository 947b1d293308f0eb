"""Preference training must show its effect on pairs that it never saw, or SFT's weights stand."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import lineage
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from pipeline.train import kto, margin, run
from tests.train import lessons
from tests.train.test_run import adapter_of


def preference(place: Settings, rows: dict[str, list[dict]], **values: Any) -> tuple[str, dict[str, Any]]:
    id = run.run(lessons.mix(place, rows=rows, epochs=1, **values), Recipe(), place)["id"]
    plan = yaml.safe_load((lineage.folder(place, id) / "plan.yaml").read_text())
    return id, plan["training"]["preference"]


def pairs(n: int) -> list[dict]:
    return [lessons.dpo("person", i) for i in range(n)]


SFT = lessons.standard()[:8]


def test_dpo_raises_the_margin_on_pairs_it_never_saw(place: Settings) -> None:
    _, found = preference(place, {"sft": SFT, "dpo": pairs(24)}, method="sft+dpo")
    assert found["done"] and found["pairs"] == 4
    assert found["after"] > found["before"] + 1  # nats


def test_kto_learns_from_votes_alone(place: Settings) -> None:
    id, found = preference(place, {"sft": SFT, "kto": [lessons.kto("person", n) for n in range(24)]}, method="sft+kto")
    assert found["done"] and found["after"] > found["before"]
    assert lineage.manifest(place, id)["counts"]["rows"]["kto"] == 20


def test_where_the_margin_does_not_rise_the_weights_of_sft_stand(place: Settings) -> None:
    """The pairs that judge say the opposite of the pairs that teach: DPO must lower their margin."""
    rows = pairs(24)
    judges = {r["conversation_id"] for r in margin.kept_out(rows)[1]}
    rows = [r | {"chosen": r["rejected"], "rejected": r["chosen"]} if r["conversation_id"] in judges else r for r in rows]
    plain, _ = preference(place, {"sft": SFT})
    id, found = preference(place, {"sft": SFT, "dpo": rows}, method="sft+dpo")
    assert not found["done"] and found["after"] < found["before"]
    assert found["why"].startswith("DPO skipped: margin of 4 held-out pairs") and "the weights that SFT left stand" in found["why"]
    before, after = adapter_of(place, plain), adapter_of(place, id)
    assert all((before[k] == after[k]).all() for k in before)


def test_too_few_pairs_are_not_trained_and_the_plan_says_why(place: Settings) -> None:
    id, found = preference(place, {"sft": SFT, "dpo": pairs(7)}, method="sft+dpo")
    assert not found["done"] and found["why"].startswith("DPO skipped: 7 rows are too few")
    assert "dpo" not in lineage.manifest(place, id)["counts"]["rows"]


def test_full_finetuning_is_measured_against_a_frozen_copy(place: Settings) -> None:
    _, found = preference(
        place, {"sft": SFT, "dpo": pairs(24)}, method="sft+dpo", full_finetune=True, learning_rate=1e-3, dpo_learning_rate=1e-4
    )
    assert found["done"]


def test_judges_are_whole_conversations_and_always_the_same() -> None:
    rows = [{"conversation_id": f"c{n // 3}", "n": n} for n in range(90)]
    train, judges = margin.kept_out(rows)
    assert len(train) + len(judges) == 90 and 9 <= len(judges) <= 11
    assert not {r["conversation_id"] for r in train} & {r["conversation_id"] for r in judges}
    assert margin.kept_out(rows[::-1])[1] == judges[::-1]


def test_log_likelihood_by_hand(tiny: Path) -> None:
    """log p(answer | prompt) is the sum of the log-softmax at each answer token, whatever the padding beside it."""
    import torch

    from pipeline import weights

    model = weights.base(tiny, torch.float32).eval()
    found = margin.log_likelihood(model, [([5, 6, 7], [8, 9]), ([5], [10])])
    with torch.no_grad():
        long, short = model(torch.tensor([[5, 6, 7, 8, 9]])).logits[0], model(torch.tensor([[5, 10]])).logits[0]
    by_hand = [long[2].log_softmax(0)[8] + long[3].log_softmax(0)[9], short[0].log_softmax(0)[10]]
    assert found == pytest.approx([x.item() for x in by_hand], abs=1e-4)


def test_rise_counts_pairs() -> None:
    found = margin.rise([1.0, 2.0, 3.0], [2.0, 1.0, 4.5])
    assert (found.before, found.after, found.risen, found.rose) == (2.0, 2.5, 2, True)
    assert not margin.rise([1.0], [1.0]).rose


def test_the_first_dpo_loss_is_log_two(place: Settings) -> None:
    """Before the first step policy and reference agree, so the sigmoid term is -log(1/2): the reference is what SFT left."""
    import pyarrow.parquet as pq

    id, _ = preference(place, {"sft": SFT, "dpo": pairs(24)}, method="sft+dpo", lora_dropout=0.0)
    records = [r for r in pq.read_table(lineage.folder(place, id) / "losses.parquet").to_pylist() if r["phase"] == "dpo"]
    assert records[0]["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert records[-1]["loss"] < records[0]["loss"]


def test_both_kinds_of_vote_weigh_the_same() -> None:
    wanted, unwanted = kto.weights_of([True] * 30 + [False] * 10)
    assert wanted * 30 == pytest.approx(unwanted * 10)
    wanted, unwanted = kto.weights_of([True] * 5 + [False] * 20)
    assert wanted * 5 == pytest.approx(unwanted * 20)


def test_kl_answers_are_the_neighbours_within_a_batch() -> None:
    rows = [{"completion_ids": [n]} for n in range(5)]
    assert [r["KL_completion_ids"] for r in kto.mismatched(rows, 2)] == [[1], [0], [3], [2], [4]]
