"""A loaded model read token by token: how likely each token of a text is, what it would rather say, and how it goes on by itself."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

TOKENS_AT_ONCE = 2048
"""Tokens of a batch: a 135M model reads them in three seconds on two cores."""


@dataclass(frozen=True)
class Step:
    """One token of a continuation."""

    start: int
    """Where it begins in the continuation, in characters."""
    end: int
    logp: float
    best: int
    """Id of the token that the model finds likeliest there."""
    best_logp: float
    own: bool
    """Whether that is this very token."""


Path = tuple[Step, ...]


def total(path: Path) -> float:
    """Log-likelihood of the whole continuation."""
    return math.fsum(step.logp for step in path)


def likely(path: Path) -> float:
    """Geometric mean of the tokens' probabilities: how readily a model says it, however long it is."""
    return math.exp(total(path) / len(path)) if path else 0.0


class Tokenwise:
    """One model with its tokenizer, both loaded. Answers stay in the order of the questions."""

    def __init__(self, model: Any, tokenizer: Any, batch: int = 16):
        self.model, self.tokenizer, self.batch = model, tokenizer, batch
        ends = [tokenizer.eos_token_id, *_listed(getattr(getattr(model, "generation_config", None), "eos_token_id", None))]
        self.ends = sorted({end for end in ends if end is not None})
        self.pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else (self.ends or [0])[0]

    def along(self, pairs: Sequence[tuple[str, str]]) -> list[Path]:
        """Each continuation after its prompt, token by token. Equal pairs are read once."""
        distinct = list(dict.fromkeys(pairs))
        encoded = {pair: self._encode(*pair) for pair in distinct}
        found: dict[tuple[str, str], Path] = {}
        for part in self._parts(distinct, lambda pair: len(encoded[pair][0])):
            found |= zip(part, self._read([encoded[pair] for pair in part]), strict=True)
        return [found[pair] for pair in pairs]

    def continues(self, prompts: Sequence[str], most: int) -> list[str]:
        """What the model says next, greedily, at most so many tokens."""
        distinct = list(dict.fromkeys(prompts))
        ids = {prompt: self.tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in distinct}
        found: dict[str, str] = {}
        for part in self._parts(distinct, lambda prompt: len(ids[prompt]) + most):
            found |= zip(part, self._write([ids[prompt] for prompt in part], most), strict=True)
        return [found[prompt] for prompt in prompts]

    def opening(self, prompt: str, continuation: str) -> str:
        """The text of the continuation's first token."""
        _, _, spans = self._encode(prompt, continuation)
        return continuation[: spans[0][1]] if spans else ""

    def word(self, token: int) -> str:
        return self.tokenizer.decode([token])

    def _parts(self, items: list, size: Any) -> Iterator[list]:
        """Batches of like length, the longest first."""
        part: list = []
        for item in sorted(items, key=lambda i: -size(i)):
            if part and (len(part) == self.batch or size(part[0]) * (len(part) + 1) > TOKENS_AT_ONCE):
                yield part
                part = []
            part.append(item)
        if part:
            yield part

    def _encode(self, prompt: str, continuation: str) -> tuple[list[int], int, list[tuple[int, int]]]:
        """(all tokens, how many are the continuation's, where each of those stands in it). Cut as lm-eval cuts: the prompt's own tokens first."""
        whole = self.tokenizer(prompt + continuation, add_special_tokens=False, return_offsets_mapping=True)
        first = len(self.tokenizer(prompt, add_special_tokens=False)["input_ids"])
        spans = [(max(0, a - len(prompt)), max(0, b - len(prompt))) for a, b in whole["offset_mapping"][first:]]
        return whole["input_ids"], len(spans), spans

    def _read(self, encoded: list[tuple[list[int], int, list[tuple[int, int]]]]) -> list[Path]:
        import torch

        ids, mask = self._padded([tokens for tokens, _, _ in encoded])
        most = max(n for _, n, _ in encoded)
        with torch.inference_mode():
            places = (mask.cumsum(-1) - 1).clamp(min=0)
            logits = self.model(input_ids=ids, attention_mask=mask, position_ids=places, logits_to_keep=most + 1, use_cache=False).logits
        found = []
        for row, (tokens, n, spans) in enumerate(encoded):
            said = torch.tensor(tokens[len(tokens) - n :], device=logits.device)
            logp = torch.log_softmax(logits[row, most - n : most].float(), dim=-1)
            values, (top, best) = logp.gather(1, said[:, None])[:, 0].tolist(), logp.max(-1)
            steps = zip(spans, values, best.tolist(), top.tolist(), said.tolist(), strict=True)
            found.append(tuple(Step(a, b, v, token, high, token == own) for (a, b), v, token, high, own in steps))
        return found

    def _write(self, prompts: list[list[int]], most: int) -> list[str]:
        import torch

        ids, mask = self._padded(prompts)
        with torch.inference_mode():
            told = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=most,
                do_sample=False,
                eos_token_id=self.ends or None,
                pad_token_id=self.pad,
            )
        return [self._text(row) for row in told[:, ids.shape[1] :].tolist()]

    def _text(self, tokens: list[int]) -> str:
        end = next((i for i, token in enumerate(tokens) if token in self.ends), len(tokens))
        return self.tokenizer.decode(tokens[:end], skip_special_tokens=True)

    def _padded(self, rows: list[list[int]]) -> tuple[Any, Any]:
        """Padded on the left, so that what is predicted stands at the end of every row."""
        import torch

        width = max(map(len, rows))
        place = next(self.model.parameters()).device
        ids = torch.tensor([[self.pad] * (width - len(row)) + row for row in rows], device=place)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=place)
        return ids, mask


def _listed(value: Any) -> list[int]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
