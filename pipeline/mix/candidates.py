"""Candidates: the rows that may be taught, from all that was mined to what fits, is chosen and is routed."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.errors import BadRecipe
from pipeline.mix import history, necessity, router, select
from pipeline.recipe import Recipe, Task

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Dropped = list[tuple[str, Row, str]]
"""(kind, row, reason)."""

KINDS = ("sft", "dpo", "kto")
GENERAL = "general"

Measure = Callable[[list[Row]], tuple[int, int]]
"""Messages -> (tokens of all, tokens of the last answer)."""


@dataclass(frozen=True)
class Material:
    """What a lesson is made of."""

    given: str
    """The pairs that the lesson is about; rows of all other parents are replay."""
    day: date
    batches: Mapping[str, list[list[Row]]]
    """Rows of every parent by kind, the given pairs first, then newest first."""
    heldout: list[Row]
    """What is never trained on."""
    taken_back: list[Row]
    """Consent and votes that were withdrawn after they had been mined."""
    pool: list[Row]
    context: int
    parameters: int


def taught_tasks(cards: Mapping[str, Task], recipe: Recipe) -> dict[str, Task]:
    """The tasks of the lesson. `other` is one of them only where the recipe says so; `general` is the pool's name."""
    if GENERAL in cards:
        raise BadRecipe("tasks/general.yaml: `general` names the replay pool in every count; call the task something else")
    return dict(cards) | ({"other": Task(name="other", about="rows that no task card matched")} if recipe.mixing.train_other else {})


def standing(kind: str, material: Material, cards: Mapping[str, Task], dropped: Dropped) -> list[Row]:
    """Rows that were not taken back or replaced, of tasks that are taught, away from what is held out, in their task's form."""
    batches = []
    for batch in material.batches[kind]:
        kept, unsaid = history.unsaid(batch, material.taken_back)
        batches.append([dressed(row, cards) for row in kept])
        dropped += [(kind, row, reason) for row, reason in unsaid]
    one_answer = frozenset(name for name, card in cards.items() if card.answer.format != "free")
    kept, repeated = history.newest(kind, batches, one_answer)
    dropped += [(kind, row, reason) for row, reason in repeated]
    dropped += [
        (kind, row, "no task card matches it" if row["task"] == "other" else "its task is not in the recipe")
        for row in kept
        if row["task"] not in cards
    ]
    return trainable(kind, [row for row in kept if row["task"] in cards], material.heldout, dropped)


def trainable(kind: str, rows: list[Row], heldout: list[Row], dropped: Dropped) -> list[Row]:
    """Rows away from what is held out; the general pool is asked too."""
    kept, held = history.apart(rows, heldout)
    dropped += [(kind, row, reason) for row, reason in held]
    return kept


def known(kind: str, rows: list[Row], unknown: str, dropped: Dropped) -> list[Row]:
    """Rows whose facts the origin knows, as far as they were measured. A hotfix was written by somebody who wants just that taught."""
    lost = [row for row in rows if unknown == "drop" and row.get(necessity.LACKING) and row["source"] != "hotfix"]
    dropped += [(kind, row, f"{necessity.LACKING}: the origin does not know its fact, however it is asked") for row in lost]
    ids = {id(row) for row in lost}
    return [row for row in rows if id(row) not in ids]


def dressed(row: Row, cards: Mapping[str, Task]) -> Row:
    """One form for all rows of a task: the card's system text stands first where the log has none."""
    card = cards.get(row["task"])
    column = "prompt" if "prompt" in row else "messages"
    if card is None or not card.system or any(m["role"] == "system" for m in row[column]):
        return dict(row)
    return row | {column: [{"role": "system", "content": card.system}, *row[column]]}


def measured(row: Row, measure: Measure) -> Row:
    """The row with its tokens under the origin's template. A pair counts both of its answers; `longest` is what must fit."""
    answers = (
        [row["chosen"], row["rejected"]] if "chosen" in row else [row["completion"]] if "completion" in row else [row["messages"][-1:]]
    )
    counted = [measure([*history.prompt(row), *answer]) for answer in answers]
    return row | {"tokens": sum(c[0] for c in counted), "answer_tokens": sum(c[1] for c in counted), "longest": max(c[0] for c in counted)}


def fitting(kind: str, rows: list[Row], length: int, dropped: Dropped) -> list[Row]:
    """Rows are never cut: one that is too long is left out."""
    dropped += [(kind, row, f"longer than {length} tokens") for row in rows if row["longest"] > length]
    return [row for row in rows if row["longest"] <= length]


def chosen(kind: str, rows: list[Row], cards: Mapping[str, Task], most_of_a_user: int | None, dropped: Dropped) -> list[Row]:
    """Each task's rows under its cap."""
    kept: list[Row] = []
    for task, card in sorted(cards.items()):
        best, rest = select.select([r for r in rows if r["task"] == task], card, most_of_a_user)
        kept += best
        dropped += [(kind, row, reason) for row, reason in rest]
    return kept


def evidence(rows: Rows, task: str) -> router.Evidence:
    """What the router looks at."""
    sft, dpo, kto = ([r for r in rows[kind] if r["task"] == task] for kind in KINDS)
    up = sum(bool(r["label"]) for r in kto)
    return router.Evidence(rows=len(sft), pairs=len(dpo), up=up, down=len(kto) - up)


def routed(kind: str, rows: list[Row], routes: Mapping[str, router.Route], method: str, min_rows: int, dropped: Dropped) -> list[Row]:
    """Rows that the routes use: SFT rows of tasks with enough of them, and one kind of preference for the whole lesson."""
    has = Counter(row["task"] for row in rows)
    kept = []
    for row in rows:
        own = routes[row["task"]].method
        if kind == "sft" and has[row["task"]] < min_rows:
            dropped.append((kind, row, f"collect more: its task has fewer than {min_rows} rows"))
        elif kind != "sft" and not own == method == f"sft+{kind}":
            dropped.append((kind, row, f"no {kind.upper()} in this lesson: {method}"))
        else:
            kept.append(row)
    return kept
