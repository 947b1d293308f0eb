"""The plan: every value the trainer is launched with, and why, by rules over data size, model size and lengths.

Sources are named in the reasons: "LoRA without regret" (Thinking Machines, 2025), Biderman et al. (arXiv 2405.09673),
DMT (arXiv 2310.05492), Rafailov et al. (DPO, arXiv 2305.18290), "SFT doesn't always hurt" (arXiv 2509.20758).
"""

import math
from dataclasses import dataclass
from typing import Any

from pipeline.mix.router import Route
from pipeline.recipe import Training

ROWS_PER_STEP = 32  # a larger batch learns less per row with LoRA ("LoRA without regret")
TOKENS_PER_BATCH = 4096  # one micro-batch's logits stay under 1 GB at a vocabulary of 50,000
LONGEST = 2048  # one row's logits: 0.4 GB at a vocabulary of 50,000
SMALL_MODEL = 1_000_000_000

Values = dict[str, dict[str, Any]]


SAID = "the recipe says so"


@dataclass(frozen=True)
class Size:
    """What the rules look at."""

    rows: int
    """Row passes of the main phase."""
    longest: int
    """Tokens of the longest candidate row."""
    context: int
    """Tokens the model can read."""
    parameters: int


def max_length(longest: int, context: int, training: Training) -> tuple[int, str]:
    """Rows are never cut: the longest fits, unless model or memory cannot hold it."""
    if training.max_length and training.max_length <= context:
        return training.max_length, SAID
    if training.max_length:
        return context, f"the recipe says {training.max_length}, the model reads {context}"
    fits, limit = max(64, math.ceil(longest / 64) * 64), min(context, LONGEST)
    if fits <= limit:
        return fits, f"the longest row has {longest} tokens; rounded up to a multiple of 64"
    return (
        limit,
        f"the longest row has {longest} tokens, the model reads {context} and memory is planned for {LONGEST}; longer rows are dropped",
    )


def values(method: Route, size: Size, training: Training) -> Values:
    """All launch values by name, each with its reason; a recipe field that is not null wins."""
    length, length_why = max_length(size.longest, size.context, training)
    epochs, epochs_why = (training.epochs, SAID) if training.epochs else _epochs(size.rows)
    batch = _batch(size.rows, length)
    micro = training.batch_size or batch["batch_size"][0]
    accumulation = training.gradient_accumulation or max(1, batch["rows_per_step"][0] // micro)
    steps = max(1, epochs * math.ceil(size.rows / (micro * accumulation)))
    rank = training.lora_rank or (16 if size.rows < 10_000 else 32)
    rate, rate_why = (training.learning_rate, SAID) if training.learning_rate else _rate(steps, size.parameters, training.full_finetune)
    dpo_rate, dpo_why = (training.dpo_learning_rate, SAID) if training.dpo_learning_rate else _dpo_rate(training.full_finetune)
    rules: dict[str, tuple[Any, str]] = {
        "method": (method.method, method.why),
        "full_finetune": (
            training.full_finetune,
            SAID if training.full_finetune else "an adapter forgets less than full training (arXiv 2405.09673)",
        ),
        "lora_rank": (rank, "rank hardly matters on small data; 16 under 10,000 rows, 32 above (LoRA without regret)"),
        "lora_alpha": (2 * rank, "alpha = 2 x rank (arXiv 2405.09673)"),
        "lora_dropout": (0.05 if size.rows < 1000 else 0.0, "0.05 under 1,000 row passes, where rows are soon known by heart; else 0"),
        "target_modules": ("all-linear", "all layers with the MLP match full training, attention alone does not (LoRA without regret)"),
        "learning_rate": (rate, rate_why),
        "key_learning_rate": (rate / 3, "a third of the rate: a last stage on one task costs the others most (DMT)"),
        "dpo_learning_rate": (dpo_rate, dpo_why),
        "dpo_beta": (0.1, "the usual tie to the reference (arXiv 2305.18290)"),
        "dpo_loss": (["sigmoid", "sft"], "the SFT term keeps the chosen answer's own probability from falling"),
        "dpo_loss_weights": ([1.0, 0.2], "0.2 for the SFT term, as Llama 3 was tuned"),
        "epochs": (epochs, epochs_why),
        "batch_size": batch["batch_size"],
        "gradient_accumulation": (
            accumulation,
            f"{micro} rows x {accumulation} = {micro * accumulation} rows a step; {batch['rows_per_step'][1]}",
        ),
        "warmup_ratio": (
            0.03 if steps >= 100 else 0.05,
            f"3 to 5 % of the steps; {steps} steps, {'long' if steps >= 100 else 'short'} runs take {3 if steps >= 100 else 5} %",
        ),
        "scheduler": ("cosine", "ends near zero, so the last rows weigh no more than the first"),
        "max_length": (length, length_why),
        "loss_type": ("nll", "plain likelihood; `dft` is the switch against forgetting, to be shown better before it is the default"),
        "train_on": (training.train_on, SAID if training.train_on != "last" else "users judge the last answer; earlier ones are context"),
        "deepspeed": (None, "one device holds model and adapter"),
        "dtype": (training.dtype, "bfloat16 where the device has it, else float32" if training.dtype == "auto" else SAID),
        "seed": (training.seed, "the recipe's seed, for order, adapter and dropout"),
        "save_steps": (max(5, math.ceil(steps / 10)), "about ten checkpoints a run, no closer than 5 steps"),
        "logging_steps": (1 if steps <= 500 else 5, "a loss per task for every step, or every fifth of a long run"),
    }
    return {name: {"value": v, "why": w} for name, (v, w) in (rules | _said(training, rules)).items()}


def _said(training: Training, rules: dict[str, tuple[Any, str]]) -> dict[str, tuple[Any, str]]:
    """What the recipe fixes, in its own words; max_length is bounded by the model and has its rule above."""
    fixed = {
        n: v
        for n, v in training.model_dump().items()
        if n in rules and n not in ("method", "max_length", "train_on", "full_finetune", "dtype", "seed")
    }
    return {n: (v, SAID) for n, v in fixed.items() if v is not None}


def _epochs(rows: int) -> tuple[int, str]:
    if rows < 5000:
        return 2, f"{rows} row passes: two epochs; a third mostly learns rows by heart"
    return 1, f"{rows} row passes: from 5,000 on, one epoch suffices"


def _batch(rows: int, length: int) -> dict[str, tuple[int, str]]:
    """At least about 32 steps an epoch, so that schedule and warm-up have room; powers of two."""
    step = _power(min(ROWS_PER_STEP, max(4, rows // 32)))
    micro = min(step, _power(max(1, TOKENS_PER_BATCH // length)))
    return {
        "rows_per_step": (step, f"about 32 steps an epoch, between 4 and {ROWS_PER_STEP} rows a step"),
        "batch_size": (micro, f"rows of up to {length} tokens, at most {TOKENS_PER_BATCH} tokens at once"),
    }


def _power(n: int) -> int:
    return 1 << (n.bit_length() - 1)


def _rate(steps: int, parameters: int, full: bool) -> tuple[float, str]:
    short = steps < 100
    if full:
        return (
            5e-6 if short else 1e-6
        ), "full training: 1e-6, and 5e-6 under 100 steps; more is what makes models forget (arXiv 2509.20758)"
    if parameters < SMALL_MODEL:
        return 5e-4, f"{parameters / 1e6:.0f} M parameters: small models are trained at several times the rate of 7 B ones"
    return (2e-4 if short else 1e-4), f"LoRA: 1e-4, and 2e-4 under 100 steps (LoRA without regret); this run has {steps}"


def _dpo_rate(full: bool) -> tuple[float, str]:
    if full:
        return 1e-6, "full training: 5e-7 to 5e-6"
    return 1e-5, "LoRA: 5e-6 to 2e-5; preferences are learnt at a tenth of the SFT rate or less"
