"""Remember a model's answers, so that no model is asked the same thing twice, nor again after a kill.

lm-eval's own cache has no model in its key and gives one model the answers of another; here every model has its own folder.
What is kept is the answer to the exact request (text, choices, generation settings), so scoring is done anew each time.
"""

import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.progress import EVERY_S, say

Key = str
KEPT_EVERY = 2
"""Batches of items that are asked before their answers are written down: what a kill can lose."""


class Remembering:
    """An lm-eval LM that asks its answerer only what its folder does not hold yet."""

    rank, world_size, tokenizer_name = 0, 1, ""

    def __init__(self, answerer: Any, folder: Path, batch: int, label: str):
        """`batch` documents are asked, then written down: a kill loses at most those."""
        self.answerer, self.folder, self.batch, self.label = answerer, folder, batch, label
        self.apply_chat_template = answerer.apply_chat_template
        self.asked = self.remembered = 0

    def loglikelihood(self, requests: list) -> list[tuple[float, bool]]:
        return [(ll, greedy) for ll, greedy in self.answers("loglikelihood", requests)]

    def loglikelihood_rolling(self, requests: list) -> list[float]:
        return self.answers("loglikelihood_rolling", requests)

    def generate_until(self, requests: list) -> list[str]:
        return self.answers("generate_until", requests)

    def answers(self, kind: str, requests: list) -> list[Any]:
        """Answers in the order of the requests; what is missing is asked task by task."""
        keys = list(name_requests(kind, requests))
        tasks = {t: [i for i, r in enumerate(requests) if r.task_name == t] for t in dict.fromkeys(r.task_name for r in requests)}
        known: dict[Key, Any] = {}
        for n, (task, mine) in enumerate(tasks.items(), 1):
            known |= self.task(kind, f"{task} ({n} of {len(tasks)} by {kind})", task, [(keys[i], requests[i]) for i in mine])
        return [known[k] for k in keys]

    def task(self, kind: str, title: str, task: str, requests: list[tuple[Key, Any]]) -> dict[Key, Any]:
        """Everything one task wants to know, from the folder and from the model."""
        folder = self.folder / re.sub(r"[^\w.-]", "_", task)
        known = recall(folder, kind)
        documents = by_document(requests, kind)
        missing = sum(any(k not in known for k, _ in d) for d in documents)
        self.remembered += len(documents) - missing
        self.asked += missing
        if missing:
            say(f"{self.label}: {title}: {missing} items to ask, {len(documents) - missing} known")
        pace = Pace(f"{self.label}: {title}", missing)
        for at in range(0, len(documents), self.batch):
            # batches are cut before looking what is known: a run that was killed asks the rest in the same company, which pads alike
            ask = [(k, r) for d in documents[at : at + self.batch] for k, r in d if k not in known]
            if ask:
                new = dict(zip([k for k, _ in ask], self.answerer.answer(kind, [r for _, r in ask]), strict=True))
                write_down(folder, kind, new)
                known |= new
                pace.step(len({(r.doc_id, r.task_name) for _, r in ask}))
        return known


class Pace:
    """A line now and then: how far a task is and how long it will take."""

    def __init__(self, title: str, total: int):
        self.title, self.total, self.done = title, total, 0
        self.start = self.last = time.monotonic()

    def step(self, n: int) -> None:
        self.done += n
        now = time.monotonic()
        if now - self.last >= EVERY_S and self.done < self.total:
            self.last = now
            say(f"{self.title}: {self.done} of {self.total}, about {(now - self.start) / self.done * (self.total - self.done):.0f} s left")


def name_requests(kind: str, requests: list) -> Iterator[Key]:
    """Identity of each request: everything that the model is given. Repeats of one request (sampling) are counted."""
    seen: Counter[str] = Counter()
    for request in requests:
        text = json.dumps([kind, request.task_name, request.args], sort_keys=True, ensure_ascii=False, default=str)
        seen[text] += 1
        yield hashlib.sha256(f"{seen[text]}:{text}".encode()).hexdigest()[:32]


def by_document(requests: list[tuple[Key, Any]], kind: str) -> list[list[tuple[Key, Any]]]:
    """The requests of each document together, the documents so that neighbours cost each other least.

    Choices are read as trees: like beginnings side by side. Generated answers are padded: like lengths side by side, longest first.
    """
    documents: dict[int, list[tuple[Key, Any]]] = {}
    for key, request in requests:
        documents.setdefault(request.doc_id, []).append((key, request))

    def place(document: list[tuple[Key, Any]]) -> tuple:
        text = str(document[0][1].args[0])
        return (text, document[0][0]) if kind == "loglikelihood" else (-len(text), document[0][0])

    return sorted(documents.values(), key=place)


def recall(folder: Path, kind: str) -> dict[Key, Any]:
    """All answers of one kind in a folder. A file that is torn or altered is passed over: its questions are asked again."""
    known: dict[Key, Any] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            page = json.loads(path.read_text(encoding="utf-8"))
            if page["kind"] == kind and page["sum"] == checksum(page["answers"]):
                known |= page["answers"]
        except (ValueError, KeyError, TypeError, OSError, AttributeError):
            say(f"{path}: not readable, its questions are asked again")
    return known


def write_down(folder: Path, kind: str, answers: dict[Key, Any]) -> None:
    """Keep a batch of answers, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256("".join(sorted(answers)).encode()).hexdigest()[:16]
    temporary = folder / f".{name}.{os.getpid()}.tmp"
    temporary.write_text(json.dumps({"kind": kind, "sum": checksum(answers), "answers": answers}, ensure_ascii=False), encoding="utf-8")
    os.replace(temporary, folder / f"{name}.json")


def checksum(answers: dict[Key, Any]) -> str:
    return hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()
