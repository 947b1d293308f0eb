"""A small sealed lineage, from logs to verdict, with texts as real logs hold them: what report, promote, trace and status are tested on."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import yaml

from pipeline import lineage, recipe
from pipeline.gate import targets
from pipeline.gate.paired import Pairs
from pipeline.gate.verdict import judge
from pipeline.settings import Settings
from tests.lineage_parts import ABILITIES, FLIPS, MARGINS, PEOPLE, Rows, flipped, write


@dataclass
class World:
    """The ids of one sealed lineage, by what they are."""

    logs: str
    pairs: str
    mix: str
    model: str
    scores: dict[str, str]
    verdict: str
    conversations: list[str] = field(default_factory=list)


def build(
    settings: Settings,
    verdict: str = "block",
    *,
    day: date = date(2026, 11, 20),
    champion: str = "origin",
    lesson: recipe.Recipe | None = None,
    dpo: bool = True,
    key: bool = True,
    hotfix: bool = False,
    text: Callable[[str], str] = str,
    salt: str = "",
) -> World:
    """Seal every parent of a report. `text` sees every word that came from logs, models or configuration, so that a test can poison it."""
    plain = (lesson or recipe.Recipe()).model_dump(mode="json")
    make = _Maker(settings, day, plain, text, salt + verdict + champion)
    logs = "" if hotfix else make.logs()
    pairs = make.pairs(logs, dpo)
    mix = make.mix(pairs, dpo, key)
    model = make.model(mix, dpo, key)
    scores = {"candidate": make.scores(model, verdict, "candidate")}
    scores["champion"] = make.scores(champion, verdict, "champion")
    scores["origin"] = scores["champion"] if champion == "origin" else make.scores("origin", verdict, "origin")
    found = make.verdict(verdict, model, champion, scores, mix)
    return World(logs, pairs, mix, model, scores, found, [f"c-{i}" for i in range(len(PEOPLE))])


class _Maker:
    def __init__(self, settings: Settings, day: date, plain: dict, text: Callable[[str], str], salt: str):
        self.settings, self.day, self.plain, self.text, self.salt, self.rows = settings, day, plain, text, salt, Rows(day, text)
        self.clock = datetime.fromisoformat(f"{day}T02:00:00+00:00")

    def _seal(self, kind: str, parents: list[str], seconds: float, fill: Callable[[lineage.Making], None], *what: object) -> str:
        id = lineage.name(kind, self.day, parents, self.salt, *what)
        with lineage.making(self.settings, id, parents=parents, recipe=self.plain) as work:
            if work is None:
                return id
            fill(work)
        path = lineage.folder(self.settings, id) / "manifest.json"
        end = self.clock + timedelta(seconds=seconds)
        lineage.write_json(path, json.loads(path.read_text()) | {"started": self.clock.isoformat(), "finished": end.isoformat()})
        self.clock = end
        return id

    def logs(self) -> str:
        def fill(work: lineage.Making) -> None:
            work.counts |= {"lines": 412, "stored": 401, "updated": 3, "unchanged": 2, "quarantined": 6, "quarantined_events": 1}
            work.counts["reasons"] = {
                self.text("torn JSON"): 4,
                self.text("invalid UTF-8"): 2,
                self.text("message of the event is absent"): 1,
            }
            work.extra |= {"snapshot": 3, "previous": None}

        return self._seal("logs", [], 2.4, fill)

    def pairs(self, logs: str, dpo: bool) -> str:
        def fill(work: lineage.Making) -> None:
            sft, pairs = [self.rows.sft(i) for i in range(24)], [self.rows.dpo(i) for i in range(18 if dpo else 0)]
            write(work.folder / "sft.parquet", sft)
            write(work.folder / "dpo.parquet", pairs)
            write(work.folder / "kto.parquet", [])
            write(work.folder / "heldout.parquet", [])
            reasons = ["cosmetic edit", "withdrawn vote", "answer breaks the task's format", "conflict: equal prompts, two answers"]
            dropped = [
                self.rows.common(i)
                | {"kind": "sft", "reason": self.text(reasons[i % 7 % 4]), "text": self.text(f"My name is {PEOPLE[i % 4][0]}")}
                for i in range(17)
            ]
            write(work.folder / "dropped.parquet", dropped)
            signals = [
                {
                    "conversation_id": f"c-{i % 4}",
                    "message_id": f"m{i}",
                    "signal": "edit",
                    "origin": "explicit",
                    "polarity": 1,
                    "weight": 1.0,
                    "evidence": {},
                }
                for i in range(41)
            ]
            (work.folder / "signals.jsonl").write_text("".join(json.dumps(s) + "\n" for s in signals))
            work.counts |= {"examples": len(sft), "pairs": len(pairs), "unpaired": 0, "heldout": 12, "signals": 41, "dropped": {}}

        return self._seal("pairs", [logs] if logs else [], 1.2, fill)

    def mix(self, pairs: str, dpo: bool, key: bool) -> str:
        def fill(work: lineage.Making) -> None:
            domain = [self.rows.sft(i) | {"phase": "main", "pass": 1, "part": "domain", "tokens": 61} for i in range(24)]
            general = [
                self.rows.sft(i)
                | {
                    "phase": "main",
                    "pass": 1,
                    "part": "general",
                    "task": "general",
                    "tokens": 48,
                    "example_id": f"g-{i}",
                    "source": "general",
                }
                for i in range(48)
            ]
            again = [r | {"phase": "key", "pass": 2} for r in domain] if key else []
            write(work.folder / "sft.parquet", general + domain + again)
            pairs = [self.rows.dpo(i) for i in range(18)] if dpo else []
            write(work.folder / "dpo.parquet", pairs)
            tasks = {
                self.text("person_json"): {
                    "rows": 24,
                    "passes": 24 + len(again),
                    "tokens": 61 * (24 + len(again)),
                    "main": 24,
                    "key": len(again),
                },
                self.text("general"): {"rows": 48, "passes": 48, "tokens": 48 * 48, "main": 48, "key": 0},
            }
            counts = {
                "tasks": tasks,
                "dpo": {self.text("person_json"): 18} if dpo else {},
                "dropped": {self.text("duplicate of a newer row"): 3},
            }
            lineage.write_json(work.folder / "counts.json", counts)
            (work.folder / "plan.yaml").write_text(
                yaml.safe_dump({"method": "sft", "values": {}, "notes": [self.text("general rows: 120 passes wanted at 5:1, 48 given")]})
            )

        return self._seal("mix", [pairs], 0.8, fill)

    def model(self, mix: str, dpo: bool, key: bool) -> str:
        def fill(work: lineage.Making) -> None:
            (work.folder / "adapter").mkdir()
            (work.folder / "adapter" / "adapter_model.safetensors").write_bytes(b"weights of " + self.salt.encode())
            (work.folder / "adapter" / "adapter_config.json").write_text("{}")
            values = {
                "method": ["sft+dpo" if dpo else "sft", "24 rows and 18 typed pairs: SFT teaches the answer, DPO what to leave"],
                "lora_rank": [16, "rank hardly matters on small data; 16 under 10,000 rows (LoRA without regret)"],
                "learning_rate": [5e-4, "135 M parameters: small models are trained at several times the rate of 7 B ones"],
                "epochs": [2, "96 row passes: two epochs; a third mostly learns rows by heart"],
                "max_length": [128, "the longest row has 97 tokens; rounded up to a multiple of 64"],
            }
            found = {
                "warnings": [self.text("person_json") + ": " + self.text("final loss 0.21 is under 0.5: its rows may be known by heart")],
                "preference": {"method": "dpo", "done": dpo, "why": self.text("the margin rose from 0.02 to 0.61 on 6 pairs kept out")},
                "dropped": {"sft": {self.text("longer than max_length"): 1}},
            }
            plan = {
                "method": values["method"][0],
                "why": self.text("24 edits and 18 pairs of one task"),
                "training": found,
                "values": {self.text(n): {"value": v, "why": self.text(w)} for n, (v, w) in values.items()},
            }
            (work.folder / "plan.yaml").write_text(yaml.safe_dump(plan, allow_unicode=True))
            write(work.folder / "losses.parquet", list(self.rows.losses(dpo, key)))
            (work.folder / "train.log").write_text("step 1 loss 2.4\n")
            work.extra |= {
                "start": "origin",
                "method": values["method"][0],
                "origin_sha": "0" * 64,
                "trained_tokens": 10464,
                "device": "cpu",
            }

        return self._seal("model", [mix], 213.0, fill)

    def scores(self, model: str, verdict: str, who: str) -> str:
        def fill(work: lineage.Making) -> None:
            items = [
                i
                for a, (lost, gained) in zip(ABILITIES, FLIPS[verdict], strict=True)
                for i in self.rows.items(a, 150, lost, gained, who, "suite")
            ]
            write(work.folder / "items.parquet", items + list(self.rows.items("person_json", 60, 1, 41, who, "target")))
            lineage.write_json(work.folder / "results.json", {"results": {}})
            work.extra |= {"model": model, "weights": "0" * 64, "evalset": "e" * 16, "settings": {"backend": "hf", "dtype": "float32"}}

        parents = [model] if model != "origin" else []
        return self._seal("scores", parents, {"candidate": 96.0, "champion": 92.0, "origin": 90.0}[who], fill, model)

    def verdict(self, verdict: str, model: str, champion: str, scores: dict[str, str], mix: str) -> str:
        def fill(work: lineage.Making) -> None:
            margin, pool = MARGINS[verdict]
            before, after = self._values(verdict, "champion"), self._values(verdict, "candidate")
            table, origin = judge(before, after, margin, pool), judge(before, after, margin + 0.02, pool + 0.01)
            assert table["verdict"] == verdict, "the flips must give the verdict that the world is named after"
            reasons = [self.text(f"{r.partition(': ')[0]}: against the champion: {r.partition(': ')[2]}") for r in table["reasons"]]
            known = [flipped(60, 1, 41, i) for i in range(60)]
            taught = targets.judge({self.text("person_json"): Pairs.of(*zip(*known, strict=True))}, {self.text("person_json")}, 0.05)
            check = {"name": self.text("held-out prompts in the lesson"), "flagged": 0, "items": 60, "decision": "promote", "reasons": []}
            facts = dict(table) | {
                "reasons": reasons,
                "tables": {"champion": table["verdict"], "origin": origin["verdict"], "targets": taught["verdict"], "checks": "promote"},
                "origin": dict(origin),
                "targets": taught["tasks"],
                "checks": [check],
                "attempt": 1,
                "warnings": [self.text("noisy harness: the champion evaluated twice differs from itself")],
                "feasibility": {"chance": 0.81, "rows": {}, "pooled": None, "psi": 0.1},
                "candidate": model,
                "champion": champion,
                "scores": scores,
                "day": self.day.isoformat(),
                "mix": mix,
            }
            lineage.write_json(work.folder / "verdict.json", facts)
            work.extra |= {"verdict": verdict, "candidate": model, "champion": champion}

        return self._seal("verdict", [scores["candidate"]], 0.6, fill, scores)

    def _values(self, verdict: str, who: str) -> dict[str, list[float]]:
        side = 1 if who == "candidate" else 0
        return {self.text(a): [flipped(150, *f, i)[side] for i in range(150)] for a, f in zip(ABILITIES, FLIPS[verdict], strict=True)}
