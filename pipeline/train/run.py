"""Train one model from one mix: SFT, then DPO or KTO, from the fixed origin (or, for a hotfix, from the champion)."""

import contextlib
import resource
import shutil
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from pipeline import lineage, service, weights
from pipeline.errors import BadInput, BadRecipe
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from pipeline.train import fit, methods, plan, rescale
from pipeline.train.lesson import Lesson

VERSION = 3  # raise it when the same mix should yield another model

Row = dict[str, Any]
HEADER = "# What this model was trained with and why; `training` is what was found on the way. Made by `equipoise train`.\n"


def run(mix: str, recipe: Recipe, settings: Settings) -> dict[str, Any]:
    """Make the model of a mix. Running it twice changes nothing; a killed run is continued from its last checkpoint.

    mix: a mix-… id; or a model-… id, which is given another strength by the recipe's `training.scale`.
    """
    if lineage.kind_of(mix) == "model":
        return rescale.run(mix, recipe, settings)
    if recipe.training.scale is not None:
        raise BadRecipe(
            f"recipe {recipe.name}: training.scale is {recipe.training.scale:g}, and {mix} is not trained yet: name a model-… id, or take it out"
        )
    parent = lineage.require(settings, mix, "mix")
    sha = service.origin_sha(settings)
    start = service.champion(settings) if recipe.training.start == "champion" else "origin"
    id = lineage.name("model", lineage.day_of(mix), mix, VERSION, recipe.training.model_dump(mode="json"), sha, start)
    parents, seeds = ([mix] if start == "origin" else [mix, start]), {"train": recipe.training.seed}
    scratch = lineage.scratch(settings, id)
    with lineage.making(settings, id, parents=parents, recipe=recipe.model_dump(mode="json"), seeds=seeds) as work:
        if work is not None:
            began = time.monotonic()
            found, written = plan.launch(mix, read_plan(settings, mix), recipe.training, parent["recipe"].get("training", {}))
            with contextlib.redirect_stdout(sys.stderr):  # libraries print; stdout is the id's
                origin, processes = service.origin(settings), fit.count(recipe.training.processes)
                lesson = Lesson(mix, found, beginning(settings, start, found), origin, scratch, processes)
                lesson.teach(partial(read_rows, settings, mix))
                report = leave(lesson, work.folder, written)
            work.counts.update(rows=lesson.rows, dropped={kind: sum(c.values()) for kind, c in lesson.dropped.items()})
            work.extra.update(origin_sha=sha, start=start, method=found.method, seconds=round(time.monotonic() - began, 1))
            work.extra.update(loss=report["loss"], preference=report["preference"], warnings=report["warnings"])
            work.extra.update(trained_tokens=sum(r["tokens"] for r in lesson.records()), **machine(processes))
    shutil.rmtree(scratch, ignore_errors=True)
    sealed = lineage.manifest(settings, id)
    final = {task: ends["final"] for task, ends in sealed["loss"].items()}
    return {"id": id, "method": sealed["method"], "seconds": sealed["seconds"], "loss": final}


def read_plan(settings: Settings, id: str) -> dict[str, Any]:
    """The plan of a mix, or the one that a model was trained with."""
    return yaml.safe_load((lineage.folder(settings, id) / "plan.yaml").read_text(encoding="utf-8"))


def read_rows(settings: Settings, mix: str, kind: str) -> list[Row]:
    """The rows of a mix in their order."""
    import pyarrow.parquet as pq

    path = lineage.folder(settings, mix) / f"{kind}.parquet"
    return pq.read_table(path).to_pylist() if path.exists() else []


def beginning(settings: Settings, start: str, found: plan.Launch) -> tuple[Path, Path | None]:
    """(full weights, adapter on them) to start from."""
    folder = service.model_folder(settings, start)
    if start == "origin" or not weights.is_adapter(folder):
        return folder, None
    if found.full_finetune:
        raise BadInput(f"{start} is an adapter and full_finetune trains every weight: start from the origin, or leave full_finetune out")
    return service.origin(settings), folder


def leave(lesson: Lesson, folder: Path, written: dict[str, Any]) -> dict[str, Any]:
    """Put weights, plan, losses and log into the model's folder; returns what training found out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    methods.place(lesson.base, lesson.adapter, lesson.origin, folder / "adapter")
    names = ("step", "phase", "task", "loss", "tokens", "lr")
    types = (pa.int64(), pa.string(), pa.string(), pa.float64(), pa.int64(), pa.float64())
    pq.write_table(pa.Table.from_pylist(lesson.records(), schema=pa.schema(zip(names, types, strict=True))), folder / "losses.parquet")
    report = lesson.report()
    for warning in report["warnings"]:
        say(f"train: {warning}")
    text = yaml.safe_dump(written | {"training": report}, allow_unicode=True, sort_keys=False, width=140)
    (folder / "plan.yaml").write_text(HEADER + text, encoding="utf-8")
    logs = [p.folder / "train.log" for p in lesson.phases]
    (folder / "train.log").write_text("".join(log.read_text(encoding="utf-8") for log in logs if log.exists()), encoding="utf-8")
    return report


def machine(processes: int) -> dict[str, Any]:
    """What the training took from this machine."""
    import torch

    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    found = {"device": weights.device(), "processes": processes, "peak_mb": round(max(own, child * processes))}
    if torch.cuda.is_available():
        found["peak_gpu_mb"] = round(torch.cuda.max_memory_allocated() / 2**20)
    return found
