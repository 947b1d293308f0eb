"""A conversation as one lm-eval item: the turns go through the chat template as turns, not as one long question."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lm_eval.api.task import ConfigurableTask


def plain(messages: list[dict[str, str]]) -> str:
    """The same turns for a model without a chat template."""
    return "".join(f"{m['role'].capitalize()}: {m['content']}\n" for m in messages) + "Assistant:"


class Turns(ConfigurableTask):
    """An item holds `turns`: user and assistant in turn, a user last. The scripted answers obey the rule that the first turn sets."""

    def __init__(self, config: dict[str, Any]):
        super().__init__(config={key: value for key, value in config.items() if key != "class"})  # lm-eval leaves `class` in

    def fewshot_context(  # type: ignore[override]
        self,
        doc: Mapping[str, Any],
        num_fewshot: int,
        system_instruction: str | None = None,
        apply_chat_template: bool = False,
        fewshot_as_multiturn: bool = False,
        chat_template: Callable[..., str] | None = None,
        gen_prefix: str | None = None,
    ) -> str:
        system = [{"role": "system", "content": system_instruction}] if system_instruction else []
        roles = ("user", "assistant")
        messages = system + [{"role": roles[i % 2], "content": text} for i, text in enumerate(doc["turns"])]
        if apply_chat_template and chat_template:
            return partial(chat_template, add_generation_prompt=True)(messages)
        return plain(messages)
