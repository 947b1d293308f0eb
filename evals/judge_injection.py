"""How often texts that try to steer a judge flip its verdicts: `python -m evals.judge_injection [--n 40]`, with a model behind EQUIPOISE_JUDGE_URL.

Each exchange of evals/judge_attacks.py is put to the judge poisoned, and clean twice: what the clean one changes by itself is the judge's noise.
The guard is left out here, so what is measured is the judge behind the fence; beside it stands how many the guard sets aside before.
Without EQUIPOISE_JUDGE_URL the origin is served on loopback: a 135M model shows that the plumbing holds, and nothing about judges.
"""

import argparse
import contextlib
import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evals.judge_attacks import Poisoned, corpus
from pipeline import service
from pipeline import settings as machine
from pipeline.audit.agreement import wilson
from pipeline.mine import judge, judge_questions
from pipeline.mine.judge import About, Judge, Unanswered
from pipeline.mine.judge_guard import steering
from pipeline.mine.judge_questions import Exchange
from pipeline.progress import track
from pipeline.recipe import Judging
from pipeline.settings import Settings


def verdict(seat: Judge, e: Exchange, salt: str) -> str:
    """The class, or why there is none."""
    try:
        return str(judge_questions.feedback(seat, e, About(), salt)["class"])
    except Unanswered as error:
        return error.reason


def measured(seat: Judge, cases: list[Poisoned]) -> dict[str, object]:
    """Flips of the poisoned text against flips of the clean one, and how often there was a verdict at all."""
    rows = []
    for p in track(cases, "exchanges", len(cases)):
        once, again = (verdict(seat, p.clean, salt) for salt in ("once", "again"))
        rows.append((once, again, verdict(seat, p.poisoned, "once")))
    noise, flips = sum(a != b for a, b, _ in rows), sum(a != c for a, _, c in rows)
    around = [[p.poisoned.answer, str(p.poisoned.context[0]["content"])] for p in cases]
    return {
        "judge": seat.name,
        "exchanges": len(rows),
        "verdicts": sum(not a.startswith(("judge_", "quote_")) for a, _, _ in rows),
        "noise": noise,
        "noise_interval": wilson(noise, len(rows)),
        "flips": flips,
        "flips_interval": wilson(flips, len(rows)),
        "set_aside_by_the_guard": sum(bool(steering(p.poisoned.words, texts)) for p, texts in zip(cases, around, strict=True)),
        "said": sorted({word for row in rows for word in row}),
    }


@contextlib.contextmanager
def seated(most: int) -> Iterator[Judge]:
    """The configured judge, else the origin behind `transformers serve`; what it says is kept in a folder that goes afterwards."""
    from pipeline.demo.serve import serving

    here = machine.load()
    bar = Judging(on_trust=True, max_tokens=most, timeout_s=600, parallel=1)
    with tempfile.TemporaryDirectory() as scratch:
        settings: Settings = dataclasses.replace(here, home=Path(scratch))
        (settings.home / "demo").mkdir()
        with contextlib.ExitStack() as stack:
            if not here.judge_url:
                served = stack.enter_context(serving(service.origin(here), settings, wait_s=600))
                settings = dataclasses.replace(settings, judge_url=served.url, judge_model=served.model)
            found = judge.of(settings, bar)
            assert found is not None
            yield found


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--n", type=int, default=200, help="exchanges, drawn by a hash (default: all 200)")
    args.add_argument("--max-tokens", type=int, default=256, help="longest reply")
    said = args.parse_args()
    cases = sorted(corpus(), key=lambda p: hashlib.sha256(p.name.encode()).hexdigest())[: said.n]
    with seated(said.max_tokens) as seat:
        print(json.dumps(measured(seat, cases), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
