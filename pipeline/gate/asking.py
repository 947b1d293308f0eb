"""The rule by which `evaluate` stops asking: which items come next, until the verdict is settled against the champion and the origin."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import lineage
from pipeline import recipe as recipes
from pipeline.gate import budget, comparison, decision, history, pairing, sampling, scores, stopping
from pipeline.gate.evidence import Run
from pipeline.gate.sampling import Doc, Sampling
from pipeline.gate.stopping import Terms
from pipeline.recipe import Ability, Recipe
from pipeline.settings import Settings

FILE = "sampling.json"
"""Beside the items of a candidate that was asked by such a rule."""
REMEMBERED = 20
"""Earlier candidates whose flips say where answers move: twenty days of them have seen most of what moves."""

Facts = dict[str, Any]
Row = dict[str, Any]


class Rule:
    """Follows one candidate's answers. A function of them: whoever was killed and asks again is told the same."""

    def __init__(self, drawn: Sampling, references: Mapping[str, Run], terms: Mapping[str, Terms], abilities: Mapping[str, Ability]):
        self.drawn, self.references, self.terms, self.abilities = drawn, references, terms, abilities

    @property
    def declared(self) -> Facts:
        """What was laid down before the first item: the draw, the margins and the errors."""
        return {"draw": dataclasses.replace(self.drawn, reach={}).facts(), "terms": {who: _plain(t) for who, t in self.terms.items()}}

    @property
    def record(self) -> Facts:
        """What is sealed: the declaration, and the look that each ability reached."""
        terms = self.declared["terms"]
        planned = {n: self.drawn.planned(n) for n in self.drawn.abilities}
        return {"draw": self.drawn.facts(), "terms": terms, "planned": planned}

    @property
    def words(self) -> str:
        """Where the asking stands, to be told."""
        looks = self.drawn.looks
        done = sum(r == looks for r in self.drawn.reach.values())
        return f"look {max(self.drawn.reach.values(), default=0)} of {looks}, {len(self.drawn.abilities) - done} of {len(self.drawn.abilities)} abilities to go on with"

    def more(self, rows: list[Row]) -> dict[str, list[int]]:
        """Benchmark -> items to ask next, after these rows of items.parquet; nothing once the verdict is settled."""
        before = self.drawn.asked()
        open_ = self._open(rows) if before else set(self.drawn.abilities)
        self.drawn = self.drawn.further({n for n in open_ if self.drawn.reach.get(n, 0) < self.drawn.looks})
        now = self.drawn.asked()
        fresh = {b: sorted(set(docs) - set(before.get(b, ()))) for b, docs in now.items()}
        return {b: docs for b, docs in fresh.items() if docs}

    def _open(self, rows: list[Row]) -> set[str]:
        """Abilities that either table asks on; none once one of them blocks."""
        if min(self.drawn.reach.values()) == self.drawn.looks:
            return set()
        some = next(iter(self.references.values()))
        candidate = scores.of_rows("the candidate", rows, some)
        found: set[str] = set()
        for who, reference in self.references.items():
            both = comparison.compare(cut(reference, self.drawn), candidate, asked(self.abilities, self.drawn))
            open_ = stopping.still_open(both, self.terms[who], self.drawn)
            if open_ is None:
                return set()
            found |= open_
        return found


def strayed(settings: Settings, id: str, declared: Mapping[str, Ability]) -> list[str]:
    """Abilities of a candidate's sealed scores that were asked further, or less far, than the rule sealed with them says."""
    import pyarrow.parquet as pq

    folder, manifest = lineage.folder(settings, id), lineage.manifest(settings, id)
    sealed = json.loads((folder / FILE).read_text(encoding="utf-8"))
    runs = _runs(settings, manifest["references"])
    abilities = decision.abilities_in(declared, *runs.values())
    terms = {who: Terms(**t | {"report_only": frozenset(t["report_only"])}) for who, t in sealed["terms"].items()}
    asked = Sampling.read(sealed["draw"])
    rule = Rule(dataclasses.replace(asked, reach={}), runs, terms, abilities)
    rows, known = pq.read_table(folder / "items.parquet").to_pylist(), list[Row]()
    while fresh := {b: set(docs) for b, docs in rule.more(known).items()}:
        known += [r for r in rows if r["doc_id"] in fresh.get(r["benchmark"], ())]
    return [n for n in asked.abilities if asked.reach[n] != rule.drawn.reach[n]]


def _runs(settings: Settings, references: Mapping[str, str]) -> dict[str, Run]:
    read = {id: scores.read(lineage.folder(settings, id), lineage.require(settings, id, "scores")) for id in set(references.values())}
    return {who: read[id] for who, id in references.items()}


def _plain(terms: Terms) -> Facts:
    return dataclasses.asdict(terms) | {"margins": dict(terms.margins), "report_only": sorted(terms.report_only)}


def rule(settings: Settings, lesson: Recipe, model: str, references: Mapping[str, str]) -> Rule:
    """The rule for one candidate. references: role -> id of sealed scores on all items."""
    runs = _runs(settings, references)
    abilities = decision.abilities_in(declared(settings, lesson), *runs.values())
    champion = runs["champion"]
    pools = {n: _docs(champion, ability) for n, ability in abilities.items()}
    asking = lesson.evaluation
    past = _moved(settings, model, champion, abilities) if asking.items_per_ability else {}
    seed = int(hashlib.sha256(f"{asking.seed}:{model}".encode()).hexdigest()[:8], 16)
    together = {n for n, a in abilities.items() if a.cluster}
    drawn = sampling.draw({n: p for n, p in pools.items() if p}, asking.looks, seed, asking.items_per_ability, past, together)
    return Rule(drawn, runs, _terms(settings, lesson, model, references, abilities), abilities)


def declared(settings: Settings, lesson: Recipe, kind: str = "suite") -> dict[str, Ability]:
    """The gating abilities of all suites of the lesson, or their behaviour checks."""
    found = [recipes.suite(settings, name)[0].abilities for name in lesson.evaluation.suites]
    return {n: a for abilities in found for n, a in abilities.items() if a.kind == kind}


def _docs(run: Run, ability: Ability) -> list[Doc]:
    rows = {(task, row.doc_id) for task in ability.tasks if task in run.benchmarks for row in run.benchmarks[task].rows}
    return sorted((task, doc) for task, doc in rows if doc is not None)


def _terms(
    settings: Settings, lesson: Recipe, model: str, references: Mapping[str, str], abilities: Mapping[str, Ability]
) -> dict[str, Terms]:
    """Margins and errors as the gate would have them today."""
    mix = lineage.lesson(settings, model)
    taught = next(iter(lineage.taught(settings, mix)), None) if mix else None
    alpha = decision.level(history.attempts_before(settings, model, taught) + 1)
    past = history.of(settings, references["origin"], str(lineage.day_of(model)), lesson.gate.origin_window)
    same = references["champion"] == references["origin"]
    ever = alpha if same else budget.alpha_today(alpha, lesson.gate.origin_window, past["tested"] + 1)
    return {who: Terms.of(lesson.gate, abilities, who, alpha, ever if who == "origin" else alpha) for who in references}


def _moved(settings: Settings, model: str, champion: Run, abilities: Mapping[str, Ability]) -> dict[str, list[Doc]]:
    """Of earlier days' candidates: which of today's items they changed, seen from the model that was in service then."""
    at = _keys(champion, abilities)
    day = lineage.day_of(model)
    past = [m for m in lineage.all_of(settings, "scores") if (m.get("references") or {}).get("champion") and lineage.day_of(m["id"]) < day]
    found: dict[str, list[Doc]] = {}
    for manifest in sorted(past, key=lambda m: (lineage.day_of(m["id"]), m["id"]))[-REMEMBERED:]:
        before = manifest["references"]["champion"]
        if not lineage.sealed(settings, before):
            continue
        then = [_values(settings, id, abilities) for id in (before, manifest["id"])]
        found[manifest["id"]] = sorted(at[k] for k in then[0].keys() & then[1].keys() & at.keys() if then[0][k] != then[1][k])
    return found


def _keys(run: Run, abilities: Mapping[str, Ability]) -> dict[tuple, Doc]:
    every = {(t, key): item for t, b in run.benchmarks.items() for key, item in _items(run, t, b, abilities).items()}
    return {key: (key[0], item.doc_id) for key, item in every.items() if item.doc_id is not None}


def _values(settings: Settings, id: str, abilities: Mapping[str, Ability]) -> dict[tuple, float]:
    run = scores.read(lineage.folder(settings, id), lineage.manifest(settings, id))
    return {(t, key): item.value for t, b in run.benchmarks.items() for key, item in _items(run, t, b, abilities).items()}


def _items(run: Run, task: str, benchmark: Any, abilities: Mapping[str, Ability]) -> dict:
    """Items of a benchmark that gates, under what decides."""
    ability = next((a for a in abilities.values() if task in a.tasks), None)
    if ability is None:
        return {}
    metric, filter = run.decides.get(task, (None, None))
    chosen = pairing.decide(benchmark, benchmark, ability.metric or metric, ability.filter or filter)
    return pairing.items(benchmark, *chosen) if chosen else {}


def read(folder: Path) -> Sampling | None:
    """How a candidate's items were drawn and how far they were asked; None where it was asked everything."""
    path = folder / FILE
    return Sampling.read(json.loads(path.read_text(encoding="utf-8"))["draw"]) if path.exists() else None


def cut(run: Run, drawn: Sampling) -> Run:
    """A reference's answers to the items that the candidate was asked; what was not drawn at all (targets, checks) stays whole."""
    wanted = {b: set(docs) for b, docs in drawn.asked().items()}
    ruled = {b for part in drawn.parts for b, _ in part.order}
    return dataclasses.replace(
        run,
        benchmarks={
            name: dataclasses.replace(b, rows=tuple(r for r in b.rows if r.doc_id in wanted.get(name, ()))) if name in ruled else b
            for name, b in run.benchmarks.items()
        },
    )


def asked(abilities: Mapping[str, Ability], drawn: Sampling) -> dict[str, Ability]:
    """The abilities with the benchmarks that the asking has come to: an early look may not have met a small one."""
    met = drawn.asked()
    return {n: a.model_copy(update={"tasks": [t for t in a.tasks if t in met] or a.tasks}) for n, a in abilities.items()}
