"""What DPO and KTO share: rows arrive as token ids, and the row's task travels beside the batch."""

from typing import Any

from pipeline.train import weighing


class Ready:
    """Mixed into a TRL preference trainer: the rows are token ids already, with the loss on exactly the answers."""

    def _prepare_dataset(self, dataset: Any, *_args: Any, **_kwargs: Any) -> Any:
        return dataset


def with_tasks(kind: type) -> type:
    """A TRL collator that also carries the task, the weight and the smoothing of each row."""

    class Rows(kind):  # type: ignore[misc]
        def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
            return super().torch_call(examples) | weighing.beside(examples)

    return Rows


def frozen_copy(model: Any) -> Any:
    """The reference of a fully trained model: itself before the first step. An adapter's reference TRL makes (its `ref` adapter)."""
    import copy

    from peft import PeftModel

    return None if isinstance(model, PeftModel) else copy.deepcopy(model).requires_grad_(False).eval()
