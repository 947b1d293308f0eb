"""Direct preference optimisation by TRL's DPOTrainer; the reference is the model that SFT left behind."""

from functools import cache
from typing import Any

from pipeline.errors import BadInput
from pipeline.train import weighing
from pipeline.train.phase import Phase
from pipeline.train.preference import Ready, frozen_copy, with_tasks
from pipeline.train.sft import arguments
from pipeline.train.watch import Watched


@cache
def trainer_class() -> type:
    import torch.nn.functional as F
    from trl import DPOTrainer

    class Pairs(Ready, Watched, DPOTrainer):
        """A pair's loss is the sigmoid term alone, -log sigmoid(beta * (margin - reference's margin)): comparable whatever is added to it."""

        def scores(self: Any) -> Any:
            """beta * (margin - reference's margin) of each pair."""
            policy = next(x for grad, x in self.forwards if grad).sum(dim=1).chunk(2)
            reference = next(x for grad, x in self.forwards if not grad).sum(dim=1).chunk(2)
            return self.beta * ((policy[0] - policy[1]) - (reference[0] - reference[1]))

        def per_row(self, inputs: dict[str, Any]) -> tuple[Any, Any, Any]:
            import torch

            scores = self.scores()
            tokens = sum(m.sum(dim=1) for m in inputs["completion_mask"].chunk(2))
            return -F.logsigmoid(scores), torch.ones_like(scores), tokens

        def unequal(self: Any, inputs: dict[str, Any], weights: Any, smoothing: Any, _items: Any) -> Any:
            """What weights and smoothing add to TRL's loss.

            Smoothing is conservative DPO (Mitchell 2023): -(1 - e) log sigmoid(x) - e log sigmoid(-x), and log sigmoid(x) - log sigmoid(-x) = x.
            The SFT term counts what smoothing leaves of a pair, 1 - 2e: at e = 1/2 nothing says which answer is the better one.
            """
            scores = self.scores()
            loss = -F.logsigmoid(scores)
            chosen = inputs["completion_mask"].chunk(2)[0][:, 1:]
            told = next(x for grad, x in self.forwards if grad).chunk(2)[0][:, -chosen.shape[1] :]
            terms = {
                "sigmoid": (weights * (loss + smoothing * scores) - loss).mean(),
                "sft": -((weights * (1 - 2 * smoothing) - 1)[:, None] * told * chosen).sum() / chosen.sum(),
            }
            return sum(terms[name] * share for name, share in zip(self.loss_types, self.loss_weights, strict=True))

    return Pairs


def trainer(phase: Phase, model: Any, words: Any, rows: list[dict[str, Any]], processes: int = 1) -> Any:
    from datasets import Dataset
    from trl import DPOConfig
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    v, rows = phase.values, weighing.scaled(rows)
    unknown = sorted(set(v["dpo_loss"]) - {"sigmoid", "sft"})
    if unknown and any(r["weight"] != 1 or r.get("smoothing") for r in rows):
        raise BadInput(f"dpo_loss {unknown[0]}: rows of unequal weight are only known to sigmoid and sft; plan one of these")
    args = DPOConfig(
        **arguments(phase, len(rows), processes),
        max_length=None,
        beta=v["dpo_beta"],
        loss_type=v["dpo_loss"],
        loss_weights=v["dpo_loss_weights"],
    )
    keys = ("prompt_ids", "chosen_ids", "rejected_ids", "task_id", "weight")
    data = Dataset.from_list([{k: r[k] for k in keys} | {"smoothing": weighing.smoothing(r.get("smoothing"))} for r in rows])
    collator = with_tasks(DataCollatorForPreference)(pad_token_id=words.pad_token_id)
    return trainer_class()(
        model=model, ref_model=frozen_copy(model), args=args, train_dataset=data, processing_class=words, data_collator=collator
    )
