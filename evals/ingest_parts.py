"""Where the CPU seconds of one ingest go, part by part: `python -m evals.ingest_parts --turns 200000`, and a table of `make bench-ingest`.

Functions of the real ingest are timed from outside, each without those inside it that are timed too, over all threads of the process.
What no part names is the rest: Python's start is not in it, the making of the lake is.
"""

import argparse
import contextlib
import importlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

PARTS: dict[str, tuple[str, ...]] = {
    "reading lines, sha256": ("ingest.chunk:_next", "lineage:sha256"),
    "JSON to objects": ("ingest.plain:_loaded",),
    "shapes and types": ("ingest.plain:_read",),
    "bad lines: keys twice, ids, trees": (
        "ingest.once:written",
        "ingest.once:expected",
        "ingest.plain:_is_id",
        "ingest.plain:_check_trees",
        "ingest.plain:_are",
    ),
    "columns and times": ("ingest.plain:_columns",),
    "digests": ("ingest.plain:digests", "ingest.tables:digest"),
    "events": ("ingest.bulk:Plain.of", "ingest.tables:_feedback"),
    "rows": ("ingest.batch:tables",),
    "personal data": ("ingest.tables:_scrubbed", "ingest.tables:_documents", "ingest.rules:suspects_mask", "ingest.tables:suspects_mask"),
    "line by line": ("ingest.batch:understand", "ingest.batch:Batch.take"),
    "drift": ("ingest.drift:Profile.lines",),
    "what was heard before": ("ingest.draft:Draft.heard", "ingest.draft:Draft.known", "ingest.draft:Draft.touch"),
    "Parquet": ("ingest.store:Store.add", "ingest.store:Store.close", "ingest.store:Store.file"),
    "commit": ("ingest.run:_commit",),
    "checks in SQL": ("lake:check",),
    "opening the lake": ("lake:_migrate", "lake:_attach", "engine:extension"),
}
REST = "the rest"


class Clock:
    """CPU seconds by part; a part inside another is taken from it."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._inside = [REST]
        self._since = time.process_time()

    def enter(self, part: str) -> None:
        self._tick()
        self._inside.append(part)

    def leave(self) -> None:
        self._tick()
        self._inside.pop()

    def _tick(self) -> None:
        now = time.process_time()
        self.spent[self._inside[-1]] += now - self._since
        self._since = now

    def around(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def timed(*args: Any, **options: Any) -> Any:
            self.enter(part)
            try:
                return work(*args, **options)
            finally:
                self.leave()

        return timed


@contextlib.contextmanager
def watched(clock: Clock) -> Any:
    """Put the clock around every function that PARTS names; one that is no longer there is an error, not a part that costs nothing."""
    undone: list[tuple[Any, str, Any]] = []
    for part, names in PARTS.items():
        for name in names:
            module, _, path = name.partition(":")
            owner, _, attribute = path.rpartition(".")
            holder = importlib.import_module(f"pipeline.{module}")
            holder = getattr(holder, owner) if owner else holder
            work = holder.__dict__[attribute]
            undone.append((holder, attribute, work))
            if isinstance(work, classmethod):
                setattr(holder, attribute, staticmethod(clock.around(part, getattr(holder, attribute))))
            else:
                setattr(holder, attribute, clock.around(part, work))
    try:
        yield
    finally:
        for holder, attribute, work in reversed(undone):
            setattr(holder, attribute, work)


def measured(path: Path, work: Path) -> Counter[str]:
    """CPU seconds of one ingest into a new home, by part."""
    from evals.bench_ingest import ingest

    for name in ("duckdb", "orjson", "xxhash", "pyarrow.compute", "pyarrow.parquet", "pipeline.ingest.run"):
        importlib.import_module(name)
    clock = Clock()
    with watched(clock):
        clock.around(REST, ingest)(path, work)
    return clock.spent


def table(spent: Counter[str]) -> str:
    """A line a part, the dearest first."""
    whole = sum(spent.values())
    return "\n".join(f"{part:36}{seconds:8.2f} CPU s{seconds / whole:7.1%}" for part, seconds in spent.most_common())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--turns", type=int, default=200_000)
    arguments.add_argument("--path", type=Path, help="a log of your own, instead of one of so many turns")
    args = arguments.parse_args()
    from evals.bench_ingest import write

    with tempfile.TemporaryDirectory() as folder:
        path = args.path or Path(folder) / "bench_2026-11-20.jsonl"
        if not args.path:
            write(path, args.turns)
        print(table(measured(path, Path(folder) / "home")))


if __name__ == "__main__":
    main()
