"""Train one model from one mix: SFT, then DPO or KTO, from the fixed origin (or, for a hotfix, from the champion)."""

import contextlib
import json
import resource
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from pipeline import lineage, service, weights
from pipeline.errors import BadInput
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from pipeline.train import fit, losses, margin, methods, plan, tokens
from pipeline.train.phase import Phase

VERSION = 1  # raise it when the same mix should yield another model

Row = dict[str, Any]


def run(mix: str, recipe: Recipe, settings: Settings) -> dict[str, Any]:
    """Make the model of a mix. Running it twice changes nothing; a killed run is continued from its last checkpoint."""
    parent = lineage.require(settings, mix, "mix")
    sha = service.origin_sha(settings)
    start = service.champion(settings) if recipe.training.start == "champion" else "origin"
    id = lineage.name("model", lineage.day_of(mix), mix, VERSION, recipe.training.model_dump(mode="json"), sha, start)
    parents = [mix] if start == "origin" else [mix, start]
    scratch = lineage.scratch(settings, id)
    with lineage.making(
        settings, id, parents=parents, recipe=recipe.model_dump(mode="json"), seeds={"train": recipe.training.seed}
    ) as work:
        if work is not None:
            found, written = plan.launch(mix, read_plan(settings, mix), recipe.training, parent["recipe"].get("training", {}))
            with contextlib.redirect_stdout(sys.stderr):  # libraries print; stdout is the id's
                lesson = Lesson(settings, mix, recipe, start, scratch, found)
                lesson.teach()
            lesson.leave(work.folder, written)
            work.counts.update(lesson.counts())
            work.extra.update(lesson.facts() | {"origin_sha": sha, "start": start, "method": found.method})
    shutil.rmtree(scratch, ignore_errors=True)
    sealed = lineage.manifest(settings, id)
    return {"id": id, "method": sealed["method"], "seconds": sealed["seconds"], "loss": {t: e["final"] for t, e in sealed["loss"].items()}}


def read_plan(settings: Settings, mix: str) -> dict[str, Any]:
    return yaml.safe_load((lineage.folder(settings, mix) / "plan.yaml").read_text(encoding="utf-8"))


def read_rows(settings: Settings, mix: str, kind: str) -> list[Row]:
    """The rows of a mix in their order."""
    import pyarrow.parquet as pq

    path = lineage.folder(settings, mix) / f"{kind}.parquet"
    return pq.read_table(path).to_pylist() if path.exists() else []


class Lesson:
    """One training, phase after phase. What each phase leaves in scratch is what the next one starts from."""

    def __init__(self, settings: Settings, mix: str, recipe: Recipe, start: str, scratch: Path, found: plan.Launch):
        self.settings, self.mix, self.scratch, self.found = settings, mix, scratch, found
        self.origin = service.origin(settings)
        self.base, self.adapter = began(settings, start, self.origin)
        if self.adapter and found.full_finetune:
            raise BadInput(f"{start} is an adapter, full_finetune trains every weight: start from the origin, or leave full_finetune out")
        self.processes = fit.count(recipe.training.processes)
        self.encoder = tokens.Encoder.of(self.origin, found.max_length)
        self.begun = time.monotonic()
        self.dropped: dict[str, Counter] = {}
        self.phases: list[Phase] = []
        self.rows: dict[str, int] = {}
        self.preference: dict[str, Any] = {"method": found.method, "done": False, "why": "the plan asks for SFT alone"}

    def teach(self) -> None:
        """SFT over all tasks, the key tasks once more, then preferences."""
        sft = self.encoded("sft", lambda row: tokens.answer(row, self.encoder, self.found.train_on))
        for name in ("main", "key"):
            rows = [r for r in sft if r["phase"] == name]
            if rows:
                self.phase(name, tokens.arranged(rows, self.found.batch_size * self.found.gradient_accumulation))
        if self.found.method == "sft+dpo":
            self.prefer("dpo", lambda row: tokens.pair(row, self.encoder))
        if self.found.method == "sft+kto":
            self.prefer("kto", lambda row: tokens.vote(row, self.encoder))
        if not self.phases:
            raise BadInput(f"{self.mix}: no row is left to train on ({self.reasons()}); mix again with more rows or a larger max_length")

    def encoded(self, kind: str, make: Callable[[Row], Row]) -> list[Row]:
        done = tokens.encode(read_rows(self.settings, self.mix, kind), make)
        self.dropped[kind] = done.dropped
        return done.rows

    def phase(self, name: str, rows: list[Row]) -> Phase:
        """Run one phase from where the lesson stands, and stand where it ended."""
        phase = Phase(name, self.scratch / name, self.base, self.origin, self.adapter, plan.phase_values(self.found, name))
        phase.write(rows)
        say(
            f"train {name}: {len(rows)} rows x {phase.values['passes']} at rate {phase.values['rate']:.1e}"
            + (", done before" if phase.final.exists() else "")
        )
        fit.fit(phase, self.processes)
        self.phases.append(phase)
        self.rows[name] = len(rows)
        self.stand(phase)
        return phase

    def stand(self, phase: Phase) -> None:
        if weights.is_adapter(phase.final):
            self.adapter = phase.final
        else:
            self.base = phase.final

    def prefer(self, name: str, make: Callable[[Row], Row]) -> None:
        """Preference training that must show, on rows it never saw, that it does what it is for; else SFT's weights stand."""
        rows = self.encoded(name, make)
        train, judges = margin.kept_out(rows)
        why = margin.too_few(name, train, judges)
        if why:
            self.preference = {"method": name, "done": False, "why": why}
            return
        stood = self.base, self.adapter
        before = margin.margins(*stood, judges, self.found.dtype)
        self.phase(name, train)
        risen = margin.rise(before, margin.margins(self.base, self.adapter, judges, self.found.dtype))
        self.preference = {
            "method": name,
            "done": risen.rose,
            "why": str(risen),
            "before": risen.before,
            "after": risen.after,
            "pairs": risen.pairs,
        }
        if not risen.rose:
            self.preference["why"] = f"{name.upper()} skipped: {risen}; the weights that SFT left stand"
            self.base, self.adapter = stood
        say(f"train {name}: {self.preference['why']}")

    def leave(self, folder: Path, written: dict[str, Any]) -> None:
        """Put weights, plan, losses and log into the model's folder."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        methods.place(self.base, self.adapter, self.origin, folder / "adapter")
        kinds = [
            ("step", pa.int64()),
            ("phase", pa.string()),
            ("task", pa.string()),
            ("loss", pa.float64()),
            ("tokens", pa.int64()),
            ("lr", pa.float64()),
        ]
        pq.write_table(pa.Table.from_pylist(self.records(), schema=pa.schema(kinds)), folder / "losses.parquet")
        text = yaml.safe_dump(written | {"training": self.report()}, allow_unicode=True, sort_keys=False, width=120)
        (folder / "plan.yaml").write_text(text, encoding="utf-8")
        logs = [p.folder / "train.log" for p in self.phases]
        (folder / "train.log").write_text("".join(log.read_text(encoding="utf-8") for log in logs if log.exists()), encoding="utf-8")

    def records(self) -> list[Row]:
        return [json.loads(line) for p in self.phases for line in p.losses.read_text(encoding="utf-8").splitlines()]

    def report(self) -> dict[str, Any]:
        """What training found out, for plan.yaml."""
        records = self.records()
        steps = max((r["step"] for r in records if r["phase"] == "main"), default=0)
        return {
            "phases": self.rows,
            "dropped": {kind: dict(reasons) for kind, reasons in self.dropped.items() if reasons},
            "truncated": 0,  # a row is kept whole or dropped with its reason
            "loss": losses.ends(records),
            "preference": self.preference,
            "warnings": losses.warnings(records, -(-steps // self.found.epochs)),
            "processes": self.processes,
        }

    def counts(self) -> dict[str, Any]:
        return {"rows": self.rows, "dropped": {k: sum(c.values()) for k, c in self.dropped.items()}}

    def facts(self) -> dict[str, Any]:
        records = self.records()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + resource.getrusage(
            resource.RUSAGE_CHILDREN
        ).ru_maxrss * self.processes * (self.found.deepspeed is not None)
        return {
            "seconds": round(time.monotonic() - self.begun, 1),
            "trained_tokens": sum(r["tokens"] for r in records),
            "peak_mb": round(peak / 1024),
            "loss": losses.ends(records),
            "preference": self.preference,
            "device": weights.device(),
        }

    def reasons(self) -> str:
        return "; ".join(f"{kind}: {n} {reason}" for kind, c in self.dropped.items() for reason, n in c.items()) or "the mix holds none"


def began(settings: Settings, start: str, origin: Path) -> tuple[Path, Path | None]:
    """(full weights, adapter on them) to start from."""
    folder = service.model_folder(settings, start)
    if start != "origin" and weights.is_adapter(folder):
        return origin, folder
    return folder, None
