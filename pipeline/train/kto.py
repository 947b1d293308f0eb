"""KTO by TRL's KTOTrainer: for votes on single answers, where nobody said which other answer was better."""

from functools import cache
from typing import Any

from pipeline.train import weighing
from pipeline.train.phase import Phase
from pipeline.train.preference import Ready, frozen_copy, with_tasks
from pipeline.train.sft import arguments, batches
from pipeline.train.watch import Watched


@cache
def trainer_class() -> type:
    import torch
    from trl import KTOTrainer

    class Votes(Ready, Watched, KTOTrainer):
        """A vote's loss is KTO's own, before the weights for wanted and unwanted."""

        def per_row(self, inputs: dict[str, Any]) -> tuple[Any, Any, Any]:
            policy = next(x for grad, x in self.forwards if grad).sum(dim=1)
            reference = self.forwards[-1][1].sum(dim=1)  # its KL pass comes first, then these rows
            kl = self._metrics["train"]["kl"][-1]
            gain = torch.where(inputs["label"].bool(), (policy - reference) - kl, kl - (policy - reference))
            tokens = inputs["completion_mask"].sum(dim=1)
            return 1 - torch.sigmoid(self.beta * gain), torch.ones_like(gain), tokens

        def unequal(self: Any, inputs: dict[str, Any], weights: Any, _smoothing: Any, _items: Any) -> Any:
            """(weight - 1) times each vote's share of TRL's loss: a mean over votes, each side with its own weight."""
            loss, _, _ = self.per_row(inputs)
            sides = torch.where(inputs["label"].bool(), self.desirable_weight, self.undesirable_weight)
            return ((weights - 1) * sides * loss).mean()

    return Votes


def mismatched(rows: list[dict[str, Any]], batch: int) -> list[dict[str, Any]]:
    """Give each prompt its neighbour's answer within the batch: what KTO estimates its KL term from (TRL's own rotation)."""
    done = []
    for i in range(0, len(rows), batch):
        chunk = rows[i : i + batch]
        done += [row | {"KL_completion_ids": chunk[n - 1]["completion_ids"]} for n, row in enumerate(chunk)]
    return done


def weights_of(labels: list[bool], weights: list[float] | None = None) -> tuple[float, float]:
    """(wanted, unwanted) loss weights that make both sides weigh the same, the rows' own weights counted, within eq. 8 of arXiv 2402.01306."""
    counted = weights or [1.0] * len(labels)
    up, down = (sum(w for w, label in zip(counted, labels, strict=True) if label is side) or 1.0 for side in (True, False))
    return (1.0, up / down) if up < down else (down / up, 1.0)


def trainer(phase: Phase, model: Any, words: Any, rows: list[dict[str, Any]], processes: int = 1) -> Any:
    from datasets import Dataset
    from trl import KTOConfig
    from trl.trainer.kto_trainer import DataCollatorForUnpairedPreference

    rows = weighing.scaled(rows)
    wanted, unwanted = weights_of([r["label"] for r in rows], [r["weight"] for r in rows])
    args = KTOConfig(
        **arguments(phase, len(rows), processes),
        max_length=None,
        beta=phase.values["dpo_beta"],
        desirable_weight=wanted,
        undesirable_weight=unwanted,
    )
    keys = ("prompt_ids", "completion_ids", "KL_completion_ids", "label", "task_id", "weight")
    data = Dataset.from_list([{k: r[k] for k in keys} for r in mismatched(rows, batches(phase, processes)[0])])
    collator = with_tasks(DataCollatorForUnpairedPreference)(pad_token_id=words.pad_token_id)
    return trainer_class()(
        model=model, ref_model=frozen_copy(model), args=args, train_dataset=data, processing_class=words, data_collator=collator
    )
