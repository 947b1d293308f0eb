"""How well `mine` hears what users say next, on labelled conversations: `python -m evals.feedback_gold [--split dev|test]`.

The conversations go through the real ingest and the real mine, and the signals file is read: what is measured is what is shipped.
Split by a hash of the conversation: rules are written looking at dev, test is looked at at the very end.
"""

import argparse
import dataclasses
import hashlib
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import settings as machine
from pipeline.audit.agreement import wilson
from pipeline.errors import BadInput
from pipeline.ingest.run import run as ingest
from pipeline.mine.run import run as mine
from pipeline.recipe import Recipe

GOLD = Path(__file__).parent.parent.parent / "shared" / "data" / "feedback_gold" / "petrak_dev.jsonl"
CLASSES = {
    "ask_clarification": "clarification",
    "aware_no_correction": "complaint",
    "correction": "correction",
    "repeat_or_rephrase": "rephrase",
}
"""The gold set's names for ours. B1, B5 and B6 are older codes that say only that the user reacts: feedback of no known class, in `any` alone."""
NEGATIVE = frozenset(CLASSES.values())
DEV_TENTHS = 6  # of ten conversations six are looked at while rules are written
DRAWS = 2000  # of the bootstrap over conversations


@dataclass(frozen=True)
class Labelled:
    """One labelled user turn, and what the miner said of it."""

    conversation_id: str
    message_id: str
    reacts: bool
    named: str | None
    """Our class, where the gold names one."""
    nameable: bool
    """Whether its class can be scored: no reaction, or a named one."""
    heard: frozenset[str] = frozenset()


def split_of(conversation_id: str) -> str:
    """dev or test, the same for ever."""
    return "dev" if int(hashlib.sha256(conversation_id.encode()).hexdigest()[:8], 16) % 10 < DEV_TENTHS else "test"


def read(path: Path) -> tuple[list[dict[str, Any]], list[Labelled]]:
    """The conversations, each once, and the labelled turns."""
    if not path.is_file():
        raise BadInput(f"{path} is absent: give the labelled conversations with --gold")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    talks = {r["conversation"]["conversation_id"]: r["conversation"] for r in rows}
    labels = []
    for r in rows:
        reacts, named = r["label"] == "reacts_to_error", CLASSES.get(r["reaction"] or "")
        labels.append(Labelled(r["conversation"]["conversation_id"], r["message_id"], reacts, named, not reacts or named is not None))
    return list(talks.values()), labels


def hear(talks: Sequence[dict[str, Any]], labels: Sequence[Labelled]) -> list[Labelled]:
    """Ingest and mine the conversations in a home of their own; read the signals file."""
    with tempfile.TemporaryDirectory() as folder:
        home, log = Path(folder) / "home", Path(folder) / "gold_2026-11-20.jsonl"
        log.write_text("".join(json.dumps(t, ensure_ascii=False) + "\n" for t in talks), encoding="utf-8")
        settings = dataclasses.replace(machine.load(), home=home, lake="sqlite:", data=str(home / "lake" / "data"))
        done = mine(str(ingest([log], Recipe(), settings)["id"]), Recipe(tasks=[]), settings)
        said: dict[tuple[str, str], set[str]] = {}
        for line in Path(done["signals_file"]).read_text(encoding="utf-8").splitlines():
            s = json.loads(line)
            if s["origin"] == "implicit":
                said.setdefault((s["conversation_id"], s["message_id"]), set()).add(s["signal"])
    return [dataclasses.replace(x, heard=frozenset(said.get((x.conversation_id, x.message_id), ()))) for x in labels]


Judge = Callable[[Labelled], tuple[bool, bool]]
"""(truth, prediction) of one turn."""


def counts(found: Sequence[Labelled], judge: Judge) -> tuple[int, int, int]:
    """True positives, false positives, misses."""
    pairs = [judge(x) for x in found]
    return sum(t and p for t, p in pairs), sum(p and not t for t, p in pairs), sum(t and not p for t, p in pairs)


def f1(tp: int, fp: int, fn: int) -> float:
    return 2 * tp / (2 * tp + fp + fn) if tp else 0.0


def f1_interval(found: Sequence[Labelled], judge: Judge, seed: int = 17) -> tuple[float, float]:
    """Percentile bootstrap over conversations: several turns of one are no independent witnesses."""
    groups: dict[str, list[Labelled]] = {}
    for x in found:
        groups.setdefault(x.conversation_id, []).append(x)
    return spread([counts(g, judge) for g in groups.values()], seed)


def spread(each: Sequence[tuple[int, int, int]], seed: int = 17) -> tuple[float, float]:
    """95% of F1 where whole groups are drawn again: true positives, false positives and misses of each."""
    draw = random.Random(seed)
    drawn = sorted(f1(*(sum(c[i] for c in sample) for i in range(3))) for sample in (draw.choices(each, k=len(each)) for _ in range(DRAWS)))
    return drawn[int(0.025 * DRAWS)], drawn[int(0.975 * DRAWS)]


def judges() -> dict[str, tuple[Judge, Callable[[Labelled], bool]]]:
    """What is scored, and on which turns."""
    table: dict[str, tuple[Judge, Callable[[Labelled], bool]]] = {
        "reacts to an error": (lambda x: (x.reacts, bool(x.heard & NEGATIVE)), lambda x: True),
        "… praise counted as feedback": (lambda x: (x.reacts, bool(x.heard)), lambda x: True),
    }
    for name in ("clarification", "complaint", "correction", "rephrase"):
        table[name] = (lambda x, name=name: (x.named == name, name in x.heard), lambda x: x.nameable)
    table["no_feedback"] = (lambda x: (not x.reacts, not x.heard & NEGATIVE), lambda x: True)
    return table


def lines(found: Sequence[Labelled]) -> list[str]:
    """The table, as it goes into evals/LOG.md."""
    out = ["| | n | P | 95% | R | 95% | F1 | 95% |", "|---|---|---|---|---|---|---|---|"]
    for name, (judge, scored) in judges().items():
        turns = [x for x in found if scored(x)]
        tp, fp, fn = counts(turns, judge)
        (pl, ph), (rl, rh), (fl, fh) = wilson(tp, tp + fp), wilson(tp, tp + fn), f1_interval(turns, judge)
        shown = [f"{tp}/{tp + fp}" if tp + fp else "-", f"{pl:.2f}-{ph:.2f}", f"{tp}/{tp + fn}" if tp + fn else "-", f"{rl:.2f}-{rh:.2f}"]
        p, r = (f"{tp / (tp + fp):.2f} ({shown[0]})" if tp + fp else "-"), (f"{tp / (tp + fn):.2f} ({shown[2]})" if tp + fn else "-")
        out.append(f"| {name} | {tp + fn} | {p} | {shown[1]} | {r} | {shown[3]} | {f1(tp, fp, fn):.2f} | {fl:.2f}-{fh:.2f} |")
    return out


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--split", choices=("dev", "test"), help="one half only (default: both)")
    arguments.add_argument("--gold", type=Path, default=GOLD, help="labelled conversations")
    arguments.add_argument("--errors", action="store_true", help="list the turns that were heard wrongly (dev only)")
    chosen = arguments.parse_args()
    talks, labels = read(chosen.gold)
    found = hear(talks, labels)
    for split in [chosen.split] if chosen.split else ["dev", "test"]:
        part = [x for x in found if split_of(x.conversation_id) == split]
        print(f"{split}: {len(part)} labelled turns, {sum(x.reacts for x in part)} react to an error\n" + "\n".join(lines(part)))
        if chosen.errors and split == "dev":
            texts = {(t["conversation_id"], m["message_id"]): m["content"] for t in talks for m in t["messages"]}
            for x in part:
                if x.reacts != bool(x.heard & NEGATIVE) or (x.named and x.named not in x.heard) or "praise" in x.heard:
                    print(f"{x.reacts!s:5} {x.named} heard {sorted(x.heard)}: {texts[x.conversation_id, x.message_id]!r}")


if __name__ == "__main__":
    main()
