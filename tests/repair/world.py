"""A blocked candidate whose see-saw is planted: how much it gains and loses follows from its adapter's strength and from its lesson, by rule."""

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from pipeline import lineage
from pipeline.evaluate import halves
from pipeline.evaluate.items import COLUMNS
from pipeline.gate import run as gate
from pipeline.recipe import Recipe, digest
from pipeline.settings import Settings
from tests.gate import world
from tests.gate.outputs import sha

N = {"maths": 400, "reading": 300, "code": 40, "intent": 120, "other_task": 40}
VALUES = {"learning_rate": 3e-4, "epochs": 3, "dpo_learning_rate": 1e-5, "full_finetune": False, "method": "sft"}
ADAPTER = {"peft_type": "LORA", "bias": "none", "use_dora": False}


class World:
    """Stages that seal what the planted rule says, in no time; the gate is the real one. `ran` counts what was asked of each."""

    def __init__(self, settings: Settings, harm: float = 0.2, dies_at: int | None = None):
        self.settings, self.harm, self.dies_at = settings, harm, dies_at
        self.ran: list[tuple[str, str, str]] = []

    def stage(self, name: str, words: list[str], lesson: Recipe) -> dict[str, Any]:
        self.ran.append((name, words[0], lesson.evaluation.half))
        if len(self.ran) == self.dies_at:
            raise KeyboardInterrupt
        return getattr(self, name)(words[0], lesson)

    def mix(self, parent: str, lesson: Recipe) -> dict[str, Any]:
        cut = lesson.mixing.slice
        if parent.startswith("pairs-"):
            return {"id": mix(self.settings, [parent], ["bad", "good", *(t for t in lesson.tasks or [] if t != "intent")])}
        left = [t for t in lineage.manifest(self.settings, parent)["planted"]["tasks"] if t not in cut.without]
        return {"id": mix(self.settings, [parent], left, cut.replay, cut.key_pass)}

    def train(self, parent: str, lesson: Recipe) -> dict[str, Any]:
        if parent.startswith("model-"):
            facts = lineage.manifest(self.settings, parent)["planted"]
            return {"id": model(self.settings, parent, facts | {"strength": facts["strength"] * (lesson.training.scale or 0)})}
        facts = lineage.manifest(self.settings, parent)["planted"]
        slow = (lesson.training.learning_rate or 3e-4) / 3e-4
        harm = (self.harm if "bad" in facts["tasks"] else 0.0) / facts["replay"]
        gain = 0.6 if "good" in facts["tasks"] else 0.0
        return {"id": model(self.settings, parent, {"strength": 1.0, "harm": harm * slow, "gain": gain * slow**0.5})}

    def evaluate(self, asked: str, lesson: Recipe) -> dict[str, Any]:
        for other in ("origin", asked):
            id = scores(self.settings, other, lesson.evaluation.half)
        return {"id": id}

    def gate(self, scored: str, lesson: Recipe) -> dict[str, Any]:
        return gate.run(scored, lesson, self.settings)

    def report(self, verdict: str, lesson: Recipe) -> dict[str, Any]:
        return {"id": f"report of {verdict}", "path": None}


def mix(settings: Settings, parents: list[str], tasks: Iterable[str], replay: float = 1.0, keyed: bool = True) -> str:
    planted = {"tasks": list(tasks), "replay": replay}
    id = f"mix-{world.DAY}-{sha(json.dumps([parents, planted, keyed]))[:8]}"
    with lineage.making(settings, id, parents=parents, recipe={"name": "daily"}) as work:
        if work is not None:
            messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]
            row = {"example_id": "e", "task": "intent", "source": "edit", "part": "replay", "messages": messages}
            pq.write_table(pa.Table.from_pylist([row]), work.folder / "sft.parquet")
            plan = {"tasks": {t: {"key": t == "good"} for t in tasks}, "values": _values()}
            (work.folder / "plan.yaml").write_text(yaml.safe_dump(plan))
            work.counts |= {
                "tasks": {t: {"passes": 50} for t in tasks} | {"general": {"main": 100, "passes": 100}},
                "total": {"key": 10 * keyed},
                "ratio": {"wanted": 2.0},
            }
            work.extra["planted"] = planted
    return id


def model(settings: Settings, parent: str, planted: dict[str, float]) -> str:
    id = f"model-{world.DAY}-{sha(json.dumps([parent, planted]))[:8]}"
    with lineage.making(settings, id, parents=[parent], recipe={"name": "daily"}) as work:
        if work is not None:
            (work.folder / "adapter").mkdir()
            (work.folder / "adapter" / "adapter_config.json").write_text(json.dumps(ADAPTER))
            (work.folder / "plan.yaml").write_text(yaml.safe_dump({"values": _values()}))
            work.extra |= {"planted": planted, "seconds": 1.0, "start": "origin"}
    return id


def _values() -> dict[str, Any]:
    return {name: {"value": value, "why": "the test says so"} for name, value in VALUES.items()}


def scores(settings: Settings, asked: str, half: str) -> str:
    """The planted answers of a model on one half, as `evaluate` seals them."""
    planted = {"strength": 0.0, "harm": 0.0, "gain": 0.0} if asked == "origin" else lineage.manifest(settings, asked)["planted"]
    id = f"scores-{world.DAY}-{sha(asked + half)[:8]}"
    rows = [r for name, n in N.items() for r in world._rows(name, [_value(name, i, planted) for i in range(n)])]
    rows = [r for r in rows if half in ("all", halves.of(r["doc_hash"]))]
    with lineage.making(settings, id, parents=[] if asked == "origin" else [asked], recipe={"name": "daily"}) as work:
        if work is not None:
            schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in COLUMNS.items()])
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), work.folder / "items.parquet")
            work.extra |= {"model": asked, "weights": sha(asked), "evalset": half, "settings": world.SETTINGS}
    return id


def _value(name: str, i: int, planted: dict[str, float]) -> float:
    """Origin: 4 of 5 right, of the taught tasks 1 of 10. A strength s loses harm x s^2 of maths and gains gain x min(1, 1.6 s) of intent."""
    s, lot = planted["strength"], int(sha(f"lot {name} {i}")[:6], 16) / 0xFFFFFF
    if name == "intent":
        return float(i % 10 == 0 or lot < planted["gain"] * min(1.0, 1.6 * s))
    right = i % 10 == 0 if name == "other_task" else i % 5 != 0
    return float(right and not (name == "maths" and lot < planted["harm"] * s * s))


def blocked(settings: Settings, lesson: Recipe, harm: float = 0.2) -> str:
    """The verdict that blocks: maths falls by a sixth, intent is gained."""
    pairs = world.seal(settings, f"pairs-{world.DAY}-{sha('p')[:8]}", [])
    made = model(settings, mix(settings, [pairs], ["bad", "good"]), {"strength": 1.0, "harm": harm, "gain": 0.6})
    scores(settings, "origin", "all")
    found = gate.run(scores(settings, made, "all"), lesson, settings)
    assert found["verdict"] == "block", found["reasons"]
    return str(found["id"])


def recipe() -> Recipe:
    found = world.recipe()
    assert digest(found)
    return found
