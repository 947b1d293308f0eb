"""How likely a model finds an answer after a question: each distinct one is read once, and a killed run reads on where it stopped."""

import hashlib
import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import chat
from pipeline.evaluate import scorer
from pipeline.evaluate.memory import recall, write_down
from pipeline.progress import say, track
from pipeline.recipe import Evaluation
from pipeline.settings import Settings

Row = dict[str, Any]
Encoded = tuple[tuple[int, ...], tuple[int, ...]]
"""Tokens of what is read, tokens of what is predicted."""
KIND = "loss"


class Reader:
    """One model with what it has read already, kept in a folder batch by batch."""

    def __init__(self, settings: Settings, model: str, evaluation: Evaluation, folder: Path):
        self.model, self.folder, self.batch = model, folder, evaluation.batch_size
        self.answerer = scorer.Answerer(settings, model, evaluation)
        words = scorer.vocabulary(settings, model)
        self.template, self.tokenizer = chat.template(words), chat.tokens(words)

    @cached_property
    def remembered(self) -> dict[str, float | None]:
        return recall(self.folder, KIND)

    def encoded(self, prompt: list[Row], answer: list[Row]) -> Encoded | None:
        """None where the answer has no text of its own (`Template.parted`)."""
        texts = self.template.parted(prompt, answer)
        return (self.ids(texts[0]), self.ids(texts[1])) if texts else None

    def ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def losses(self, wanted: Iterable[Encoded], what: str) -> dict[Encoded, float | None]:
        """Nats a token of each answer; None for what is longer than the model reads."""
        parts = _parts(list(dict.fromkeys(wanted)), self.batch)
        say(f"{self.model}: {sum(map(len, parts))} {what} to read")
        known: dict[Encoded, float | None] = {}
        for part in track(parts, f"{self.model}: batches of {what}", len(parts)):
            known |= self._read(part)
        return known

    def _read(self, part: list[Encoded]) -> dict[Encoded, float | None]:
        """A batch from the folder, or from the model; it is cut before looking what is known, so that a resumed run pads and rounds alike."""
        names = {e: _name(e) for e in part}
        if not all(name in self.remembered for name in names.values()):
            fits = [e for e in part if len(e[0]) + len(e[1]) <= self.answerer.lm.max_length]
            answers = self.answerer.lm._loglikelihood_tokens([(("", ""), list(a), list(b)) for a, b in fits], disable_tqdm=True)
            read = dict.fromkeys(part) | {e: -found[0] / len(e[1]) for e, found in zip(fits, answers, strict=True)}
            self.remembered.update({names[e]: loss for e, loss in read.items()})
            write_down(self.folder, KIND, {names[e]: loss for e, loss in read.items()})
        return {e: self.remembered[name] for e, name in names.items()}

    def close(self) -> None:
        self.answerer.close()


def _parts(distinct: list[Encoded], batch: int) -> list[list[Encoded]]:
    """The longest questions first: whoever runs out of memory does so at once. Equal questions stand together, for they are read once."""
    ordered = sorted(distinct, key=lambda e: (-len(e[0]), e))
    return [ordered[at : at + batch] for at in range(0, len(ordered), batch)]


def _name(encoded: Encoded) -> str:
    return hashlib.sha256(json.dumps(encoded).encode()).hexdigest()[:32]
