"""Make the general replay pool: the origin answers our own prompts, and what passes its check is kept.

`python -m evals.make_general` reads pipeline/recipes/general/prompts.txt and writes general.jsonl beside it. Replay in the model's own
words is what forgets least (on-policy replay: arXiv 2605.29495, 2510.18874); low-score replay is worse than none, hence the checks.
A run that was stopped goes on where it was: answers are kept in $EQUIPOISE_HOME/cache/general.
"""

import argparse
import json
import re
from collections import Counter
from pathlib import Path

from pipeline import service
from pipeline import settings as machine
from pipeline.progress import say, track

GENERAL = Path(__file__).parent.parent / "pipeline" / "recipes" / "general"
LONGEST = 48  # new tokens: general rows are five of six row passes, so short ones keep a day's training short
BATCH = 32
ROUNDS = 3  # greedy, then sampled for the prompts whose answer failed
SPECIAL = re.compile(r"^!(words=\d+|lines=\d+|json|upper|refuse|chinese)(?:\s+|$)")
REFUSAL = re.compile(
    r"\b(can't|cannot|can not|won't|unable|not able|sorry|illegal|don't have|do not have|not appropriate|don't know|impossible to)\b", re.I
)
ASIDE = re.compile(r"I'm sorry for any (confusion|misunderstanding)|As an AI|as a chatbot|SmolLM", re.I)
"""The small model's way of not answering; fine as a refusal or when asked who it is, and nowhere else."""


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


def good(answer: str, check: str, topic: str) -> bool:
    """Whether an answer may be replayed: it says something, goes in no circle, evades nothing, and matches its prompt's check."""
    answer = answer.strip()
    if not answer or looped(answer):
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
    """The origin, asked in batches; an answer counts only when the model ends it by itself."""

    def __init__(self, folder: Path):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(self.device)
        self.end = self.tokenizer.convert_tokens_to_ids("<|im_end|>")

    def __call__(self, asked: list[str], sample: bool, seed: int) -> list[str | None]:
        import torch

        torch.manual_seed(seed)
        chats = [[{"role": "user", "content": prompt}] for prompt in asked]
        inputs = self.tokenizer.apply_chat_template(
            chats, add_generation_prompt=True, return_tensors="pt", padding=True, return_dict=True
        ).to(self.device)
        how = {"do_sample": True, "temperature": 0.7, "top_p": 0.9} if sample else {"do_sample": False}
        with torch.inference_mode():
            out = self.model.generate(**inputs, max_new_tokens=LONGEST, pad_token_id=self.end, eos_token_id=self.end, **how)
        return [self._whole(row.tolist()) for row in out[:, inputs["input_ids"].shape[1] :]]

    def _whole(self, ids: list[int]) -> str | None:
        if self.end not in ids:
            return None
        return self.tokenizer.decode(ids[: ids.index(self.end)], skip_special_tokens=True).strip()


def ask(asker: Asker, wanted: list[dict], turn: int, log: Path) -> None:
    """Ask what has no logged answer for this turn yet, similar lengths together; every batch is logged at once."""
    done = {row["prompt"] for row in _logged(log) if row["turn"] == turn}
    todo = sorted((p for p in wanted if p["prompt"] not in done), key=lambda p: (len(p["prompt"]), p["prompt"]))
    batches = [todo[i : i + BATCH] for i in range(0, len(todo), BATCH)]
    for number, batch in enumerate(track(batches, f"answers, turn {turn}", len(batches))):
        answers = asker([p["prompt"] for p in batch], turn > 0, seed=1000 * turn + number)
        with log.open("a", encoding="utf-8") as file:
            for p, answer in zip(batch, answers, strict=True):
                file.write(json.dumps({"turn": turn, "prompt": p["prompt"], "answer": answer}, ensure_ascii=False) + "\n")


def _logged(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def kept(wanted: list[dict], log: list[dict]) -> dict[str, tuple[str, int]]:
    """The first good answer of every prompt, and the turn that gave it."""
    checks = {p["prompt"]: p for p in wanted}
    found: dict[str, tuple[str, int]] = {}
    for row in sorted(log, key=lambda r: r["turn"]):
        p = checks.get(row["prompt"])
        if p and row["answer"] and row["prompt"] not in found and good(row["answer"], p["check"], p["topic"]):
            found[row["prompt"]] = (row["answer"], row["turn"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    settings = machine.load()
    origin = service.origin(settings)
    wanted = prompts((GENERAL / "prompts.txt").read_text(encoding="utf-8"))
    log = settings.home / "cache" / "general" / f"{service.origin_sha(settings)[:16]}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    asker = Asker(origin) if rounds else None
    for turn in range(rounds):
        have = kept(wanted, _logged(log))
        ask(asker, [p for p in wanted if p["prompt"] not in have], turn, log)
    answers = kept(wanted, _logged(log))
    with (GENERAL / "general.jsonl").open("w", encoding="utf-8") as file:
        for p in wanted:
            if p["prompt"] in answers:
                answer, turn = answers[p["prompt"]]
                messages = [{"role": "user", "content": p["prompt"]}, {"role": "assistant", "content": answer}]
                row = {
                    "messages": messages,
                    "source": "general",
                    "origin": origin.name,
                    "topic": p["topic"],
                    "answered": "sampled" if turn else "greedy",
                }
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    say(f"{len(answers)} of {len(wanted)} prompts have a good answer: {GENERAL / 'general.jsonl'}")


if __name__ == "__main__":
    main()
