"""The model that answers lm-eval's questions: lm-eval's own HFLM, with the choices of one question read in one pass."""

from functools import cached_property
from typing import Any

from pipeline import service, weights
from pipeline.evaluate import trees
from pipeline.progress import say
from pipeline.recipe import Evaluation
from pipeline.settings import Settings

VERSION = 1  # raise it when the same model should give other answers to the same questions

BACKEND = "hf"
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.25}
"""Largest difference of a log-likelihood (nats, summed over a choice) that is rounding: float32 was seen to stay under 1e-4,
bfloat16 keeps 8 bits of each of its tokens' logits."""


def machine(evaluation: Evaluation) -> dict[str, Any]:
    """Where and how answers are computed: part of what must be equal before two models' answers are compared."""
    place = weights.device()
    kind = str(weights.dtype(evaluation.dtype, place)).removeprefix("torch.")
    return {"backend": BACKEND, "device": place, "dtype": kind, "batch_size": evaluation.batch_size}


class Answerer:
    """One model, loaded when the first question comes that nobody has answered before."""

    def __init__(self, settings: Settings, model: str, evaluation: Evaluation):
        self.settings, self.model, self.evaluation = settings, model, evaluation

    @cached_property
    def lm(self) -> Any:
        """lm-eval's HFLM on the loaded model, its choice questions answered by `Choices`."""
        from lm_eval.models.huggingface import HFLM

        say(f"{self.model}: loading")
        model, words = weights.load(self.settings, self.model, self.evaluation.dtype)
        # float32 softmax: bfloat16 rounds a log-likelihood of 12 nats to steps of .06, and choices would tie
        lm = HFLM(pretrained=model, tokenizer=words, batch_size=self.evaluation.batch_size, softmax_dtype="float32")
        lm._loglikelihood_tokens = Choices(lm)
        return lm

    @cached_property
    def tokenizer(self) -> Any:
        return weights.tokenizer(vocabulary(self.settings, self.model))

    def apply_chat_template(self, history: list[dict], add_generation_prompt: bool = True) -> str:
        """The text that the model reads; without a generation prompt the last turn is left open, as lm-eval wants it."""
        return self.tokenizer.apply_chat_template(
            history, tokenize=False, add_generation_prompt=add_generation_prompt, continue_final_message=not add_generation_prompt
        )

    def answer(self, kind: str, requests: list) -> list:
        """Answers of the model to lm-eval requests of one kind, in their order."""
        return getattr(self.lm, kind)(requests, disable_tqdm=True)

    def close(self) -> None:
        """Give the memory back before the next model is loaded."""
        import gc

        if self.__dict__.pop("lm", None) is not None:
            gc.collect()  # HFLM and Choices hold each other


def vocabulary(settings: Settings, model: str) -> Any:
    """The folder whose tokenizer and chat template a model speaks through."""
    folder = service.model_folder(settings, model)
    return service.origin(settings) if model != "origin" and weights.is_adapter(folder) else folder


class Choices:
    """HFLM's `_loglikelihood_tokens`, with one pass a question. What cannot be laid out as a tree goes HFLM's own way."""

    def __init__(self, lm: Any):
        self.lm, self.stock = lm, lm._loglikelihood_tokens
        self.trusted: bool | None = None
        window = getattr(lm.config, "sliding_window", None)
        self.longest = min(lm.max_length, window or lm.max_length)

    def __call__(self, requests: list, disable_tqdm: bool = True, override_bs: int | None = None) -> list[tuple[float, bool]]:
        fits = [i for i, (_, a, b) in enumerate(requests) if len(a) + len(b) <= self.longest]
        if self.trusted is None and fits:
            self.trusted = self.agrees([requests[i] for i in fits])
        answers: dict[int, tuple[float, bool]] = {}
        if self.trusted:
            answers = dict(zip(fits, self.read([(requests[i][1], requests[i][2]) for i in fits]), strict=True))
        rest = [i for i in range(len(requests)) if i not in answers]
        if rest:
            answers |= zip(rest, self.stock([requests[i] for i in rest], disable_tqdm=True), strict=True)
        return [answers[i] for i in range(len(requests))]

    def agrees(self, requests: list) -> bool:
        """Whether trees and HFLM give the same numbers on this architecture: asked once, of the longest and two short requests."""
        ordered = sorted(requests, key=lambda r: (len(r[1]) + len(r[2]), r[0]))
        some = [ordered[0], ordered[len(ordered) // 4], ordered[-1]]
        try:
            ours = self.read([(r[1], r[2]) for r in some])
        except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
            say(f"choices are read one by one: this architecture takes no tree mask ({type(error).__name__})")
            return False
        apart = max(abs(a[0] - b[0]) for a, b in zip(ours, self.stock(some, disable_tqdm=True), strict=True))
        allowed = TOLERANCE.get(str(self.lm.model.dtype).removeprefix("torch."), 0.0)
        if not apart <= allowed:
            say(f"choices are read one by one: a tree's log-likelihood is {apart:.2g} away from HFLM's, {allowed:g} is allowed")
        return apart <= allowed

    def read(self, pairs: list[tuple[list[int], list[int]]]) -> list[tuple[float, bool]]:
        """(log-likelihood, whether greedy decoding would say it) of each continuation."""
        grown, answers = trees.grow(pairs)
        leaves: dict[tuple[int, int], tuple[float, bool]] = {}
        for batch in trees.batches(grown, self.lm.batch_size):
            for number, found in zip(batch, self.forward([grown[n] for n in batch]), strict=True):
                leaves |= {(number, leaf): answer for leaf, answer in enumerate(found)}
        return [leaves[place] for place in answers]

    def forward(self, batch: list[trees.Tree]) -> list[list[tuple[float, bool]]]:
        """One pass over a batch of trees."""
        import torch

        length, window = max(t.length for t in batch), max(t.tail for t in batch)
        rows = [trees.row(t, length, self.lm.eot_token_id) for t in batch]
        place = self.lm.device
        with torch.inference_mode():
            logits = self.lm.model(
                input_ids=torch.tensor([r.tokens for r in rows], device=place),
                position_ids=torch.tensor([r.positions for r in rows], device=place),
                attention_mask=mask(torch.tensor([r.segments for r in rows], device=place), self.lm.model.dtype),
                logits_to_keep=window,
                use_cache=False,
            ).logits
            logp = torch.log_softmax(logits, dim=-1, dtype=torch.float32)
            wanted = [
                (b, at, token)
                for b, tree in enumerate(batch)
                for leaf, where in zip(tree.continuations, trees.places(tree, window), strict=True)
                for token, at in zip(leaf, where, strict=True)
            ]
            b, at, token = torch.tensor(wanted, device=place).T
            values, best = logp[b, at, token].tolist(), (logp.argmax(-1)[b, at] == token).tolist()
        return _per_leaf(batch, values, best)


def _per_leaf(batch: list[trees.Tree], values: list[float], best: list[bool]) -> list[list[tuple[float, bool]]]:
    found, at = [], 0
    for tree in batch:
        leaves = []
        for leaf in tree.continuations:
            leaves.append((sum(values[at : at + len(leaf)]), all(best[at : at + len(leaf)])))
            at += len(leaf)
        found.append(leaves)
    return found


def mask(segments: Any, dtype: Any) -> Any:
    """Additive attention mask [rows, 1, length, length]: 0 where a token may look, the type's least number where not."""
    import torch

    rows, length = segments.shape
    place = torch.arange(length, device=segments.device)
    key, query = segments[:, None, :], segments[:, :, None]
    sees = (place[None, None, :] <= place[None, :, None]) & (key != trees.PAD) & ((key == trees.CONTEXT) | (key == query))
    sees |= torch.eye(length, dtype=torch.bool, device=segments.device)  # padding sees itself: a row of nothing would be NaN
    return torch.zeros(rows, 1, length, length, dtype=dtype, device=segments.device).masked_fill(~sees[:, None], torch.finfo(dtype).min)
