"""What the filters of `mining` take of real texts, and what they take by mistake: `python -m evals.row_filters`.

Needs the table of embeddings (`make models`), the filters' packages, and the logs and benchmarks of a data folder (`--data`), none of which is
shipped. Prints the tables that stand in evals/LOG.md.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline import meaning
from pipeline import settings as machine
from pipeline.mine import offence, prints, spoken, tongues

ROOT = Path(__file__).parent.parent
SHARE = 0.05
COSINES = (0.8, 0.85, 0.9, 0.95)
OFFENSIVE = (0.5, 0.9, 0.99)


def lines(path: Path) -> Iterator[Any]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def utterances(data: Path) -> dict[str, str]:
    """Every distinct prompt of the intent logs with its true label."""
    gold = {row["conversation_id"]: row["gold"] for row in lines(data / "truth/intent_truth.jsonl")}
    found: dict[str, str] = {}
    for path in sorted((data / "logs").glob("intent_*.jsonl")):
        for row in lines(path):
            asked = next((m["content"] for m in row.get("messages", ()) if m["role"] == "user"), None)
            if asked and row["conversation_id"] in gold:
                found.setdefault(asked, gold[row["conversation_id"]])
    return found


def meanings(data: Path, table: meaning.Table) -> None:
    """Distinct utterances that go at each cosine, and how many near ones have another label (which the rule keeps)."""
    import numpy as np

    known = utterances(data)
    texts, labels = list(known), list(known.values())
    counts = prints.prints([prints.said("intent", [{"role": "user", "content": t}]) for t in texts], SHARE).counts
    own = spoken.payloads(texts, ["intent"] * len(texts), counts, SHARE)
    numbers = [spoken.NUMBER.findall(t) for t in own]
    vectors = table.embed(own)
    near = np.tril(vectors @ vectors.T, -1)
    print(
        f"semantic duplicates: {len(texts)} distinct utterances of the intent logs\n\n| cosine | go | share | near, of another label |\n|---|---|---|---|"
    )
    for least in COSINES:
        gone: set[int] = set()
        for n in range(len(texts)):
            same = [m for m in np.flatnonzero(near[n] >= least).tolist() if labels[m] == labels[n] and numbers[m] == numbers[n]]
            if any(m not in gone for m in same):
                gone.add(n)
        other = sum(labels[a] != labels[b] for a, b in zip(*np.nonzero(near >= least), strict=True))
        print(f"| {least} | {len(gone)} | {len(gone) / len(texts):.1%} | {other} |")


def languages(data: Path) -> None:
    """What a text's language is said to be, where it is known."""
    texts = {
        "en: intent utterances": [t.split("Utterance:")[-1].removesuffix("Intent:").strip() for t in utterances(data)],
        "en: GSM8K questions": [row["question"] for row in lines(data / "benchmarks/gsm8k.jsonl")],
        "zh: MGSM questions": [row["question"] for row in lines(data / "benchmarks/mgsm_zh.jsonl")],
    }
    print("\nlanguages\n\n| texts | n | right | none said | wrong |\n|---|---|---|---|---|")
    for name, of in texts.items():
        said = Counter(tongues.language(t) for t in of)
        right, none = said[name[:2]], said[None]
        print(f"| {name} | {len(of)} | {right / len(of):.1%} | {none / len(of):.1%} | {(len(of) - right - none) / len(of):.1%} |")


def offences(data: Path) -> None:
    """Texts called offensive: of calm logs, which is mistake, and of the red team's, whose own harm is oftener in what is asked than in words."""
    red = list(lines(data / "logs/hh_rlhf_harmless.jsonl"))
    turns = [m for row in red for m in row.get("messages", ())]
    calm = [
        m["content"] for row in lines(data / "logs/finegrained_rlhf.jsonl") for m in row.get("messages", ()) if m["role"] == "assistant"
    ]
    texts = {
        "calm: intent utterances": list(utterances(data)),
        "calm: answers of finegrained_rlhf": calm,
        "red team: what users say": [m["content"] for m in turns if m["role"] == "user"],
        "red team: answers": [m["content"] for m in turns if m["role"] == "assistant"],
    }
    print(f"\noffence\n\n| texts | n | {' | '.join(f'>= {least}' for least in OFFENSIVE)} |\n|---|---|{'---|' * len(OFFENSIVE)}")
    for name, of in texts.items():
        chances = offence.chances([re.sub(r"\s+", " ", t or "") for t in of])
        shares = [f"{sum(c >= least for c in chances) / len(chances):.1%}" for least in OFFENSIVE]
        print(f"| {name} | {len(of)} | {' | '.join(shares)} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of logs and benchmarks")
    data = parser.parse_args().data
    table = meaning.table(machine.load())
    if table is None or not data.is_dir():
        print(f"missing: {'the table of embeddings (run `make models`)' if table is None else data}", file=sys.stderr)
        return 1
    meanings(data, table)
    languages(data)
    offences(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
