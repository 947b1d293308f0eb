"""The model that answers lm-eval's questions: lm-eval's own HFLM, with shared beginnings of choice questions read once."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from pipeline import service, weights
from pipeline.evaluate import writer
from pipeline.evaluate.trees import Pair, Tree, grow, stems
from pipeline.progress import say
from pipeline.recipe import Evaluation
from pipeline.settings import Settings

VERSION = 1  # raise it when the same model should give other answers to the same questions

BACKEND = "hf"
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.06}
"""Largest difference of a log-likelihood, in nats a token, that is rounding: float32 was seen to stay under 1e-5;
bfloat16 keeps 8 bits, steps of .06 for a logit of 16."""
TREE_TOKENS = 512
"""Tokens of a tree: enough to keep two cores or a GPU busy, and attention over the whole tree still costs an eighth of a pass."""
STEM_TOKENS = 64
"""A beginning that several trees share is read once and kept from this length on; a shorter one costs less to read than to carry along."""

Read = dict[Pair, tuple[float, bool]]


def machine(evaluation: Evaluation) -> dict[str, Any]:
    """Where and how answers are computed: part of what must be equal before two models' answers are compared."""
    return {"backend": BACKEND, "device": weights.device(), "dtype": _kind(evaluation), "batch_size": evaluation.batch_size}


def _kind(evaluation: Evaluation) -> str:
    return str(weights.dtype(evaluation.dtype, weights.device())).removeprefix("torch.")


def vocabulary(settings: Settings, model: str) -> Any:
    """The folder whose tokenizer and chat template a model speaks through."""
    folder = service.model_folder(settings, model)
    return service.origin(settings) if model != "origin" and weights.is_adapter(folder) else folder


class Answerer:
    """One model, loaded when the first question comes that it has not answered before."""

    def __init__(self, settings: Settings, model: str, evaluation: Evaluation):
        self.settings, self.model, self.evaluation = settings, model, evaluation

    @cached_property
    def lm(self) -> Any:
        say(f"{self.model}: loading")
        model, words = weights.load(self.settings, self.model, self.evaluation.dtype)
        return harness(model, words, self.evaluation.batch_size)

    @cached_property
    def tokenizer(self) -> Any:
        return weights.tokenizer(vocabulary(self.settings, self.model))

    def apply_chat_template(self, history: list[dict], add_generation_prompt: bool = True) -> str:
        """The text that the model reads; without a generation prompt the last turn is left open, as lm-eval wants it."""
        return self.tokenizer.apply_chat_template(
            history, tokenize=False, add_generation_prompt=add_generation_prompt, continue_final_message=not add_generation_prompt
        )

    @cached_property
    def writer(self) -> writer.Writer | None:
        """Who writes answers where this machine has vLLM."""
        return writer.Writer(self.settings, self.model, _kind(self.evaluation), self.tokenizer) if self.settings.vllm else None

    def answer(self, kind: str, requests: list) -> list:
        """Answers of the model to lm-eval requests of one kind, in their order."""
        written: dict[int, str] = {}
        if kind == "generate_until" and self.writer:
            mine = [i for i, r in enumerate(requests) if self.writer.takes(r)]
            written = dict(zip(mine, self.writer.write([requests[i] for i in mine]), strict=True))
        rest = [i for i in range(len(requests)) if i not in written]
        others = getattr(self.lm, kind)([requests[i] for i in rest], disable_tqdm=True) if rest else []
        answers = written | dict(zip(rest, others, strict=True))
        return [answers[i] for i in range(len(requests))]

    def close(self) -> None:
        """Give the memory back before the next model is loaded."""
        import gc

        writes = self.__dict__.get("writer")  # whoever wrote nothing needs none made to be closed
        if writes is not None:
            writes.close()
        if self.__dict__.pop("lm", None) is not None:
            gc.collect()  # HFLM and Choices hold each other


def harness(model: Any, tokenizer: Any, batch_size: int) -> Any:
    """lm-eval's HFLM on a loaded model, its choice questions read as trees."""
    from lm_eval.models.huggingface import HFLM

    # float32 softmax: bfloat16 rounds a log-likelihood of 12 nats to steps of .06, and choices would tie
    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size, softmax_dtype="float32")
    lm._loglikelihood_tokens = Choices(lm)
    return lm


class Choices:
    """HFLM's `_loglikelihood_tokens` by trees. What a tree cannot hold goes HFLM's own way, and so does an architecture that disagrees."""

    def __init__(self, lm: Any):
        self.lm, self.stock = lm, lm._loglikelihood_tokens
        self.trusted: bool | None = None
        self.keeps: bool | None = None
        """Whether a kept beginning gives the same numbers too; None until one came."""
        window = getattr(lm.config, "sliding_window", None)
        self.longest = min(lm.max_length, window or lm.max_length)

    def __call__(self, requests: list, disable_tqdm: bool = True, override_bs: int | None = None) -> list[tuple[float, bool]]:
        fits = [i for i, (_, a, b) in enumerate(requests) if len(a) + len(b) <= self.longest]
        if self.trusted is None and fits:
            self.trusted = self.agrees([requests[i] for i in fits], self.read)
        answers: dict[int, tuple[float, bool]] = {}
        if self.trusted:
            answers = dict(zip(fits, self.read([requests[i] for i in fits]), strict=True))
        rest = [i for i in range(len(requests)) if i not in answers]
        if rest:
            answers |= zip(rest, self.stock([requests[i] for i in rest], disable_tqdm=True), strict=True)
        return [answers[i] for i in range(len(requests))]

    def agrees(self, requests: list, read: Callable[[list], list[tuple[float, bool]]]) -> bool:
        """Whether a way of reading and HFLM give the same numbers on this architecture: asked once, of a short, a middling and the longest request."""
        ordered = sorted(requests, key=lambda r: (len(r[1]) + len(r[2]), r[0]))
        some = [ordered[0], ordered[len(ordered) // 2], ordered[-1]]
        try:
            ours = read(some)
        except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
            say(f"choices are read one by one: this architecture takes no tree mask ({type(error).__name__})")
            return False
        theirs = self.stock(some, disable_tqdm=True)
        apart = max(abs(a[0] - b[0]) / len(r[2]) for a, b, r in zip(ours, theirs, some, strict=True))
        allowed = TOLERANCE.get(str(self.lm.model.dtype).removeprefix("torch."), 0.0)
        if not apart <= allowed:
            say(f"choices are read one by one: a tree's log-likelihood is {apart:.2g} a token away from HFLM's, {allowed:g} is allowed")
        return apart <= allowed

    def read(self, requests: list) -> list[tuple[float, bool]]:
        """(log-likelihood, whether greedy decoding would say it) of each request's continuation."""
        pairs: list[Pair] = [(tuple(a), tuple(b)) for _, a, b in requests]
        found: Read = {}
        for length, group in stems(pairs, STEM_TOKENS, TREE_TOKENS):
            if length and self.keeps is None:
                self.keeps = self.agrees([(None, list(a), list(b)) for a, b in group], partial(self.kept, length=length))
            found |= self.upon(group, length if self.keeps else 0)
        return [found[pair] for pair in pairs]

    def kept(self, requests: list, length: int) -> list[tuple[float, bool]]:
        """The same upon a beginning of so many tokens, however few the requests are."""
        pairs: list[Pair] = [(tuple(a), tuple(b)) for _, a, b in requests]
        found = self.upon(pairs, length)
        return [found[pair] for pair in pairs]

    def upon(self, pairs: list[Pair], length: int) -> Read:
        """Trees upon the beginning that all pairs share: it is read once, its keys and values are kept while they are read."""
        import torch

        if not length:
            return {pair: read for tree in grow(pairs, TREE_TOKENS) for pair, read in self.forward(tree).items()}
        stem = pairs[0][0][:length]
        with torch.inference_mode():
            ids = torch.tensor([stem], device=self.lm.device)
            cache = self.lm.model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values
        found: Read = {}
        for tree in grow([(a[length:], b) for a, b in pairs], TREE_TOKENS):
            found |= {(stem + a, b): read for (a, b), read in self.forward(tree, cache, length).items()}
            cache.crop(-len(tree))
        return found

    def forward(self, tree: Tree, cache: Any = None, length: int = 0) -> Read:
        """One pass over a tree; logits are made only where a continuation is predicted. `cache` holds a beginning of `length` tokens."""
        import torch

        place = self.lm.device
        asked = sorted({node for path in tree.paths.values() for node in path})
        line = {node: n for n, node in enumerate(asked)}
        steps = [(line[node], token) for (_, leaf), path in tree.paths.items() for node, token in zip(path, leaf, strict=True)]
        with torch.inference_mode():
            logits = self.lm.model(
                input_ids=torch.tensor([tree.tokens], device=place),
                position_ids=torch.tensor([tree.depths], device=place) + length,
                attention_mask=mask(tree, self.lm.model.dtype, length).to(place),
                past_key_values=cache,
                logits_to_keep=torch.tensor(asked, device=place),
                use_cache=cache is not None,
            ).logits[0]
            logp = torch.log_softmax(logits, dim=-1, dtype=torch.float32)
            at, token = torch.tensor(steps, device=place).T
            values, best = logp[at, token].tolist(), (logp.argmax(-1)[at] == token).tolist()
        return _sums(tree, values, best)


def _sums(tree: Tree, values: list[float], best: list[bool]) -> Read:
    found, at = {}, 0
    for pair in tree.paths:
        end = at + len(pair[1])
        found[pair] = (sum(values[at:end]), all(best[at:end]))
        at = end
    return found


def mask(tree: Tree, dtype: Any, length: int = 0) -> Any:
    """Additive attention mask [1, 1, n, length + n]: 0 for the beginning, a token's ancestors and itself, the type's least number elsewhere."""
    import torch

    sees = torch.zeros(len(tree), len(tree), dtype=torch.bool)
    for node, parent in enumerate(tree.parents):
        if parent >= 0:
            sees[node] = sees[parent]
        sees[node, node] = True
    alone = torch.zeros(sees.shape, dtype=dtype).masked_fill(~sees, torch.finfo(dtype).min)
    return torch.cat([torch.zeros(len(tree), length, dtype=dtype), alone], dim=1)[None, None]
