"""A hotfix's own examples, asked back as `<task>_hotfix`: whether the fix took. The model was trained on them, so they show no more than that."""

from pipeline import lineage
from pipeline.errors import BadRecipe
from pipeline.evaluate import heldout
from pipeline.evaluate.heldout import Document
from pipeline.recipe import Evaluation, Task
from pipeline.settings import Settings

ENDING = "_hotfix"


def cards(tasks: dict[str, Task]) -> dict[str, Task]:
    """A card for the examples of each task: they are scored as the task's held-out answers are."""
    taken = [name for name in tasks if name + ENDING in tasks]
    if taken:
        raise BadRecipe(
            f"tasks/{taken[0]}{ENDING}.yaml has the name under which the examples of a hotfix for {taken[0]} are asked; rename it"
        )
    return {name + ENDING: card.model_copy(update={"name": name + ENDING}) for name, card in tasks.items()}


def documents(settings: Settings, model: str, tasks: dict[str, Task], evaluation: Evaluation) -> dict[str, list[Document]]:
    """The examples that the hotfix taught this model, by the name they are asked under."""
    import pyarrow.parquet as pq

    pairs = own_pairs(settings, model)
    rows = pq.read_table(lineage.folder(settings, pairs) / "sft.parquet").to_pylist() if pairs else []
    found: dict[str, list[Document]] = {}
    for row in rows:
        if row["source"] == "hotfix" and row["task"] in tasks:
            example = {
                "id": row["example_id"],
                "messages": row["messages"][:-1],
                "answer": row["messages"][-1]["content"],
                "cluster": row["conversation_id"],
                "where": f"{pairs}/sft.parquet",
            }
            found.setdefault(row["task"] + ENDING, []).append(heldout.document(tasks[row["task"]], example))
    return {name: heldout.keep(docs, evaluation.max_heldout, evaluation.seed) for name, docs in found.items()}


def own_pairs(settings: Settings, model: str) -> str | None:
    """The pairs that the model's lesson was about: a mix names them first, and its slices come after it. The origin had no lesson."""
    if model == "origin":
        return None
    mix = lineage.lesson(settings, model)
    return next(iter(lineage.taught(settings, mix)), None) if mix else None
