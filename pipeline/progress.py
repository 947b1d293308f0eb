"""Progress on stderr: a bar for a person at a terminal, a line now and then for a log."""

import sys
import time
from collections.abc import Iterable, Iterator

EVERY_S = 15.0  # a line every 15 s keeps an Airflow log readable through an hour of training


def say(text: str) -> None:
    """Tell the person or the log one thing. stdout stays free for ids."""
    print(text, file=sys.stderr, flush=True)


def track(items: Iterable, label: str, total: int | None = None) -> Iterator:
    """Yield the items and show how far we are."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track as bar

        yield from bar(items, description=label, total=total, console=Console(stderr=True))
        return
    start = last = time.monotonic()
    for n, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= EVERY_S:
            last = now
            rest = f", about {(now - start) / n * (total - n):.0f} s left" if total else ""
            say(f"{label}: {n}{f' of {total}' if total else ''}{rest}")
