"""Direct preference optimisation by TRL's DPOTrainer; the reference is the model that SFT left behind."""

from functools import cache
from typing import Any

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

        def per_row(self, inputs: dict[str, Any]) -> tuple[Any, Any, Any]:
            import torch

            policy = next(x for grad, x in self.forwards if grad).sum(dim=1).chunk(2)
            reference = next(x for grad, x in self.forwards if not grad).sum(dim=1).chunk(2)
            delta = (policy[0] - policy[1]) - (reference[0] - reference[1])
            tokens = sum(m.sum(dim=1) for m in inputs["completion_mask"].chunk(2))
            return -F.logsigmoid(self.beta * delta), torch.ones_like(delta), tokens

    return Pairs


def trainer(phase: Phase, model: Any, words: Any, rows: list[dict[str, Any]], processes: int = 1) -> Any:
    from datasets import Dataset
    from trl import DPOConfig
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    v = phase.values
    args = DPOConfig(
        **arguments(phase, len(rows), processes),
        max_length=None,
        beta=v["dpo_beta"],
        loss_type=v["dpo_loss"],
        loss_weights=v["dpo_loss_weights"],
    )
    data = Dataset.from_list([{k: r[k] for k in ("prompt_ids", "chosen_ids", "rejected_ids", "task_id")} for r in rows])
    collator = with_tasks(DataCollatorForPreference)(pad_token_id=words.pad_token_id)
    return trainer_class()(
        model=model, ref_model=frozen_copy(model), args=args, train_dataset=data, processing_class=words, data_collator=collator
    )
