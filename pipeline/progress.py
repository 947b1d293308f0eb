"""Progress on stderr: a bar for a person at a terminal, a line now and then for a log."""

import re
import sys
import time
from collections.abc import Iterable, Iterator

EVERY_S = 15.0  # a line every 15 s keeps an Airflow log readable through an hour of training
# Signs that move a terminal's cursor, colour it, or turn the order of what is read: text of strangers may hold them, a screen may not.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)


def say(text: str) -> None:
    """Tell the person or the log one thing. stdout stays free for ids."""
    print(printable(text), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """The text with signs that would steer a terminal written out as escapes. Line ends and tabs stay."""
    return UNPRINTABLE.sub(lambda sign: sign.group().encode("unicode_escape").decode(), text)


def in_json(text: str) -> str:
    """The same for a JSON document: other escapes, so that whoever reads it gets the text as it was."""

    def escaped(sign: re.Match[str]) -> str:
        return re.sub("....", r"\\u\g<0>", sign.group().encode("utf-16-be", "surrogatepass").hex())

    return UNPRINTABLE.sub(escaped, text)


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
