"""Conversations as the model sees them: the chat template rendered and tokens counted without torch or transformers."""

import hashlib
import json
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from pipeline.errors import Permanent

ROLES = ("system", "user", "assistant", "tool")


def clean(messages: list[dict]) -> list[dict]:
    """Messages as templates and trainers want them: absent keys left out, tool calls parsed."""
    kept = []
    for message in messages:
        m = {k: v for k, v in message.items() if v is not None}
        if isinstance(m.get("tool_calls"), str):
            m["tool_calls"] = json.loads(m["tool_calls"])
        kept.append({"role": m.pop("role"), "content": m.pop("content", "")} | m)
    return kept


def key(messages: list[dict]) -> str:
    """Identity of a context: sha256 over its messages, however they were stored."""
    return hashlib.sha256(json.dumps(clean(messages), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Template:
    """A model folder's chat template, rendered in a sandbox with the helpers that transformers gives it."""

    def __init__(self, source: str, special: dict[str, str]):
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[_generation(), loopcontrols])
        env.filters["tojson"] = _tojson
        env.globals["raise_exception"] = _raise
        env.globals["strftime_now"] = lambda f: datetime.now().strftime(f)
        self.source, self.special, self._compiled = source, special, env.from_string(source)

    @property
    def sha(self) -> str:
        return hashlib.sha256(self.source.encode()).hexdigest()

    def text(self, messages: list[dict], add_generation_prompt: bool = False) -> str:
        """The exact text that the model reads."""
        return self._compiled.render(
            messages=clean(messages), add_generation_prompt=add_generation_prompt, tools=None, documents=None, **self.special
        )

    def parted(self, prompt: list[dict], answer: list[dict]) -> tuple[str, str] | None:
        """What the model reads and what it is to say; None where the prompt is rewritten once an answer follows: no text is the answer's alone."""
        asked, whole = self.text(prompt, add_generation_prompt=True), self.text([*prompt, *answer]).rstrip("\n")
        return (asked, whole[len(asked) :]) if whole.startswith(asked) and len(whole) > len(asked) else None


def _tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise(message: str) -> None:
    raise Permanent(f"the chat template refuses these messages: {message}")


def _generation() -> Any:
    """{% generation %} marks the assistant's words for masks; for text it only stands aside."""
    from jinja2 import nodes
    from jinja2.ext import Extension

    class Generation(Extension):
        tags: ClassVar[set[str]] = {"generation"}  # type: ignore[misc]

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    return Generation


@lru_cache(maxsize=8)
def template(folder: Path) -> Template:
    """The chat template of a model folder (chat_template.jinja, else tokenizer_config.json)."""
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    file = folder / "chat_template.jinja"
    source = file.read_text(encoding="utf-8") if file.exists() else config.get("chat_template")
    if not isinstance(source, str):
        raise Permanent(f"{folder} has no chat template: this model is no chat model, or add chat_template.jinja")
    special = {k: v["content"] if isinstance(v, dict) else v for k, v in config.items() if k.endswith("_token") and v}
    return Template(source, special)


@lru_cache(maxsize=8)
def tokens(folder: Path) -> Any:
    """The folder's tokenizer (`tokenizers`, no torch). Encode with add_special_tokens=False: the template writes them."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def count(folder: Path, messages: list[dict]) -> int:
    """Tokens of a whole conversation under the folder's template."""
    return len(tokens(folder).encode(template(folder).text(messages), add_special_tokens=False).ids)
