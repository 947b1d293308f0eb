"""Held-out target tasks: prompts that no mix has seen, asked as the model is served, and their lm-eval tasks made in memory."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline import chat, lineage, recipe
from pipeline.errors import BadInput, BadRecipe
from pipeline.evaluate.checkers import DECIDES, check, fault
from pipeline.evaluate.items import Measured
from pipeline.evaluate.suites import Battery
from pipeline.recipe import Evaluation, Task
from pipeline.settings import Settings

PREFIX = "heldout_"
"""Benchmark of a target task: heldout_<task>. Its ability is the task's own name."""
VERSION = 1

Document = dict[str, Any]


def documents(settings: Settings, pairs: list[str], cards: dict[str, Task], evaluation: Evaluation) -> dict[str, list[Document]]:
    """The held-out items of every task card that has some: written ones first, then those that `mine` set aside."""
    mined = list(mined_rows(settings, pairs))
    found = {}
    for name, card in cards.items():
        rows = [*written_rows(settings, name), *(r for r in mined if r["task"] == name)]
        kept = keep([document(card, row) for row in rows], evaluation.max_heldout, evaluation.seed)
        if kept:
            found[name] = kept
    return found


def served(settings: Settings, champion: str) -> dict[str, Task]:
    """The tasks that the model in service was taught. One whose card is gone is retired: it is no longer asked."""
    models = (
        [champion, *(a for a in lineage.ancestors(settings, champion) if lineage.kind_of(a) == "model")] if champion != "origin" else []
    )
    mixes = [p for model in models for p in lineage.manifest(settings, model)["parents"] if lineage.kind_of(p) == "mix"]
    counts = [lineage.manifest(settings, mix)["counts"] for mix in mixes]
    names = {task for kind in ("tasks", "dpo", "kto") for found in counts for task in found.get(kind) or {}}
    cards = {}
    for name in sorted(names - {"general"}):
        try:
            path = recipe.find(settings, "tasks", f"{name}.yaml")
        except BadRecipe:
            continue
        cards[name] = recipe.read(path, Task)  # a card that cannot be read is an error, and retires nothing
    return cards


def sources(settings: Settings, model: str) -> list[str]:
    """The pairs ids that a model was made from, through its mix."""
    if model == "origin":
        return []
    return sorted(a for a in lineage.ancestors(settings, model) if lineage.kind_of(a) == "pairs")


def mined_rows(settings: Settings, pairs: list[str]) -> Iterable[Document]:
    """Rows of the held-out splits; the newest day first, so that the newest answer to a prompt is the one that stays."""
    import pyarrow.parquet as pq

    for id in sorted(pairs, reverse=True):
        path = lineage.folder(settings, id) / "heldout.parquet"
        if path.exists():
            for row in pq.read_table(path).to_pylist():
                yield {
                    "id": row["example_id"],
                    "task": row["task"],
                    "messages": row["messages"],
                    "answer": row["answer"],
                    "cluster": row["conversation_id"],
                    "where": f"{id}/heldout.parquet",
                }


def written_rows(settings: Settings, task: str) -> Iterable[Document]:
    """Items of heldout/<task>.jsonl: {"id", "prompt" or "messages", "answer", "choices"?, "cluster"?} a line."""
    try:
        path = recipe.find(settings, "heldout", f"{task}.jsonl")
    except BadRecipe:
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            yield _written(path, number, line)


def _written(path: Path, number: int, line: str) -> Document:
    where = f"{path}:{number}"
    try:
        item = json.loads(line)
        messages = item.get("messages") or [{"role": "user", "content": item["prompt"]}]
        answer = item["answer"] if isinstance(item["answer"], str) else json.dumps(item["answer"], ensure_ascii=False)
        known = {"id": str(item.get("id", number)), "messages": messages, "answer": answer, "cluster": item.get("cluster"), "where": where}
        if not all(isinstance(m.get("content", ""), str) and m["role"] in chat.ROLES for m in messages):
            raise ValueError("messages want a role of system, user, assistant or tool, and text")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f'{where}: {type(error).__name__} {error}; a line is {{"id", "prompt" or "messages", "answer"}}') from None
    return known


def document(card: Task, row: Document) -> Document:
    """One item as lm-eval keeps it. The system text is the one the model was taught with."""
    messages = chat.clean(row["messages"])
    if card.system and not any(m["role"] == "system" for m in messages):
        messages = [{"role": "system", "content": card.system}, *messages]
    wrong = fault(card.checker, row["answer"], card.answer.pattern)
    if wrong:
        raise BadInput(f"{row['where']}: item {row['id']} of task {card.name} ({card.checker}): {wrong}; correct or remove it")
    return {
        "id": str(row["id"]),
        "messages": json.dumps(messages, ensure_ascii=False),
        "answer": row["answer"],
        "cluster": str(row["cluster"] or ""),
    }


def keep(found: list[Document], most: int, seed: int) -> list[Document]:
    """One item a prompt, the first one given; then at most `most`, by a hash, so that growth of the set moves few items."""
    first: dict[str, Document] = {}
    for doc in found:
        first.setdefault(doc["messages"], doc)

    def place(doc: Document) -> str:
        return hashlib.sha256(f"{seed}:{doc['messages']}".encode()).hexdigest()

    return sorted(sorted(first.values(), key=place)[:most], key=lambda d: d["id"])


def battery(cards: dict[str, Task], found: dict[str, list[Document]], evaluation: Evaluation) -> Battery:
    """lm-eval tasks of the held-out items: generation through the chat template, scored by each card's checker."""
    tasks = {PREFIX + name: _task(cards[name], docs, evaluation) for name, docs in found.items()}
    decides = {"metric": DECIDES, "filter": "none", "higher_is_better": True}
    return Battery(
        name="targets",
        chat=True,
        tasks=tasks,
        measured={PREFIX + name: Measured(name, "target", "cluster") for name in found},
        abilities={
            name: {
                "tasks": [PREFIX + name],
                "decides": {PREFIX + name: decides},
                "cluster": "cluster",
                "report_only": False,
                "kind": "target",
            }
            for name in found
        },
    )


def _task(card: Task, docs: list[Document], evaluation: Evaluation) -> Any:
    from datasets import Dataset
    from lm_eval.api.task import ConfigurableTask

    rows = Dataset.from_list(docs)
    metrics = [DECIDES, "keys"] if card.checker == "json" else [DECIDES]
    task = ConfigurableTask(
        config={
            "task": PREFIX + card.name,
            "custom_dataset": lambda **_: {"test": rows},
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": "messages",
            "doc_to_target": "answer",
            "process_results": lambda doc, answers: check(card.checker, answers[0], doc["answer"], card.answer.pattern),
            "metric_list": [{"metric": m, "aggregation": "mean", "higher_is_better": True} for m in metrics],
            # greedy, and no stop string beyond the model's own end of turn: this is how it is served
            "generation_kwargs": {"until": [], "do_sample": False, "max_gen_toks": evaluation.max_new_tokens},
            "num_fewshot": 0,
            "metadata": {"version": VERSION},
        }
    )
    task.fewshot_context = _served
    return task


def _served(doc: Document, *_: Any, chat_template: Any, **__: Any) -> str:
    """The conversation as it stands, where lm-eval would wrap a single text as one user turn."""
    return chat_template(json.loads(doc["messages"]))
