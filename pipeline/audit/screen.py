"""One case after the other on a terminal: read it, press one key. Without a terminal a line of input is a key, with a note behind it."""

import contextlib
import os
import select
import sys
from collections.abc import Callable, Iterator
from typing import Any

from pipeline.audit.cases import Case, spoken
from pipeline.progress import printable

KEYS = {"y": "right", "n": "wrong", "u": "unsure"}
MENU = "y right   n wrong   u unsure   s skip   b back   a all of it   c note   q quit"
SHORT = 1200  # characters of one message at first; `a` shows the rest
WIDTH = 110

Keep = Callable[[Case, str, str], None]


def ask(cases: list[Case], keep: Keep) -> int:
    """Show the cases in turn and hand each verdict to `keep` at once; how many cases were judged. Ends at the last case, at q, or where the input ends."""
    judged: set[str] = set()
    place, whole, note = 0, False, ""
    with _keys() as read:
        while place < len(cases):
            case = cases[place]
            draw(case, place + 1, len(cases), whole)
            key, words = read()
            whole = key == "a"
            if key == "c":
                note = words or _line("note: ")
            elif key in KEYS:
                keep(case, KEYS[key], words or note)
                judged.add(case.id)
            elif key in ("", "q"):
                break
            if key in (*KEYS, "s", "b"):
                place, note = (max(0, place - 1) if key == "b" else place + 1), ""
    return len(judged)


def draw(case: Case, number: int, of: int, whole: bool) -> None:
    """One case on stderr. What people and models wrote goes through `printable` and is never read as rich's markup."""
    from rich.console import Console
    from rich.rule import Rule
    from rich.text import Text

    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDTH)
    console.print(Rule(Text(printable(f"{number} of {of}   {case.rule}   task {case.task}   weight {case.weight:g}"))))
    for message in case.context:
        _part(console, message["role"], spoken(message), "dim", whole)
    if case.answer not in ("", *dict(case.proposed).values()):  # of a pair it stands below, as one of the two
        _part(console, "the answer", case.answer, "cyan", whole)
    _part(console, "the user", case.said, "yellow", whole)
    for name, text in case.proposed:
        _part(console, f"proposed: {name}", text, "green", whole)
    question = "is this what the user's words say?" if case.table == "implicit" else "would you train on this row?"
    console.print(Text(f"{question}   {MENU}", style="bold"))


def _part(console: Any, name: str, text: str, style: str, whole: bool) -> None:
    from rich.text import Text

    cut = text if whole or len(text) <= SHORT else f"{text[:SHORT]}… ({len(text) - SHORT} more characters: a)"
    console.print(Text.assemble((f"{printable(name)}  ", "bold " + style), printable(cut)), soft_wrap=False)


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[], tuple[str, str]]]:
    """How the next key is read, with the words behind it; an empty key is the end of the input."""
    if not sys.stdin.isatty():
        yield _word
        return
    import termios
    import tty

    device = sys.stdin.fileno()
    before = termios.tcgetattr(device)
    tty.setcbreak(device)
    try:
        yield lambda: (_key(device), "")
    finally:
        termios.tcsetattr(device, termios.TCSADRAIN, before)


def _key(device: int) -> str:
    """One key press; an arrow key and its kind are several bytes and mean nothing here."""
    pressed = os.read(device, 1)
    if pressed == b"\x1b":
        while select.select([device], [], [], 0.02)[0]:
            os.read(device, 16)
        return "\x1b"
    return "" if pressed in (b"", b"\x04") else pressed.decode("utf-8", "replace").lower()


def _word() -> tuple[str, str]:
    """A line such as `n the label is a different one`; the part before the first space is the key."""
    line = sys.stdin.readline()
    key, _, words = line.strip().partition(" ")
    return (key.lower() or "?", words.strip()) if line else ("", "")


def _line(prompt: str) -> str:
    """A line typed while keys are read one by one: the terminal's own line editing is put back meanwhile."""
    import termios

    if not sys.stdin.isatty():
        return ""
    device = sys.stdin.fileno()
    raw = termios.tcgetattr(device)
    cooked = [*raw[:3], raw[3] | termios.ICANON | termios.ECHO, *raw[4:]]
    termios.tcsetattr(device, termios.TCSADRAIN, cooked)
    print(prompt, end="", file=sys.stderr, flush=True)
    try:
        typed = bytearray()
        while (byte := os.read(device, 1)) not in (b"\n", b""):
            typed += byte
        return typed.decode("utf-8", "replace").strip()
    finally:
        termios.tcsetattr(device, termios.TCSADRAIN, raw)
