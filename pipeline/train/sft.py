"""Supervised fine-tuning by TRL's SFTTrainer on rows that we tokenised ourselves."""

from functools import cache
from typing import Any

from pipeline.train import weighing
from pipeline.train.phase import Phase
from pipeline.train.watch import Watched


def batches(phase: Phase, processes: int = 1) -> tuple[int, int]:
    """(rows a device takes at once, batches before a step): the step stays the plan's, however many processes share it."""
    batch, steps = phase.values["batch_size"], phase.values["gradient_accumulation"]
    return max(1, batch // processes), max(1, -(-batch * steps // (max(1, batch // processes) * processes)))


def arguments(phase: Phase, rows: int, processes: int = 1) -> dict[str, Any]:
    """What all three trainers are told. Row order is the mix's; nothing leaves this machine."""
    from pipeline import weights

    v = phase.values
    each, accumulate = batches(phase, processes)
    steps = -(-rows // (each * accumulate * processes)) * v["passes"]
    logging = max(1, v["logging_steps"])
    narrow = weights.device() == "cuda" and v["dtype"] in ("auto", "bfloat16")
    return {
        "output_dir": str(phase.folder),
        "per_device_train_batch_size": each,
        "gradient_accumulation_steps": accumulate,
        "num_train_epochs": v["passes"],
        "learning_rate": v["rate"],
        "lr_scheduler_type": v["scheduler"],
        "warmup_steps": warmup(steps, v["warmup_ratio"]) if phase.name == "main" else 0,
        "logging_steps": logging,
        "save_strategy": "steps",
        "save_steps": -(-v["save_steps"] // logging) * logging,  # on a logged step, so that a resumed curve is the same curve
        "save_total_limit": 1,
        "seed": v["seed"],
        "data_seed": v["seed"],
        "train_sampling_strategy": "sequential",
        "bf16": narrow,
        "use_cpu": weights.device() == "cpu",
        "gradient_checkpointing": False,  # LoRA on short rows fits; recomputing would cost a third of the time
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": narrow,
        "remove_unused_columns": False,
        "disable_tqdm": True,
        "report_to": [],
        "push_to_hub": False,
        "deepspeed": zero(v["deepspeed"], narrow) if v["deepspeed"] else None,
    }


def warmup(steps: int, ratio: float) -> int:
    """Warm-up steps. The schedule's first warm step has rate 0, so a single one would only waste a batch."""
    wanted = int(steps * ratio)
    return wanted if wanted > 1 else 0


def zero(name: str, narrow: bool) -> dict[str, Any]:
    """DeepSpeed's own settings for ZeRO-2 (optimizer state and gradients shared out) or ZeRO-3 (weights too)."""
    stage = {"zero2": 2, "zero3": 3}[name]
    return {
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        "bf16": {"enabled": narrow},
        "zero_optimization": {"stage": stage} | ({"stage3_gather_16bit_weights_on_model_save": True} if stage == 3 else {}),
        "zero_allow_untested_optimizer": True,  # torch's AdamW, so that one optimizer serves with and without DeepSpeed
        "zero_force_ds_cpu_optimizer": False,
    }


@cache
def trainer_class() -> type:
    from trl import SFTTrainer

    class Answers(Watched, SFTTrainer):
        """A row's loss is the mean over its answer's tokens; the ledger weighs rows by their tokens."""

        def per_row(self, inputs: dict[str, Any]) -> tuple[Any, Any, Any]:
            log_probs = self.forwards[0][1]
            tokens = (inputs["labels"][:, 1:] != -100).sum(dim=1)
            return -log_probs.sum(dim=1), tokens, tokens

        def unequal(self: Any, inputs: dict[str, Any], weights: Any, _smoothing: Any, items: Any) -> Any:
            """(weight - 1) times each row's share of TRL's loss, which is a mean over the step's tokens."""
            loss = -self.forwards[0][1]
            if self.args.loss_type == "dft":
                loss = loss * (-loss).exp().detach()
            tokens = (inputs["labels"][:, 1:] != -100).sum() if items is None else items
            ranks = self.accelerator.num_processes if self.args.average_tokens_across_devices and items is not None else 1
            return ranks * ((weights - 1)[:, None] * loss).sum() / tokens

    return Answers


@cache
def collator_class() -> type:
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    class Rows(DataCollatorForLanguageModeling):
        """TRL's own padding, with the row's task and weight beside it."""

        def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
            return super().torch_call(examples) | weighing.beside(examples)

    return Rows


def trainer(phase: Phase, model: Any, words: Any, rows: list[dict[str, Any]], processes: int = 1) -> Any:
    """A trainer that is ready to run."""
    from datasets import Dataset
    from trl import SFTConfig

    args = SFTConfig(
        **arguments(phase, len(rows), processes),
        max_length=None,
        loss_type=phase.values["loss_type"],
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    data = Dataset.from_list([{k: r[k] for k in ("input_ids", "labels", "task_id", "weight")} for r in weighing.scaled(rows)])
    return trainer_class()(
        model=model, args=args, train_dataset=data, processing_class=words, data_collator=collator_class()(pad_token_id=words.pad_token_id)
    )
