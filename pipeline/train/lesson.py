"""One training, phase after phase. What each phase leaves in scratch is what the next one starts from."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import weights
from pipeline.errors import BadInput, Permanent
from pipeline.progress import say
from pipeline.train import fit, losses, margin, plan, tokens
from pipeline.train.phase import Phase

Row = dict[str, Any]


class Lesson:
    """Where a training stands: the weights so far, the phases behind it, and what was found on the way."""

    def __init__(self, mix: str, found: plan.Launch, began: tuple[Path, Path | None], origin: Path, scratch: Path, processes: int):
        self.mix, self.found, self.origin, self.scratch, self.processes = mix, found, origin, scratch, processes
        self.base, self.adapter = began
        self.encoder = tokens.Encoder.of(origin, found.max_length)
        self.dropped: dict[str, Counter] = {}
        self.phases: list[Phase] = []
        self.rows: dict[str, int] = {}
        self.preference: dict[str, Any] = {"method": found.method, "done": False, "why": "the plan asks for SFT alone"}

    def teach(self, rows: Callable[[str], list[Row]]) -> None:
        """SFT over all tasks, the key tasks once more, then preferences. `rows` reads the mix's rows of one kind."""
        sft = self.encoded("sft", rows("sft"), lambda row: tokens.answer(row, self.encoder, self.found.train_on))
        for name in ("main", "key"):
            part = [r for r in sft if r["phase"] == name]
            if part:
                self.phase(name, tokens.arranged(part, self.found.batch_size * self.found.gradient_accumulation))
        if self.found.method == "sft+dpo":
            self.prefer("dpo", self.encoded("dpo", rows("dpo"), lambda row: tokens.pair(row, self.encoder)))
        if self.found.method == "sft+kto":
            self.prefer("kto", self.encoded("kto", rows("kto"), lambda row: tokens.vote(row, self.encoder)))
        if not self.phases:
            raise BadInput(f"{self.mix}: no row is left to train on ({self.reasons()}); mix again with more rows or a larger max_length")

    def encoded(self, kind: str, rows: list[Row], make: Callable[[Row], Row]) -> list[Row]:
        done = tokens.encode(rows, make)
        self.dropped[kind] = done.dropped
        return done.rows

    def phase(self, name: str, rows: list[Row]) -> None:
        """Run one phase from where the lesson stands, and stand where it ended."""
        phase = Phase(name, self.scratch / name, self.base, self.origin, self.adapter, plan.phase_values(self.found, name))
        phase.write(rows)
        done = ", done before" if phase.final.exists() else ""
        say(f"train {name}: {len(rows)} rows x {phase.values['passes']} at rate {phase.values['rate']:.1e}{done}")
        fit.fit(phase, self.processes)
        self.phases.append(phase)
        self.rows[name] = len(rows)
        lost = losses.diverged(self.records())
        if lost:
            raise Permanent(f"{self.mix}: {lost}; lower the learning rate ({phase.values['rate']:g}) in the recipe")
        if weights.is_adapter(phase.final):
            self.adapter = phase.final
        else:
            self.base = phase.final

    def prefer(self, name: str, rows: list[Row]) -> None:
        """Preference training that must show, on rows it never saw, that it does what it is for; else SFT's weights stand."""
        train, judges = margin.kept_out(rows)
        why = margin.too_few(name, train, judges)
        if why:
            self.preference = {"method": name, "done": False, "why": why}
            say(f"train {name}: {why}")
            return
        stood = self.base, self.adapter
        before = margin.margins(*stood, judges, self.found.dtype)
        self.phase(name, train)
        found = margin.rise(before, margin.margins(self.base, self.adapter, judges, self.found.dtype))
        why = str(found)
        if not found.rose:
            why = f"{name.upper()} skipped: {found}; the weights that SFT left stand"
            self.base, self.adapter = stood
        self.preference = {
            "method": name,
            "done": found.rose,
            "why": why,
            "before": found.before,
            "after": found.after,
            "pairs": found.pairs,
        }
        say(f"train {name}: {why}")

    def records(self) -> list[Row]:
        """The loss records of all phases, in the order of training."""
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

    def reasons(self) -> str:
        return "; ".join(f"{kind}: {n} {reason}" for kind, c in self.dropped.items() for reason, n in c.items()) or "the mix holds none"
