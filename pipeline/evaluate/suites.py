"""Load a suite as lm-eval tasks: which benchmarks, how they are asked, and which items of them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import lineage, recipe
from pipeline.errors import BadRecipe, Transient
from pipeline.evaluate.items import Measured
from pipeline.recipe import Ability, Evaluation, Suite
from pipeline.settings import Settings

TASK_FILES = (".yaml", ".yml", ".py", ".json", ".jsonl", ".csv", ".txt", ".parquet")


@dataclass(frozen=True)
class Battery:
    """Benchmarks that are asked in one way, ready for lm-eval."""

    name: str
    chat: bool
    tasks: dict[str, Any]
    """lm-eval tasks by name: the benchmarks."""
    measured: dict[str, Measured]
    groups: dict[str, Any] = field(default_factory=dict)
    fewshot: int | None = None
    samples: dict[str, list[int]] | None = None
    """Exact items of the benchmarks; null = all. lm-eval's `limit` would take the first ones, which is biased."""
    abilities: dict[str, dict[str, Any]] = field(default_factory=dict)
    """For the gate: benchmarks, deciding metric and filter, cluster column, report_only and kind of each ability."""


def fingerprint(settings: Settings, name: str) -> dict[str, Any]:
    """What decides a suite's questions: its file, and the sum of every task file and item file it points at."""
    suite, path = recipe.suite(settings, name)
    folders = [f for f in (include(settings, suite, path), data_folder(suite, path)) if f]
    files = {str(p.relative_to(folder)): lineage.sha256(p) for folder in folders for p in _files(folder)}
    return {"suite": suite.model_dump(mode="json"), "files": files}


def _files(folder: Path) -> Iterator[Path]:
    return (p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix in TASK_FILES and "__pycache__" not in p.parts)


def include(settings: Settings, suite: Suite, path: Path) -> Path | None:
    """The suite's folder of task files. Task files may name Python functions, so they load from two places only."""
    if not suite.include:
        return None
    folder = (path.parent / suite.include).resolve()
    homes = [recipe.EVALS.resolve(), *([settings.config.resolve()] if settings.config else [])]
    if not any(folder.is_relative_to(home) for home in homes):
        raise BadRecipe(f"{path}: include {suite.include} leads outside {' and '.join(map(str, homes))}; put the task files there")
    if not folder.is_dir():
        raise BadRecipe(f"{path}: include {suite.include} is no folder ({folder}); correct it or write the task files")
    return folder


def data_folder(suite: Suite, path: Path) -> Path | None:
    if not suite.data_dir:
        return None
    folder = (path.parent / suite.data_dir).expanduser().resolve()
    if not folder.is_dir():
        raise BadRecipe(f"{path}: data_dir {suite.data_dir} is no folder ({folder}); put the items there or correct it")
    return folder


def load(settings: Settings, name: str, evaluation: Evaluation) -> Battery:
    """The suite's benchmarks, their items drawn and counted."""
    from lm_eval.tasks import TaskManager

    suite, path = recipe.suite(settings, name)
    data, folder = data_folder(suite, path), include(settings, suite, path)
    manager = TaskManager(
        include_path=[str(folder)] if folder else None,
        include_defaults=suite.defaults,
        metadata={"data_dir": str(data)} if data else None,
    )
    tasks: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    measured: dict[str, Measured] = {}
    abilities: dict[str, dict[str, Any]] = {}
    for ability, card in suite.abilities.items():
        loaded = _load(manager, card.tasks, f"{path}: ability {ability}")
        taken = sorted(tasks.keys() & loaded["tasks"].keys())
        if taken:
            raise BadRecipe(f"{path}: benchmark {taken[0]} is in {measured[taken[0]].ability} and in {ability}; one item counts once")
        tasks |= loaded["tasks"]
        groups |= loaded["groups"]
        measured |= {t: Measured(ability, card.kind, card.cluster) for t in loaded["tasks"]}
        abilities[ability] = _facts(card, loaded["tasks"])
    samples = draw(tasks, suite.items, evaluation.seed)
    _check_counts(path, suite, abilities, tasks, samples)
    return Battery(name, suite.chat_template, tasks, measured, groups, suite.num_fewshot, samples, abilities)


def _load(manager: Any, names: list[str], where: str) -> dict[str, Any]:
    """lm-eval raises whatever its dataset library raises; the words say where to look and whether a retry helps."""
    try:
        return manager.load(names)
    except ConnectionError as error:
        raise Transient(f"{where}: its items come from a hub that does not answer ({error}); go on line or use a local suite") from error
    except Exception as error:  # a task file is other people's code: any error in it is the suite's fault
        raise BadRecipe(f"{where}: lm-eval cannot load {', '.join(names)}: {type(error).__name__}: {error}") from error


def _facts(card: Ability, tasks: dict[str, Any]) -> dict[str, Any]:
    decides = {name: decider(task, card.metric, card.filter) for name, task in tasks.items()}
    return {
        "tasks": sorted(tasks),
        "decides": decides,
        "cluster": card.cluster,
        "report_only": card.report_only,
        "kind": card.kind,
        "rule": card.rule,
    }


def decider(task: Any, metric: str | None, chosen: str | None) -> dict[str, Any]:
    """The one metric and filter that decide: as the suite says, else the first metric listed, a flexible filter before a strict one."""
    metrics = list(task.higher_is_better())
    filters = [f.name for f in task._filters]
    for what, wanted, there in (("metric", metric, metrics), ("filter", chosen, filters)):
        if wanted and wanted not in there:
            raise BadRecipe(f"benchmark {task.task_name} has no {what} {wanted}; it has {', '.join(there)}")
    flexible = [f for f in filters if "flexible" in f]
    first = metric or metrics[0]
    return {"metric": first, "filter": chosen or (flexible or filters)[0], "higher_is_better": bool(task.higher_is_better()[first])}


def draw(tasks: dict[str, Any], most: int | None, seed: int) -> dict[str, list[int]] | None:
    """At most `most` items of each benchmark, by a shuffle that the seed and the benchmark's name fix; null = all of all."""
    if most is None:
        return None
    found = {}
    for name, task in tasks.items():
        everything = range(len(task.eval_docs))
        found[name] = sorted(random.Random(f"{seed}:{name}").sample(everything, min(most, len(everything))))
    return found


def _check_counts(path: Path, suite: Suite, abilities: dict, tasks: dict, samples: dict[str, list[int]] | None) -> None:
    """A suite that declares how many items an ability holds is believed when margins are judged, so it must be right."""
    for ability, card in suite.abilities.items():
        held = sum(len(samples[t]) if samples else len(tasks[t].eval_docs) for t in abilities[ability]["tasks"])
        if card.n is not None and card.n != held:
            raise BadRecipe(f"{path}: ability {ability} declares n: {card.n} and holds {held} items; write n: {held}")
