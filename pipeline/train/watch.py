"""Watch a trainer at work: the loss of every task at every logged step, and a word of progress now and then.

The loss per task comes out of the forward pass that trains anyway: a hook reads its token log-probabilities, and sums stay
on the device until a step is logged.
"""

import json
import sys
import time
from functools import cache
from typing import Any

from pipeline.progress import EVERY_S, say
from pipeline.train.phase import Phase


class Ledger:
    """Sums of loss and tokens by task since the last logged step."""

    def __init__(self, phase: Phase, tasks: list[str]):
        self.phase, self.tasks = phase, tasks
        self.sums: Any = None

    def add(self, tasks: Any, loss: Any, weight: Any, tokens: Any) -> None:
        """Count one batch: row losses (already summed over what `weight` counts), their weights and tokens."""
        import torch

        if self.sums is None:
            self.sums = torch.zeros(len(self.tasks), 3, dtype=torch.float64, device=tasks.device)
        self.sums.index_add_(0, tasks, torch.stack([loss.detach(), weight, tokens], dim=1).to(torch.float64))

    def flush(self, trainer: Any, step: int, rate: float) -> None:
        """Write one line a task that was seen; every process counts, the first one writes."""
        if self.sums is None:
            return
        sums = trainer.accelerator.reduce(self.sums, reduction="sum").tolist()
        self.sums = None
        if not trainer.is_world_process_zero():
            return
        with self.phase.losses.open("a", encoding="utf-8") as file:
            for task, (loss, weight, tokens) in zip(self.tasks, sums, strict=True):
                if weight:
                    line = {"step": step, "phase": self.phase.name, "task": task, "loss": loss / weight, "tokens": int(tokens), "lr": rate}
                    file.write(json.dumps(line) + "\n")


class Watched:
    """Mixed into a TRL trainer. `per_row` says what one row's loss is, `unequal` what weights and smoothing add to TRL's; the rest is book-keeping."""

    ledger: Ledger
    forwards: list[tuple[bool, Any]]
    _metrics: Any

    def watch(self: Any, phase: Phase, tasks: list[str]) -> None:
        self.ledger, self.forwards = Ledger(phase, tasks), []
        for module in (self.model, getattr(self, "ref_model", None)):
            if module is not None:
                module.register_forward_hook(self._forward_done)

    def _forward_done(self, _module: Any, _inputs: Any, output: Any) -> None:
        import torch

        if getattr(output, "log_probs", None) is not None:
            self.forwards.append((torch.is_grad_enabled(), output.log_probs))

    def compute_loss(self: Any, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        import torch

        tasks, weights, smoothing = (inputs.pop(name) for name in ("task_ids", "row_weights", "row_smoothing"))
        self.forwards.clear()
        found = super().compute_loss(model, inputs, return_outputs=return_outputs, num_items_in_batch=num_items_in_batch)  # type: ignore[misc]
        if model.training:
            self.ledger.add(tasks, *self.per_row(inputs))
            if not torch.all(weights == 1) or torch.any(smoothing != 0):
                more = self.unequal(inputs, weights, smoothing, num_items_in_batch)
                found = (found[0] + more, *found[1:]) if return_outputs else found + more
        self.forwards.clear()
        return found

    def log(self: Any, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            self.ledger.flush(self, self.state.global_step, logs.get("learning_rate", 0.0))
        super().log(logs, start_time)  # type: ignore[misc]

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """No card: the manifest and the plan say what this model is."""


@cache
def progress_callback() -> type:
    """The callback class; made on first use, because its base class needs transformers."""
    from transformers import TrainerCallback

    class Progress(TrainerCallback):
        """Every logged step goes to train.log; a person sees a bar, and a log a line every EVERY_S seconds."""

        def __init__(self, phase: Phase):
            self.phase, self.last, self.begun, self.first = phase, 0.0, 0.0, 0
            self.bar: Any = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.begun, self.first = time.monotonic(), state.global_step
            if state.is_world_process_zero and sys.stderr.isatty():
                from rich.console import Console
                from rich.progress import Progress as Bar

                self.bar = Bar(console=Console(stderr=True), transient=True)
                self.bar.start()
                self.bar.add_task(f"train {self.phase.name}", total=state.max_steps, completed=state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict | None = None, **_: Any) -> None:
            if not state.is_world_process_zero or "loss" not in (logs or {}):
                return
            assert logs is not None
            text = f"train {self.phase.name}: step {state.global_step} of {state.max_steps}, loss {logs['loss']:.4f}, rate {logs.get('learning_rate', 0):.2e}"
            with (self.phase.folder / "train.log").open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {text}\n")
            if self.bar:
                self.bar.update(0, completed=state.global_step)
            elif time.monotonic() - self.last >= EVERY_S or state.global_step == state.max_steps:
                self.last = time.monotonic()
                each = (self.last - self.begun) / max(1, state.global_step - self.first)
                say(f"{text}, about {each * (state.max_steps - state.global_step):.0f} s left")

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self.bar:
                self.bar.stop()

    return Progress
