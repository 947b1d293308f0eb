"""Turn rows of a mix into token ids, with the loss on exactly the answer's tokens.

We do it ourselves, because a template without {% generation %} marks makes a trainer's assistant mask empty while its loss
looks fine. The rendered text is the same as `apply_chat_template`'s, and a test compares ids and masks.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import chat

IGNORED = -100  # the label that no loss is computed on (torch's ignore_index)


class Unfit(Exception):
    """Why this row cannot be trained on, in words that go into the model's plan."""


@dataclass(frozen=True)
class Encoder:
    """One model's template and tokenizer, as a trainer sees them."""

    template: chat.Template
    tokenizer: Any
    max_length: int
    special: frozenset[str]

    @classmethod
    def of(cls, folder: Path, max_length: int) -> "Encoder":
        words = chat.tokens(folder)
        special = frozenset(t.content for t in words.get_added_tokens_decoder().values() if t.special)
        return cls(chat.template(folder), words, max_length, special)

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def span(self, messages: list[dict], full: str, ids: list[int], at: int) -> tuple[int, int]:
        """[start, end) of answer `at` among the ids of the whole rendered text.

        It starts where the prompt that serving would send ends, and ends with the end-of-turn token: the line break that a
        template writes behind it is never generated, so it is not taught.
        """
        if not full.startswith(self.template.text(messages[:at])):
            raise Unfit("the chat template writes earlier turns differently once an answer follows: train on the last answer only")
        asked = self.template.text(messages[:at], add_generation_prompt=True)
        told = self.template.text(messages[: at + 1])
        if not full.startswith(told):
            raise Unfit("the chat template writes an answer differently once more turns follow: train on the last answer only")
        closing = max((told.rfind(s) + len(s) for s in self.special if told.rfind(s) >= len(asked)), default=len(told))
        return common(self.ids(asked), ids), common(self.ids(told[:closing]), ids)

    def check(self, messages: list[dict]) -> None:
        """Words of a log are words: a special token's spelling in them would be read as the token itself."""
        for message in messages:
            text = str(message.get("content", ""))
            found = sorted((text.index(token), token) for token in self.special if token in text)
            if found:
                raise Unfit(f"a message holds the text of the special token {found[0][1]}")


def common(a: list[int], b: list[int]) -> int:
    """Length of the common beginning."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def answer(row: dict, encoder: Encoder, train_on: str) -> dict[str, Any]:
    """An SFT row as input_ids and labels; labels differ from IGNORED on the last answer, or on every answer."""
    messages = chat.clean(row["messages"])
    if not messages or messages[-1]["role"] != "assistant":
        raise Unfit("the row does not end with an answer")
    encoder.check(messages)
    full = encoder.template.text(messages)
    ids = encoder.ids(full)
    answers = [i for i, m in enumerate(messages) if m["role"] == "assistant"]
    labels = [IGNORED] * len(ids)
    end = 0
    for at in answers if train_on == "every" else answers[-1:]:
        start, end = encoder.span(messages, full, ids, at)
        labels[start:end] = ids[start:end]
    return _fit({"input_ids": ids[:end], "labels": labels[:end]}, encoder)


def completion(prompt: list[dict], words: list[dict], encoder: Encoder) -> tuple[list[int], list[int]]:
    """(prompt ids, answer ids) of one answer to a prompt."""
    messages = chat.clean(prompt) + chat.clean(words)
    encoder.check(messages)
    full = encoder.template.text(messages)
    ids = encoder.ids(full)
    start, end = encoder.span(messages, full, ids, len(messages) - 1)
    _fit({"input_ids": ids[:end], "labels": ids[start:end]}, encoder)
    return ids[:start], ids[start:end]


def pair(row: dict, encoder: Encoder) -> dict[str, Any]:
    """A DPO row: one prompt, two answers, in the trainer's own columns."""
    asked, chosen = completion(row["prompt"], row["chosen"], encoder)
    again, rejected = completion(row["prompt"], row["rejected"], encoder)
    if asked != again:  # an answer that merges with the prompt's last token: the shorter prompt serves both
        start = common(asked, again)
        asked, chosen, rejected = asked[:start], asked[start:] + chosen, again[start:] + rejected
    if chosen == rejected:
        raise Unfit("chosen and rejected have the same tokens")
    return {"prompt_ids": asked, "chosen_ids": chosen, "rejected_ids": rejected}


def vote(row: dict, encoder: Encoder) -> dict[str, Any]:
    """A KTO row: one answer, wanted or not."""
    asked, words = completion(row["prompt"], row["completion"], encoder)
    return {"prompt_ids": asked, "completion_ids": words, "label": bool(row["label"])}


def _fit(row: dict[str, Any], encoder: Encoder) -> dict[str, Any]:
    if len(row["input_ids"]) > encoder.max_length:
        raise Unfit(f"longer than max_length {encoder.max_length}")
    if all(label == IGNORED for label in row["labels"]):
        raise Unfit("no token to train on")
    return row


@dataclass
class Encoded:
    """Rows that can be trained on, and the others counted by reason."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    dropped: Counter = field(default_factory=Counter)


def encode(rows: Iterable[dict], make: Callable[[dict], dict[str, Any]]) -> Encoded:
    """Encode rows in their order; each keeps its task, phase, conversation and weight. A row is kept whole or dropped, never cut."""
    done = Encoded()
    for row in rows:
        try:
            done.rows.append(
                make(row)
                | {"task": row["task"], "phase": row.get("phase"), "conversation_id": row.get("conversation_id") or row["example_id"]}
                | {"weight": row.get("weight"), "smoothing": row.get("smoothing")}
            )
        except Unfit as reason:
            done.dropped[str(reason)] += 1
    return done


def arranged(rows: list[dict], batch: int) -> list[dict]:
    """Rows sorted by length within each optimizer step: the same steps, less padding in the small batches inside one."""
    steps = [rows[i : i + batch] for i in range(0, len(rows), batch)]
    return [row for step in steps for row in sorted(step, key=lambda r: len(r["input_ids"]))]
