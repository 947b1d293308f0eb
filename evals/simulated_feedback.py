"""Which feedback events `mine` believes, against the planted truth of simulated users: `python -m evals.simulated_feedback`.

Six days of real utterances with simulated answers and events go through the real ingest and the real mine, day by day. Every event has a
planted truth: honest, a slip of its user, or one of a brigade. An event is believed where a row stands on it: a demonstration, a pair, a
judged answer or a held-out question. Truth is what is honest, so precision says how much of what is believed was meant, and recall how
much of what was meant is believed.
"""

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from evals.feedback_gold import f1, spread
from evals.intent_days import configure
from pipeline import lineage
from pipeline import settings as machine
from pipeline.audit.agreement import wilson
from pipeline.ingest.run import run as ingest
from pipeline.mine.run import run as mine
from pipeline.recipe import load
from pipeline.settings import Settings

ROWS = ("sft", "dpo", "kto", "heldout")


@dataclass(frozen=True)
class Told:
    """One event: who said it, what kind it is, whether it was meant, and how much weight the rows have that stand on it."""

    user: str
    kind: str
    truth: str
    weight: float

    @property
    def honest(self) -> bool:
        return self.truth == "honest"

    @property
    def believed(self) -> bool:
        return self.weight > 0


def weights(settings: Settings, pairs: Iterable[str]) -> dict[str, float]:
    """event: the largest weight of a row that stands on it."""
    import pyarrow.parquet as pq

    found: dict[str, float] = {}
    for folder in (lineage.folder(settings, id) for id in pairs):
        for row in (row for name in ROWS for row in pq.read_table(folder / f"{name}.parquet", columns=["weight", "evidence"]).to_pylist()):
            for event in json.loads(row["evidence"])["events"]:
                found[event] = max(found.get(event, 0.0), row["weight"])
    return found


def told(data: Path, work: Path) -> list[Told]:
    """Every event of the logs, and what the mine made of it."""
    configure(work / "config", data, 1000, 1)
    own = {"home": work / "home", "config": work / "config", "lake": "sqlite:", "data": str(work / "lake")}
    settings = dataclasses.replace(machine.load(), **own, user_key="0" * 64)  # the key decides who is held out
    recipe = load(settings, "intent")
    days = sorted((data / "logs").glob("intent_*.jsonl"))
    logs = [ingest([day], recipe, settings, day.stem.rsplit("_", 1)[1])["id"] for day in days]
    found = weights(settings, [mine(id, recipe, settings)["id"] for id in logs])
    truth = (data / "truth" / "intent_truth.jsonl").read_text(encoding="utf-8").splitlines()
    events = [(talk["user_id"], e) for talk in map(json.loads, truth) for e in talk["events"]]
    return [Told(user, f"{e['kind']} {e['value'] or ''}".strip(), e["truth"], found.get(e["event_id"], 0.0)) for user, e in events]


def counts(events: Iterable[Told]) -> tuple[int, int, int]:
    """Believed and meant, believed and not meant, meant and not believed."""
    found = list(events)
    return (
        sum(e.believed and e.honest for e in found),
        sum(e.believed and not e.honest for e in found),
        sum(e.honest and not e.believed for e in found),
    )


def interval(events: list[Told]) -> tuple[float, float]:
    """95% of F1 by a bootstrap over users: events of one user are no independent witnesses."""
    users: dict[str, list[Told]] = {}
    for e in events:
        users.setdefault(e.user, []).append(e)
    return spread([counts(own) for own in users.values()])


def line(name: str, events: list[Told]) -> str:
    """One row of the table, with the share of all weight that lies on what was meant."""
    tp, fp, fn = counts(events)
    (pl, ph), (rl, rh), (fl, fh) = wilson(tp, tp + fp), wilson(tp, tp + fn), interval(events)
    p, r = tp / (tp + fp) if tp + fp else 0.0, tp / (tp + fn) if tp + fn else 0.0
    meant, whole = sum(e.weight for e in events if e.honest), sum(e.weight for e in events)
    shown = [f"{p:.2f} ({tp}/{tp + fp}) {pl:.2f}-{ph:.2f}", f"{r:.2f} ({tp}/{tp + fn}) {rl:.2f}-{rh:.2f}"]
    return (
        f"| {name} | {len(events)} | {' | '.join(shown)} | {f1(tp, fp, fn):.2f} {fl:.2f}-{fh:.2f} | {meant / whole if whole else 0:.2f} |"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--data", type=Path, default=Path(__file__).parent.parent.parent / "shared/data", help="folder with logs/ and truth/"
    )
    args = arguments.parse_args()
    with tempfile.TemporaryDirectory() as work:
        events = told(args.data.resolve(), Path(work))
    kinds: dict[str, Callable[[Told], bool]] = {"all events": lambda e: True, "without the brigade's": lambda e: e.truth != "brigade"}
    kinds |= {kind: lambda e, kind=kind: e.kind == kind for kind in sorted({e.kind for e in events})}
    print("| | n | P, 95% | R, 95% | F1, 95% | weight on what was meant |\n|---|---|---|---|---|---|")
    print("\n".join(line(name, [e for e in events if fits(e)]) for name, fits in kinds.items()))
    for truth in sorted({e.truth for e in events} - {"honest"}):
        of = [e for e in events if e.truth == truth]
        print(f"{truth}: {sum(e.believed for e in of)} of {len(of)} believed, weight {sum(e.weight for e in of):.1f}")


if __name__ == "__main__":
    main()
