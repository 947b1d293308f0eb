"""How much personal data the rules find and how much they make up: `python -m evals.private_data [--misses]`.

A value counts as found when exactly its characters are replaced by a placeholder of its kind. Intervals are Wilson's at 95%.
"""

import argparse
from collections import Counter
from collections.abc import Iterable

from evals.private_data.cases import Case, published, written
from pipeline.audit.agreement import wilson
from pipeline.ingest.scrub import Scrubber, suspects


def share(hits: int, n: int) -> str:
    """A share with its interval, for the table."""
    low, high = wilson(hits, n)
    return f"{hits / n:.3f} [{low:.3f}, {high:.3f}]" if n else "-"


def judged(cases: Iterable[Case], misses: bool) -> dict[str, Counter[str]]:
    """Per kind: found, missed, made up. A text that the prefilter leaves alone is found nothing in."""
    counts: dict[str, Counter[str]] = {}
    cases = list(cases)
    worth = suspects(one.text for one in cases)
    for one in cases:
        scrubber = Scrubber(worth, one.locale)
        found = {(start, end, kind) for start, end, kind, _ in scrubber.spans(one.text)} if one.text in worth else set()
        for name, wrong in (("missed", set(one.values) - found), ("made up", found - set(one.values))):
            for start, end, kind in sorted(wrong):
                counts.setdefault(kind, Counter())[name] += 1
                if misses:
                    print(f"  {name} {kind} {one.text[start:end]!r} in {one.text!r} ({one.about}, {one.locale})")
        for _, _, kind in found & set(one.values):
            counts.setdefault(kind, Counter())["found"] += 1
    return counts


def table(title: str, cases: list[Case], misses: bool) -> None:
    counts = judged(cases, misses)
    clean = sum(not one.values for one in cases)
    print(f"\n{title}: {len(cases)} texts, {clean} of them clean")
    print(f"{'kind':14}{'planted':>8}{'found':>7}{'made up':>9}  {'precision':24}{'recall':24}")
    total: Counter[str] = Counter()
    for kind in [*sorted(counts), "all"]:
        total += counts.get(kind, Counter())
        one = total if kind == "all" else counts[kind]
        found, planted, believed = one["found"], one["found"] + one["missed"], one["found"] + one["made up"]
        print(f"{kind:14}{planted:8}{found:7}{one['made up']:9}  {share(found, believed):24}{share(found, planted):24}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--misses", action="store_true", help="print each miss of the half that the rules were tuned on")
    misses = arguments.parse_args().misses
    for name, cases in (("written by hand", list(written())), ("published examples", list(published()))):
        table(f"{name}, tuned on", [c for c in cases if not c.held_back], misses)
        table(f"{name}, held back", [c for c in cases if c.held_back], False)


if __name__ == "__main__":
    main()
