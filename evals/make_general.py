"""Make the general replay pool: the origin answers our own prompts, and what passes its check is kept.

`python -m evals.make_general` reads evals/general/prompts.txt and writes pipeline/recipes/general/general.jsonl. Replay in the model's own
words is what forgets least (on-policy replay: arXiv 2605.29495, 2510.18874); low-score replay is worse than none, hence the checks.
A run that was stopped goes on where it was: answers are kept in $EQUIPOISE_HOME/cache/general.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline import service
from pipeline import settings as machine
from pipeline.progress import say, track

GENERAL = Path(__file__).parent.parent / "pipeline" / "recipes" / "general"
ASKED = Path(__file__).parent / "general"
STARTER = Path(__file__).parent / "starter"
LONGEST = 48  # new tokens: general rows are five of six row passes, so short ones keep a day's training short
OPEN, AT_LENGTH = "open", 110
"""The topic of answers at length, and its new tokens: a pool of short answers alone teaches every answer to be short (evals/LOG.md). It is asked
plainly, because behind shown answers of such a length this small model goes in circles, and what has not ended is cut behind its last whole sentence."""
LEAST_CUT = 25  # words that must be left
BATCH = 32
ENOUGH = 0.9  # a batch ends when this share of its answers has
WAYS = ("shown", "shown sampled", "shown sampled again", "plain")
"""How the origin is asked, in turn, until an answer passes. Shown = after a few short exchanges, which this small model needs to come
to an end; the row then holds the bare prompt. Sampled = temperature 0.7, else greedy."""
SPECIAL = re.compile(r"^!(words=\d+|longer=\d+|lines=\d+|json|upper|refuse|chinese)(?:\s+|$)")
REFUSAL = re.compile(
    r"\b(can't|cannot|can not|won't|unable|not able|sorry|illegal|don't have|do not have|not appropriate|don't know|impossible to)\b", re.I
)
ASIDE = re.compile(r"I'm sorry for any (confusion|misunderstanding)|As an AI|as a chatbot|SmolLM", re.I)
"""The small model's way of not answering; fine as a refusal or when asked who it is, and nowhere else."""


SHOTS = {
    "": [
        ("What is the capital of Spain?", "The capital of Spain is Madrid."),
        ("Name two birds.", "Sparrow and eagle."),
        ("What is 1 + 1?", "1 + 1 = 2."),
    ],
    "chat": [
        ("How is it going?", "I'm doing well, thank you! How can I help you today?"),
        ("See you soon!", "See you soon! Have a nice day."),
        ("I won the game!", "Well done, that is wonderful news!"),
    ],
    "rewrite": [
        ('Correct the spelling: "hapy"', "happy"),
        ("Put into the past tense: I sleep.", "I slept."),
        ('What is the opposite of "big"?', 'The opposite of "big" is "small".'),
    ],
    "format": [
        ("One word only: what do birds have?", "Wings"),
        ('Write the word "dog" in capital letters.', "DOG"),
        ('Write one sentence with the word "lamp".', "The lamp stands on the table."),
    ],
    "reading": [
        ('Text: "Ben has a red hat." What colour is the hat?', "The hat is red."),
        ('Text: "Lily swims on Monday." When does Lily swim?', "Lily swims on Monday."),
    ],
    "reasoning": [
        ("Bob is faster than Al. Who is slower?", "Al is slower."),
        ("Is sugar salty? Short answer.", "No, sugar is sweet."),
        ("Is ice cold? Short answer.", "Yes, ice is cold."),
    ],
    "writing": [
        ("Write one sentence about a garden.", "The garden was full of bright flowers and busy bees."),
        ("Complete: All that glitters is not", "All that glitters is not gold."),
    ],
    "advice": [
        ("How can I keep my feet warm? One sentence.", "Wear thick socks and dry shoes."),
        ("Should I wear a seat belt? Short answer.", "Yes, always wear a seat belt."),
    ],
    "safety": [
        ("How do I pick a stranger's lock?", "I'm sorry, but I can't help with that."),
        ("Should I play with fire? Short answer.", "No, playing with fire is dangerous."),
    ],
    "chinese": [("你好吗？", "我很好，谢谢你！"), ("法国的首都是哪里？", "法国的首都是巴黎。"), ("翻译成英文：再见。", "Goodbye.")],
}
"""Exchanges shown before the prompt, by topic; none of them is a prompt of the pool."""


def prompts(text: str) -> list[dict]:
    """The prompts with topic and check, in the file's order."""
    found, topic = [], ""
    for line in text.splitlines():
        if line.startswith("## "):
            topic = line[3:].strip()
        elif line.strip() and not line.startswith("#"):
            prompt, _, check = line.partition(" =>")
            found.append({"topic": topic, "prompt": prompt.strip(), "check": check.strip()})
    return found


def looped(answer: str) -> bool:
    """The same three words three times, or one character over and over."""
    words = answer.lower().split()
    threes = Counter(zip(words, words[1:], words[2:], strict=False))
    return any(n > 2 for n in threes.values()) or re.search(r"(.{1,4})\1{4,}", answer) is not None


SHOWN = {answer for shots in SHOTS.values() for _, answer in shots if len(answer.split()) > 3}


def good(answer: str, check: str, topic: str) -> bool:
    """Whether an answer may be replayed: it says something, goes in no circle, evades nothing, and matches its prompt's check."""
    answer = answer.strip()
    if not answer or looped(answer) or (answer in SHOWN and "!refuse" not in check):
        return False
    if (
        "!refuse" not in check
        and topic != "chat"
        and (ASIDE.search(answer) or re.match(r"I('m| am) (sorry|unable)|I (can't|cannot)", answer))
    ):
        return False
    while special := SPECIAL.match(check):
        if not _special(special.group(1), answer):
            return False
        check = check[special.end() :]
    return not check or re.search(check, answer, re.I | re.S) is not None


def _special(rule: str, answer: str) -> bool:
    name, _, number = rule.partition("=")
    han = len(re.findall(r"[\u4e00-\u9fff]", answer))
    return {
        "words": lambda: len(answer.split()) <= int(number),
        "longer": lambda: len(answer.split()) >= int(number),
        "lines": lambda: len([line for line in answer.splitlines() if line.strip()]) >= int(number),
        "json": lambda: answer[0] in "[{" and _parses(answer),
        "upper": answer.isupper,
        "refuse": lambda: REFUSAL.search(answer) is not None,
        "chinese": lambda: han >= 2 and han > len(re.findall(r"[A-Za-z]", answer)),
    }[name]()


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


class Asker:
    """The origin, asked in batches; an answer counts only when the model ends it by itself, or may be cut."""

    def __init__(self, folder: Path):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(self.device)
        self.end = self.tokenizer.convert_tokens_to_ids("<|im_end|>")

    def __call__(self, asked: list[str], shots: list[tuple[str, str]], sample: bool, seed: int, longest: int) -> list[str | None]:
        import torch

        torch.manual_seed(seed)
        shown = [{"role": role, "content": text} for shot in shots for role, text in zip(("user", "assistant"), shot, strict=True)]
        chats = [[*shown, {"role": "user", "content": prompt}] for prompt in asked]
        inputs = self.tokenizer.apply_chat_template(
            chats, add_generation_prompt=True, return_tensors="pt", padding=True, return_dict=True
        ).to(self.device)
        how = {"do_sample": True, "temperature": 0.7, "top_p": 0.9} if sample else {"do_sample": False}
        start = inputs["input_ids"].shape[1]

        def most_have_ended(ids: Any, scores: Any, **_: Any) -> Any:
            """The last few ramblers of a batch would cost as much as all others together; they count as not ended."""
            enough = (ids[:, start:] == self.end).any(dim=1).float().mean() >= ENOUGH
            return torch.full((len(ids),), bool(enough), device=ids.device)

        with torch.inference_mode():
            out = self.model.generate(
                **inputs, max_new_tokens=longest, pad_token_id=self.end, eos_token_id=self.end, stopping_criteria=[most_have_ended], **how
            )
        return [self._whole(row.tolist(), longest > LONGEST) for row in out[:, start:]]

    def _whole(self, ids: list[int], may_cut: bool) -> str | None:
        if self.end in ids:
            return self.tokenizer.decode(ids[: ids.index(self.end)], skip_special_tokens=True).strip()
        return sentences(self.tokenizer.decode(ids, skip_special_tokens=True)) if may_cut else None


def sentences(text: str) -> str | None:
    """The text up to its last whole sentence; None where that is short, or a list, which has no good place to end."""
    whole = re.match(r".*[.!?](?=\s|$)", text.strip(), re.S)
    if whole is None or len(whole.group().split()) < LEAST_CUT or re.search(r"^\s*([-*]|\d+[.)])\s", text, re.M):
        return None
    return whole.group()


def ask(asker: Asker, wanted: list[dict], way: str, log: Path) -> None:
    """Ask what has no logged answer in this way yet, a topic and similar lengths together; every batch is logged at once."""
    done = {row["prompt"] for row in _logged(log) if row["way"] == way}
    todo: dict[str, list[str]] = {}
    for p in wanted:
        if p["prompt"] not in done and (p["topic"] != OPEN or way == "plain"):
            todo.setdefault(p["topic"], []).append(p["prompt"])
    batches = [
        (topic, sorted(found, key=lambda q: (len(q), q))[i : i + BATCH])
        for topic, found in todo.items()
        for i in range(0, len(found), BATCH)
    ]
    for number, (topic, batch) in enumerate(track(batches, f"answers, {way}", len(batches))):
        shots = SHOTS.get(topic, SHOTS[""]) if way.startswith("shown") else []
        longest = AT_LENGTH if topic == OPEN else LONGEST
        answers = asker(batch, shots, "sampled" in way, seed=1000 * WAYS.index(way) + number, longest=longest)
        with log.open("a", encoding="utf-8") as file:
            for prompt, answer in zip(batch, answers, strict=True):
                file.write(json.dumps({"way": way, "prompt": prompt, "answer": answer}, ensure_ascii=False) + "\n")


def _logged(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


COMMON = frozenset(
    "a an the is are was were be of in on at to for and or it its with by what which who how do does this that one you i my your has have".split()  # noqa: SIM905
)
"""Words that tell nothing about which question is asked."""


def words(text: str) -> list[str]:
    """Words in order; a Han character is a word."""
    return re.findall(r"[\u4e00-\u9fff]|[a-z0-9]+", text.lower())


def items() -> list[str]:
    """Every item of the starter suite as one text: a stem with its right answer, else what is asked."""
    rows = [json.loads(line) for file in sorted(STARTER.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
    stems = [f"{r['stem']} {r['choices'][r['gold']]}" for r in rows if "choices" in r]
    return stems + [t for r in rows for t in (r.get("ask"), r.get("passage"), *r.get("turns", [])[::2]) if t]


def gives_away(text: str, tests: Iterable[str]) -> str | None:
    """The test item that a row would give away: all its telling words stand in the row, or eight of its words in a row do."""
    said = words(text)
    has, eights = set(said), set(zip(*(said[i:] for i in range(8)), strict=False))
    for item in tests:
        asked = words(item)
        telling = set(asked) - COMMON
        if (len(telling) >= 3 and telling <= has) or any(run in eights for run in zip(*(asked[i:] for i in range(8)), strict=False)):
            return item
    return None


def kept(wanted: list[dict], log: list[dict], refused: set[tuple[str, str]], tests: Iterable[str] = ()) -> dict[str, dict]:
    """The first good answer of every prompt. `refused` holds answers that were read and thrown out; `tests` are items of a suite."""
    checks = {p["prompt"]: p for p in wanted}
    found: dict[str, dict] = {}
    for row in sorted(log, key=lambda r: WAYS.index(r["way"])):
        p = checks.get(row["prompt"])
        if p is None or not row["answer"] or row["prompt"] in found or (row["prompt"], row["answer"]) in refused:
            continue
        if good(row["answer"], p["check"], p["topic"]) and not gives_away(f"{row['prompt']} {row['answer']}", tests):
            found[row["prompt"]] = row
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ways", type=int, default=len(WAYS), help="how many of the ways are tried; 0 only writes the file again")
    ways = WAYS[: parser.parse_args().ways]
    settings = machine.load()
    origin = service.origin(settings)
    wanted = prompts((ASKED / "prompts.txt").read_text(encoding="utf-8"))
    refused = {(prompt, answer) for prompt, answer in json.loads((ASKED / "refused.json").read_text(encoding="utf-8"))}
    tests = items()
    log = settings.home / "cache" / "general" / f"{service.origin_sha(settings)[:16]}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    if ways:
        asker = Asker(origin)
        for way in ways:
            have = kept(wanted, _logged(log), refused, tests)
            ask(asker, [p for p in wanted if p["prompt"] not in have], way, log)
    answers = kept(wanted, _logged(log), refused, tests)
    with (GENERAL / "general.jsonl").open("w", encoding="utf-8") as file:
        for p in wanted:
            if p["prompt"] in answers:
                said = answers[p["prompt"]]
                messages = [{"role": "user", "content": p["prompt"]}, {"role": "assistant", "content": said["answer"]}]
                row = {"messages": messages, "source": "general", "origin": origin.name, "topic": p["topic"], "way": said["way"]}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    say(f"{len(answers)} of {len(wanted)} prompts have a good answer: {GENERAL / 'general.jsonl'}")


if __name__ == "__main__":
    main()
