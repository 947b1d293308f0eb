"""Which method teaches a task: SFT, SFT then DPO, SFT then KTO, or nothing before more has been collected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.recipe import Training

Method = Literal["sft", "sft+dpo", "sft+kto", "none"]


@dataclass(frozen=True)
class Evidence:
    """What one task has after selection."""

    rows: int
    """Prompts with a right answer."""
    pairs: int
    """Prompts with a better and a worse answer."""
    up: int
    """Unpaired votes for an answer."""
    down: int

    @property
    def votes(self) -> int:
        return self.up + self.down


@dataclass(frozen=True)
class Route:
    method: Method
    why: str


def route(has: Evidence, training: Training) -> Route:
    """The decision for one task, with its reason. SFT comes first wherever there are answers to learn from."""
    enough = has.rows >= training.min_rows
    second, why = _preference(has, training)
    start = f"{has.rows} rows with a right answer" + ("" if enough else f" (SFT of a task wants {training.min_rows})")
    if not enough and not second:
        return Route("none", f"collect more: {start}; {why}")
    if not second:
        return Route("sft", f"{start}: SFT; {why}")
    return Route("sft+dpo" if second == "dpo" else "sft+kto", f"{start}{': SFT' if enough else ', so no SFT rows of its own'}; {why}")


def _preference(has: Evidence, training: Training) -> tuple[Literal["dpo", "kto", ""], str]:
    """DPO needs answers to compare; KTO lives on votes alone, and two of them say about as much as one pair."""
    least = 1 if training.method in ("sft+dpo", "sft+kto") else training.min_dpo_pairs
    votes = least if training.method == "sft+kto" else 2 * training.min_dpo_pairs
    if training.method == "sft":
        return "", "no preference training, the recipe says so"
    if training.method != "sft+kto" and has.pairs >= least:
        return "dpo", f"{has.pairs} pairs are enough for DPO ({least})"
    few = f"{has.pairs} pairs are too few for DPO ({least})" if training.method != "sft+kto" else "the recipe asks for KTO"
    if training.method == "sft+dpo":
        return "", few
    if has.votes >= votes and has.up and has.down:
        return "kto", f"{few}, {has.up} votes for and {has.down} against are enough for KTO ({votes})"
    if has.votes >= votes:
        return "", f"{few}, and all {has.votes} votes say the same, which teaches no difference"
    return "", f"{few}, {has.votes} unpaired votes are too few for KTO ({votes})"


def whole(routes: Mapping[str, Route]) -> Route:
    """The method of the lesson: one preference stage for all. Pairs say more than votes, so DPO goes before KTO."""
    methods = {r.method for r in routes.values()}
    for method in ("sft+dpo", "sft+kto", "sft"):
        tasks = sorted(t for t, r in routes.items() if r.method == method)
        if tasks:
            beside = (
                "; KTO rows of other tasks wait, a lesson has one preference stage" if method == "sft+dpo" and "sft+kto" in methods else ""
            )
            return Route(method, f"{', '.join(tasks)} {'has' if len(tasks) == 1 else 'have'} the data for it{beside}")  # type: ignore[arg-type]
    return Route("none", "no task has enough data: collect more before training")
