"""The launch values: the mix's plan, what this recipe changes in it, and what training found out."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import BadInput
from pipeline.recipe import Training


class Launch(BaseModel):
    """Every value that a trainer is launched with. The mix's plan.yaml gives them with their reasons; these bounds hold whoever wrote it."""

    model_config = ConfigDict(frozen=True)

    method: Literal["sft", "sft+dpo", "sft+kto", "none"] = "sft"
    full_finetune: bool = False
    lora_rank: int = Field(16, ge=1, le=512)
    lora_alpha: int = Field(32, ge=1, le=2048)
    lora_dropout: float = Field(0.0, ge=0, le=0.5)
    target_modules: str | list[str] = "all-linear"
    learning_rate: float = Field(2e-4, gt=0, le=0.1)
    key_learning_rate: float = Field(7e-5, gt=0, le=0.1)
    dpo_learning_rate: float = Field(1e-5, gt=0, le=0.1)
    dpo_beta: float = Field(0.1, gt=0, le=5)
    dpo_loss: list[str] = ["sigmoid", "sft"]
    dpo_loss_weights: list[float] = [1.0, 0.2]
    epochs: int = Field(2, ge=1, le=20)
    batch_size: int = Field(8, ge=1, le=1024)
    gradient_accumulation: int = Field(1, ge=1, le=1024)
    warmup_ratio: float = Field(0.05, ge=0, le=0.5)
    scheduler: str = "cosine"
    max_length: int = Field(1024, ge=16, le=131072)
    loss_type: Literal["nll", "dft"] = "nll"
    train_on: Literal["last", "every"] = "last"
    deepspeed: Literal["zero2", "zero3"] | None = None
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: int = 17
    save_steps: int = Field(10, ge=1)
    logging_steps: int = Field(1, ge=1)


def launch(mix: str, plan: dict[str, Any], training: Training, planned_for: dict[str, Any]) -> tuple[Launch, dict[str, Any]]:
    """The values to launch with, and the plan that says so.

    `planned_for` is the training section that the mix was made with: where this recipe says something else, this recipe wins.
    """
    values = {name: dict(entry) for name, entry in plan.get("values", {}).items()}
    wishes = {name: said for name, said in training.model_dump(mode="json").items() if name in Launch.model_fields}
    new = {name: said for name, said in wishes.items() if said not in (None, "auto") and said != planned_for.get(name)}
    values |= {name: {"value": said, "why": "the recipe of this training says so, other than the mix's"} for name, said in new.items()}
    if "learning_rate" in new:  # a last stage at the old rate would undo what a lower one is for
        values["key_learning_rate"] = {
            "value": new["learning_rate"] / 3,
            "why": "a third of the rate that the recipe of this training says",
        }
    for name, field in Launch.model_fields.items():
        values.setdefault(name, {"value": field.default, "why": "the mix's plan does not name it: the default"})
    try:
        found = Launch(**{name: values[name]["value"] for name in Launch.model_fields})
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(
            f"{mix}/plan.yaml: values.{'.'.join(map(str, first['loc']))}: {first['msg']} (it is {first['input']!r}); mix again with a recipe inside the bounds"
        ) from None
    if found.method == "none":
        raise BadInput(
            f"{mix}: its plan says not to train ({values['method'].get('why', 'no reason given')}); collect more feedback or name a method in the recipe"
        )
    return found, plan | {"method": found.method, "values": values}


def phase_values(found: Launch, phase: str) -> dict[str, Any]:
    """The values of one phase: its own rate and number of passes over its rows."""
    rate = {"main": found.learning_rate, "key": found.key_learning_rate}.get(phase, found.dpo_learning_rate)
    return found.model_dump() | {"rate": rate, "passes": found.epochs if phase == "main" else 1}
