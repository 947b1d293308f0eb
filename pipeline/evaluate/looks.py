"""Ask a candidate in batches and stop when the verdict is settled. What settles it is not known here: a rule from above says what comes next."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from pipeline import lineage
from pipeline.errors import BadRecipe
from pipeline.evaluate import items, lmeval
from pipeline.evaluate.suites import Battery
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings

FILE = "sampling.json"
"""Beside the items: the draw as it was laid down, and how far it was followed."""


class Rule(Protocol):
    """A function of the answers so far. Whoever was killed and asks again is told the same, from answers that are remembered."""

    @property
    def declared(self) -> dict[str, Any]:
        """All that was laid down before the first answer; part of the scores' id."""

    @property
    def record(self) -> dict[str, Any]:
        """The declaration and where the asking ended."""

    @property
    def words(self) -> str:
        """Where the asking stands."""

    def more(self, rows: list[dict[str, Any]]) -> dict[str, list[int]]:
        """Benchmark -> items to ask next; nothing once the verdict is settled."""


Maker = Callable[[Settings, Recipe, str, Mapping[str, str]], Rule]
"""(settings, lesson, candidate, role -> id of a reference's sealed scores) -> the rule for this candidate."""


def planned(lesson: Recipe) -> bool:
    return lesson.evaluation.looks > 1 or lesson.evaluation.items_per_ability is not None


def maker(lesson: Recipe, given: Maker | None) -> Maker | None:
    """The rule's maker where the lesson wants one."""
    if not planned(lesson):
        return None
    if given is None:
        raise BadRecipe(f"recipe {lesson.name}: evaluation.looks and items_per_ability need the gate's rule: call `equipoise evaluate`")
    return given


def ask(lm: Any, batteries: list[Battery], rule: Rule, seed: int, model: str) -> list[dict[str, Any]]:
    """lm-eval's results of each battery: of what the rule asked for, and of all that it has no say in (targets, checks, what is only shown)."""
    measured = {n: m for b in batteries for n, m in b.measured.items()}
    ruled = {n for n, m in measured.items() if m.kind == "suite"}
    asked: dict[str, list[int]] = {}
    rows: list[dict[str, Any]] = []
    while fresh := rule.more(rows):
        say(f"{model}: {rule.words}: {sum(map(len, fresh.values()))} items")
        found = lmeval.merged([lmeval.ask(lm, cut, seed) for b in batteries if (cut := _cut(b, fresh, bare=True)).tasks])
        rows += items.rows(found["samples"], measured)
        asked = {n: sorted([*asked.get(n, []), *fresh.get(n, [])]) for n in {**asked, **fresh}}
    # once more for the figures over everything that was asked; every answer to it is remembered but those outside the rule
    return [lmeval.ask(lm, cut, seed) for b in batteries if (cut := _cut(b, asked | _others(b, ruled))).tasks]


def _others(battery: Battery, ruled: set[str]) -> dict[str, list[int]]:
    return {n: (battery.samples or {}).get(n) or list(range(len(t.eval_docs))) for n, t in battery.tasks.items() if n not in ruled}


def _cut(battery: Battery, wanted: Mapping[str, list[int]], bare: bool = False) -> Battery:
    """The battery with these items alone. A group of benchmarks sums up only where all of it is there."""
    tasks = {n: t for n, t in battery.tasks.items() if wanted.get(n)}
    groups = {} if bare or len(tasks) < len(battery.tasks) else battery.groups
    return replace(battery, tasks=tasks, groups=groups, samples={n: wanted[n] for n in tasks})


def write(work: Any, rule: Rule, rows: list[dict[str, Any]]) -> None:
    """Seal what the rule says beside the items, with how much of the pool was asked."""
    record = rule.record
    lineage.write_json(work.folder / FILE, record)
    asked = {(r["benchmark"], r["doc_id"]) for r in rows if r["kind"] == "suite"}
    planned = sum(record["planned"].values())
    work.extra |= {
        "sampling": {"asked": len(asked), "planned": planned, "looks": record["draw"]["looks"], "reach": record["draw"]["reach"]}
    }
    say(f"{len(asked)} of {planned} items were asked before the verdict was settled, or all looks were over")


def draw_each_alone(batteries: list[Battery], seed: int) -> None:
    """Let every item draw its few-shot examples by itself, so that they do not depend on which items are asked before it."""
    for battery in batteries:
        for task in battery.tasks.values():
            if not getattr(task, "_draws_alone", False):
                task.fewshot_context, task._draws_alone = _alone(task, task.fewshot_context, seed), True


def _alone(task: Any, context: Callable[..., Any], seed: int) -> Callable[..., Any]:
    def drawn(doc: Any, *args: Any, **options: Any) -> Any:
        task.sampler.set_rnd(f"{seed}:{items.identity(doc)}")
        return context(doc, *args, **options)

    return drawn
