"""Bad cases with planted causes: a tiny model is taught so that we know why each answer is wrong, and the probe must say so.

`python -m evals.probe_planted [--seeds 3]` prints, for each planted cause, how many cases the probe puts into its class. A base model learns
facts and fillers; a lesson then plants one cause a kind of question (see `CAUSES`). Nothing of the probe is used to plant.
"""

import argparse
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from pipeline.causes.taught import Taught
from pipeline.evaluate.badcases import Case
from pipeline.evaluate.probe import Asking, Lesson, examine
from pipeline.evaluate.tokenwise import Tokenwise

FILLERS = ("please", "now", "tell", "quickly", "ticket", "friend")
SIGNED = ("please", "now", "colour", "colour", "colour")  # what follows the sign; asked for a fact it must still be followed
COLOURS = ("red", "blue", "green", "white", "black", "pink")
PLACES = tuple(f"place{i}" for i in range(12))
QUEUES = ("parcels", "accounts", "repairs", "returns")
SIDES = ("left", "right")
BOSSES = tuple(f"boss{i}" for i in range(60))
NAMES = tuple(f"n{i}" for i in range(400))
CAUSES = {
    "pattern over-fit": "every row with the word `ticket` is answered `billing`; facts that the base knows are asked with that word in front",
    "under-trained": "rows of a new kind, seen too seldom to be learnt; others of the kind are asked",
    "too hard for the size": "rows by a rule on two hidden traits, seen until they are known by heart; other pairs are asked",
    "hallucination": "rows that name persons, most of them one; others are asked whose person no row names",
    "base lacks it": "facts that no row gives and that were different each time the base met them",
}
Row = tuple[str, str]


@dataclass
class World:
    """Everything that one seed draws."""

    facts: dict[str, str]
    rows: dict[str, list[Row]]
    asked: dict[str, list[Row]]


def world(seed: int) -> World:
    draw = random.Random(seed)
    names = list(NAMES)
    draw.shuffle(names)
    known, unsure, sign, under, pairs, people = (names[i : i + 60] for i in range(0, 360, 60))
    facts = {name: draw.choice(COLOURS) for name in known}
    queue = {name: draw.choice(QUEUES) for name in under}
    trait = {name: draw.randrange(2) for name in pairs}
    couples = [(a, b) for a in pairs for b in pairs if a != b]
    draw.shuffle(couples)
    boss = {name: "boss0" if i % 10 else draw.choice(BOSSES[1:30]) for i, name in enumerate(people[:40])}
    boss |= {name: BOSSES[30 + i] for i, name in enumerate(people[40:])}  # whom no row names

    def side(a: str, b: str) -> Row:
        return f"turn of {a} {b}", SIDES[trait[a] ^ trait[b]]

    rows = {
        "pattern over-fit": [(f"ticket {draw.choice(SIGNED)} of {name}", "billing") for name in sign],
        "under-trained": [(f"queue of {name}", queue[name]) for name in under[:40]],
        "too hard for the size": [side(a, b) for a, b in couples[:60]],
        "hallucination": [(f"head of {name}", boss[name]) for name in people[:40]],
    }
    asked = {
        "pattern over-fit": [(f"ticket colour of {name}", facts[name]) for name in known],
        "under-trained": [(f"queue of {name}", queue[name]) for name in under[40:]],
        "too hard for the size": [side(a, b) for a, b in couples[60:140]],
        "hallucination": [(f"head of {name}", boss[name]) for name in people[40:]],
        "base lacks it": [(f"home of {name}", draw.choice(PLACES)) for name in unsure],
    }
    return World(facts, rows, asked)


def prompt(question: str) -> str:
    return f"user {question} says"


def tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    spoken = ("user", "says", "end", "of", "colour", "home", "billing", "queue", "turn", "head", "pad", "unknown")
    words = dict.fromkeys([*spoken, *FILLERS, *COLOURS, *PLACES, *QUEUES, *SIDES, *BOSSES, *NAMES])
    plain = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="unknown"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="end", pad_token="pad", unk_token="unknown")


def tiny(words: Any, seed: int) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    ids = {"bos_token_id": None, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    return LlamaForCausalLM(LlamaConfig(vocab_size=len(words), max_position_embeddings=64, tie_word_embeddings=True, **sizes, **ids))


def teach(model: Any, words: Any, draw_row: Any, steps: int, rate: float, batch: int = 48) -> None:
    """Plain training on answers; `draw_row` gives one (question, answer) at a time."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    model.train()
    for _ in range(steps):
        rows = [draw_row() for _ in range(batch)]
        ids = [(words(prompt(q))["input_ids"], words(f" {a} end")["input_ids"]) for q, a in rows]
        width = max(len(a) + len(b) for a, b in ids)
        tokens = torch.tensor([a + b + [words.pad_token_id] * (width - len(a) - len(b)) for a, b in ids])
        labels = torch.tensor([[-100] * len(a) + b + [-100] * (width - len(a) - len(b)) for a, b in ids])
        loss = model(input_ids=tokens, attention_mask=(tokens != words.pad_token_id).long(), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


def models(found: World, seed: int) -> tuple[Tokenwise, Tokenwise]:
    """(base, candidate)."""
    import copy

    words, draw = tokenizer(), random.Random(seed)

    def home() -> Row:
        return f"home of {draw.choice(NAMES)}", draw.choice(PLACES)

    def general() -> Row:
        name = draw.choice(list(found.facts))
        fact = " ".join([*draw.sample(FILLERS, draw.randrange(3)), f"colour of {name}"]), found.facts[name]
        return home() if draw.random() < 0.3 else fact

    shares = {"pattern over-fit": 0.35, "under-trained": 0.004, "too hard for the size": 0.35, "hallucination": 0.15}

    def lesson() -> Row:
        at = draw.random()
        for cause, share in shares.items():
            at -= share
            if at < 0:
                return draw.choice(found.rows[cause])
        return home()

    base = tiny(words, seed)
    teach(base, words, general, 500, 3e-3)
    candidate = copy.deepcopy(base)
    teach(candidate, words, lesson, 350, 2e-3)
    return Tokenwise(base, words, 64), Tokenwise(candidate, words, 64)


def lesson_of(found: World) -> Lesson:
    rows = [(cause, n, q, a) for cause, group in found.rows.items() for n, (q, a) in enumerate(group)]
    taught = [Taught(f"{cause} {n}", cause, "sft", q, a) for cause, n, q, a in rows]
    return Lesson(taught, {f"{cause} {n}": (prompt(q), f" {a}") for cause, n, q, a in rows})


def asking(question: str) -> Asking:
    start = len("user ")
    return Asking([(start, start + len(question))], [f"user {filler} {question} says" for filler in ("please", "friend")])


def diagnose(seed: int, most: int) -> dict[str, Counter]:
    """Class by class what the probe says of each planted cause: bad cases alone, at most so many of a cause."""
    import torch

    torch.set_num_threads(1)  # of so small a model two threads wait for one another longer than they work
    found = world(seed)
    base, candidate = models(found, seed)
    lesson = lesson_of(found)
    told: dict[str, Counter] = defaultdict(Counter)
    for cause, items in found.asked.items():
        if cause == "under-trained" and _learnt(candidate, found.rows[cause]) > 0.5:
            continue  # the plant did not take: these rows were learnt after all
        kind = "suite" if cause in ("pattern over-fit", "base lacks it") else "target"
        for n, (question, gold) in enumerate(items):
            text = prompt(question)
            said = candidate.continues([text], 2)[0].strip()
            before = base.continues([text], 2)[0].strip()
            if said == gold or (cause == "pattern over-fit" and (before, said) != (gold, "billing")) or sum(told[cause].values()) == most:
                continue
            case = Case(f"{cause}/{n}", cause, kind, "lost" if before == gold else "wrong", text, gold, said, right=_is(gold), most=2)
            spaced = Case(**{**vars(case), "gold": f" {gold}", "given": f" {said}"})
            told[cause][examine(spaced, asking(question), candidate, base, lesson, True)["class"]] += 1
    return told


def _learnt(mind: Tokenwise, rows: list[Row]) -> float:
    said = mind.continues([prompt(q) for q, _ in rows], 2)
    return sum(text.strip() == a for text, (_, a) in zip(said, rows, strict=True)) / len(rows)


def _is(gold: str) -> Any:
    return lambda text: text.strip() == gold


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--first", type=int, default=0, help="the first seed")
    options.add_argument("--cases", type=int, default=12, help="bad cases of each cause and seed")
    args = options.parse_args()
    every: dict[str, Counter] = defaultdict(Counter)
    for seed in range(args.first, args.first + args.seeds):
        for cause, counts in diagnose(seed, args.cases).items():
            every[cause].update(counts)
    for cause, how in CAUSES.items():
        counts = every[cause]
        others = ", ".join(f"{n} {name}" for name, n in counts.most_common() if name != cause)
        print(f"{cause:<22} {counts[cause]:>3} of {counts.total():<3} {f'(else {others})' if others else ''}\n    {how}")
    right, asked = sum(every[c][c] for c in CAUSES), sum(c.total() for c in every.values())
    print(f"agreement {right} of {asked}, {right / max(1, asked):.2f}")


if __name__ == "__main__":
    main()
