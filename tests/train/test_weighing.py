"""A row's weight is its share of the loss: compared with the loss computed by hand, and with leaving the row out or writing it twice."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline import weights
from pipeline.settings import Settings
from pipeline.train import fit, methods, plan, tokens, weighing
from pipeline.train.phase import Phase
from tests.train import lessons

VALUES = {k: v for k, v in lessons.VALUES.items() if k != "method"} | {"lora_dropout": 0.0, "dtype": "float32", "epochs": 1}


def loss_of(tiny: Path, folder: Path, name: str, rows: list[dict[str, Any]], **values: Any) -> float:
    """What the trainer itself computes on one batch of all the rows."""
    found = plan.Launch(**VALUES | {"batch_size": len(rows)} | values)
    phase = Phase(name, folder, tiny, tiny, None, plan.phase_values(found, name) | {"deepspeed": None})
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    trainer = fit.TRAINERS[name](phase, methods.start(phase), weights.tokenizer(tiny), [r | {"task_id": 0} for r in rows])
    trainer.watch(phase, ["person"])
    moved(trainer)
    batch = next(iter(trainer.get_train_dataloader()))
    trainer.model.train()
    return float(trainer.compute_loss(trainer.model, batch))


def moved(trainer: Any) -> None:
    """Away from the reference, where every DPO score is zero and smoothing would show nothing."""
    gen = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, p in trainer.model.named_parameters():
            if "lora_B" in name and ".ref." not in name:
                p.add_(torch.randn(p.shape, generator=gen) * 0.05)


def encoded(tiny: Path, kind: str, count: int) -> list[dict[str, Any]]:
    encoder = tokens.Encoder.of(tiny, 256)
    makers = {
        "sft": lambda r: tokens.answer(r, encoder, "last"),
        "dpo": lambda r: tokens.pair(r, encoder),
        "kto": lambda r: tokens.vote(r, encoder),
    }
    return tokens.encode([getattr(lessons, kind)("person", n) for n in range(count)], makers[kind]).rows


def weighed(rows: list[dict[str, Any]], *given: float) -> list[dict[str, Any]]:
    return [r | {"weight": w} for r, w in zip(rows, given, strict=True)]


@pytest.mark.parametrize("loss_type", ["nll", "dft"])
def test_an_sft_loss_is_the_weighted_mean_of_its_rows(tiny: Path, tmp_path: Path, loss_type: str) -> None:
    rows = encoded(tiny, "sft", 3)
    alone = [loss_of(tiny, tmp_path / "p", "main", [r], loss_type=loss_type) for r in rows]
    sizes = [sum(label != -100 for label in r["labels"]) for r in rows]
    given = (1.0, 0.25, 0.5)
    by_hand = sum(w * n * loss for w, n, loss in zip(given, sizes, alone, strict=True)) / sum(
        w * n for w, n in zip(given, sizes, strict=True)
    )
    assert loss_of(tiny, tmp_path / "p", "main", weighed(rows, *given), loss_type=loss_type) == pytest.approx(by_hand, rel=1e-5)


def test_a_row_of_no_weight_teaches_nothing_and_one_of_weight_two_is_said_twice(tiny: Path, tmp_path: Path) -> None:
    rows = encoded(tiny, "sft", 3)
    without = loss_of(tiny, tmp_path / "p", "main", rows[:2])
    assert loss_of(tiny, tmp_path / "p", "main", weighed(rows, 1, 1, 0)) == pytest.approx(without, rel=1e-5)
    twice = loss_of(tiny, tmp_path / "p", "main", [*rows, rows[0]])
    assert loss_of(tiny, tmp_path / "p", "main", weighed(rows, 2, 1, 1)) == pytest.approx(twice, rel=1e-5)


@pytest.mark.parametrize("kind", ["sft", "dpo", "kto"])
def test_equal_weights_are_no_weights(tiny: Path, tmp_path: Path, kind: str) -> None:
    rows, name = encoded(tiny, kind, 4), {"sft": "main"}.get(kind, kind)
    plain = loss_of(tiny, tmp_path / "p", name, [{k: v for k, v in r.items() if k != "weight"} for r in rows])
    assert loss_of(tiny, tmp_path / "p", name, weighed(rows, *[0.3] * 4)) == plain


def test_a_dpo_loss_is_the_weighted_mean_of_smoothed_pairs(tiny: Path, tmp_path: Path) -> None:
    """Conservative DPO by its definition: (1 - e) of the pair's loss, e of the loss of the pair turned round."""
    rows, given, doubt = encoded(tiny, "dpo", 3), (1.0, 0.25, 0.5), (0.0, 0.3, 0.1)
    turned = [r | {"chosen_ids": r["rejected_ids"], "rejected_ids": r["chosen_ids"]} for r in rows]
    only = {"dpo_loss": ["sigmoid"], "dpo_loss_weights": [1.0]}
    straight, round_ = ([loss_of(tiny, tmp_path / "p", "dpo", [r], **only) for r in side] for side in (rows, turned))
    by_hand = sum(w * ((1 - e) * a + e * b) for w, e, a, b in zip(given, doubt, straight, round_, strict=True)) / sum(given)
    smoothed = [r | {"smoothing": e} for r, e in zip(weighed(rows, *given), doubt, strict=True)]
    assert loss_of(tiny, tmp_path / "p", "dpo", smoothed, **only) == pytest.approx(by_hand, rel=1e-5)
    assert abs(straight[1] - round_[1]) > 0.01, "smoothing would show"


def test_the_sft_term_of_dpo_counts_weight_and_what_smoothing_leaves(tiny: Path, tmp_path: Path) -> None:
    rows, given, doubt = encoded(tiny, "dpo", 3), (1.0, 0.25, 0.5), (0.0, 0.3, 0.1)
    only = {"dpo_loss": ["sft"], "dpo_loss_weights": [0.2]}
    sizes = [len(r["chosen_ids"]) for r in rows]
    alone = [loss_of(tiny, tmp_path / "p", "dpo", [r], **only) for r in rows]
    scale = len(rows) / sum(given)
    by_hand = sum(w * scale * (1 - 2 * e) * n * x for w, e, n, x in zip(given, doubt, sizes, alone, strict=True)) / sum(sizes)
    smoothed = [r | {"smoothing": e} for r, e in zip(weighed(rows, *given), doubt, strict=True)]
    assert loss_of(tiny, tmp_path / "p", "dpo", smoothed, **only) == pytest.approx(by_hand, rel=1e-5)


def test_a_vote_of_no_weight_moves_nothing(tiny: Path, tmp_path: Path) -> None:
    """KTO's KL term is a batch's own, so the votes stay in the batch; by hand, the loss is linear in each vote's weight."""
    rows = encoded(tiny, "kto", 4)
    at = [loss_of(tiny, tmp_path / "p", "kto", weighed(rows, 1 + d, 1, 1 - d, 1)) for d in (0.0, 0.25, 0.5)]  # both of one side, sum kept
    assert at[0] != pytest.approx(at[2], abs=1e-6) and at[1] == pytest.approx((at[0] + at[2]) / 2, rel=1e-5)


def test_doubt_about_all_rows_is_no_lower_learning_rate() -> None:
    rows = [{"labels": [-100, 1, 2], "weight": 0.2}, {"labels": [-100, 1, -100], "weight": 0.5}]
    scaled = weighing.scaled(rows)
    assert sum(r["weight"] * n for r, n in zip(scaled, (2, 1), strict=True)) == pytest.approx(3)
    assert scaled[1]["weight"] / scaled[0]["weight"] == pytest.approx(2.5)
    assert [r["weight"] for r in weighing.scaled([{"chosen_ids": [1]}, {"chosen_ids": [1], "weight": None}])] == [1.0, 1.0]


def test_smoothing_never_turns_a_pair_round() -> None:
    assert [weighing.smoothing(v) for v in (None, 0.2, 0.9, -1)] == [0.0, 0.2, 0.49, 0.0]


def test_weights_of_the_mix_reach_the_trainer(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.recipe import Recipe
    from pipeline.train import run

    seen: list[list[float]] = []
    learn = fit.learn

    def spy(phase: Phase, processes: int = 1) -> None:
        seen.append([r["weight"] for r in json.loads(phase.rows.read_text())])
        learn(phase, processes)

    monkeypatch.setattr(fit, "learn", spy)
    rows = [r | {"weight": 0.5 if n % 2 else 1.0} for n, r in enumerate(lessons.standard()[:8])]
    run.run(lessons.mix(place, rows={"sft": rows}, epochs=1), Recipe(), place)
    assert sorted(seen[0]) == [0.5] * 4 + [1.0] * 4
