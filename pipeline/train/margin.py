"""Does preference training do what it claims? The chosen-minus-rejected margin on pairs that it never saw, before and after."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import weights

SHARE = 0.1  # of the pairs are kept out to judge by …
FEWEST = 4  # … and at least this many


def kept_out(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(train, judge): whole conversations, drawn by the hash of their id, so that the same pairs are always the judges."""
    order = sorted({r["conversation_id"] for r in rows}, key=lambda c: hashlib.sha256(c.encode()).hexdigest())
    wanted, judges = max(FEWEST, round(len(rows) * SHARE)), set()
    size = 0
    for conversation in order:
        if size >= wanted:
            break
        judges.add(conversation)
        size += sum(r["conversation_id"] == conversation for r in rows)
    return [r for r in rows if r["conversation_id"] not in judges], [r for r in rows if r["conversation_id"] in judges]


@dataclass(frozen=True)
class Rise:
    """The mean margin, in nats of the whole answer, before and after."""

    pairs: int
    before: float
    after: float
    risen: int
    """Pairs whose own margin rose."""

    @property
    def rose(self) -> bool:
        return self.after > self.before

    def __str__(self) -> str:
        return f"margin of {self.pairs} held-out pairs {self.before:.3f} -> {self.after:.3f} nats, {self.risen} of them rose"


def rise(before: list[float], after: list[float]) -> Rise:
    """Compare the same pairs before and after."""
    n = len(before)
    return Rise(n, sum(before) / n, sum(after) / n, sum(b > a for a, b in zip(before, after, strict=True)))


def margins(base: Path, adapter: Path | None, rows: list[dict[str, Any]], kind: str, batch: int = 8) -> list[float]:
    """log p(chosen) - log p(rejected) of each pair, over the answer's tokens; of a vote, log p(answer), negative where it was unwanted."""
    import torch

    place = weights.device()
    model = weights.base(base, weights.dtype(kind, place))
    if adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter)
    model = model.to(place).eval()
    found: list[float] = []
    with torch.no_grad():
        for i in range(0, len(rows), batch):
            chunk = rows[i : i + batch]
            if "label" in chunk[0]:
                scores = log_likelihood(model, [(r["prompt_ids"], r["completion_ids"]) for r in chunk])
                found += [s if r["label"] else -s for s, r in zip(scores, chunk, strict=True)]
                continue
            wanted = log_likelihood(model, [(r["prompt_ids"], r["chosen_ids"]) for r in chunk])
            unwanted = log_likelihood(model, [(r["prompt_ids"], r["rejected_ids"]) for r in chunk])
            found += [c - r for c, r in zip(wanted, unwanted, strict=True)]
    return found


def log_likelihood(model: Any, texts: list[tuple[list[int], list[int]]]) -> list[float]:
    """log p(answer | prompt) of each (prompt ids, answer ids), padded on the right."""
    import torch

    longest = max(len(p) + len(a) for p, a in texts)
    ids = torch.zeros(len(texts), longest, dtype=torch.long)
    mask, answer = torch.zeros_like(ids), torch.zeros(len(texts), longest, dtype=torch.bool)
    for i, (p, a) in enumerate(texts):
        ids[i, : len(p) + len(a)] = torch.tensor(p + a)
        mask[i, : len(p) + len(a)] = 1
        answer[i, len(p) : len(p) + len(a)] = True
    logits = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device)).logits[:, :-1].float()
    log_probs = torch.log_softmax(logits, dim=-1).gather(2, ids[:, 1:, None].to(model.device))[..., 0]
    return (log_probs * answer[:, 1:].to(model.device)).sum(dim=1).tolist()


def too_few(name: str, train: list[dict[str, Any]], judges: list[dict[str, Any]]) -> str:
    """Why preferences are not trained at all, or nothing."""
    if len(train) >= FEWEST and len(judges) >= FEWEST:
        return ""
    return f"{name.upper()} skipped: {len(train) + len(judges)} rows are too few, {FEWEST} to learn from and {FEWEST} from other conversations to judge by are the least"
