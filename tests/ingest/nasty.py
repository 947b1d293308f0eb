"""Lines as they come out of crashes, bad exporters and bad will: good lines, torn, mutated, spliced and lied in. The same seed gives the same lines."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.ingest.world import conversation, event, message

CALL = {"id": "k1", "type": "function", "function": {"name": "find", "arguments": '{"q": "parcel"}'}}
OWN: list[dict[str, Any]] = [
    conversation(),
    conversation(feedback=[event()]),
    conversation(19, user_id=7, metadata={"a": [1, 2.5, None, {"b": True}], "ключ": "значение"}),
    conversation(messages=[{"role": "user", "content": "No ids\nand no times"}, {"role": "assistant", "content": "Fine \u4f60\u597d \U0001f600"}]),
    conversation(
        messages=[
            message("m1", None, "system", "Be brief."),
            message("m2", "m1", "user", [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": "data:x"}}]),
            message("m3", "m2", "assistant", None, tool_calls=[CALL]),
            message("m4", "m3", "tool", "found", tool_call_id="k1", name="find"),
            message("m5", "m4", "assistant", "There."),
            message("m6", "m4", "assistant", "Here."),
        ],
        feedback=[
            event("f1", "choose", message_id="m6", over=["m5"]),
            event("f2", "edit", message_id="m5", text="No: \"there\" \\ not here"),
            event("f3", "rating", message_id="m5", value=3, max=5),
            event("f4", "comment", message_id=None, text="call me at +49 30 901820 or bob@example.com"),
        ],
    ),
    conversation(consent=False),
    {"conversation_id": "c1", **event("late", "comment", text="later")},
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 2**53, 2**63 - 1, 2**63, 10**25, 1.5, -0.0, 1e308, float("nan"), float("inf"), "", " ", "m1", "up", "user",
    "\x00", "\x1b[31m", "\ud800", "\U0001f600", "\u202e", "x" * 600, "2026-11-20T08:00:00Z", "2026-02-30", "1000-01-01", "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00+14:00", [], [[]], [None], ["m1"], {}, {"": ""}, {"a": {"a": {}}}, "'; drop table messages; --", "../../etc/passwd", "NULL", "null",
]  # fmt: skip
BYTES = [
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc3",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\t",
    b"\r",
    b" ",
    b"\xef\xbb\xbf",
    b"\\u0000",
    b"\\ud83d",
    b"1e999",
    b"NaN",
    b"//",
    b"\x0b",
]


def lines(n: int, seed: int, real: list[bytes] | None = None, extra: list[bytes] | None = None) -> list[bytes]:
    """n lines, none with a line end inside. real: good lines of real logs; extra: lines of other makers, strewn in."""
    rng = random.Random(seed)
    good = [*(dumped(one) for one in OWN), *(real or [])]
    found = list(extra or [])[:n]
    while len(found) < n:
        start = again(rng, rng.choice(good), len(found)) if rng.random() < 0.8 else rng.choice(good)
        for _ in range(rng.choice((0, 1, 1, 1, 2))):
            start = rng.choice(WAYS)(rng, start, good)
        found.append(start.replace(b"\n", b" "))
    rng.shuffle(found)
    return found


def real(folder: Path, most: int = 4096) -> list[bytes]:
    """Lines of the logs in a folder that are short enough to be mutated by the thousand."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            found += [line.rstrip(b"\r\n") for line, _ in zip(file, range(100), strict=False) if len(line) <= most]
    return found


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def again(rng: random.Random, line: bytes, n: int) -> bytes:
    """The line under an id of its own, or of one of the lines before it: then it is an update."""
    try:
        found = json.loads(line)
    except ValueError:
        return line
    if isinstance(found, dict) and "conversation_id" in found:
        found["conversation_id"] = f"c{n}" if rng.random() < 0.7 else f"c{rng.randrange(n + 1)}"
    return dumped(found)


def torn(rng: random.Random, line: bytes, _: list[bytes]) -> bytes:
    at = rng.randrange(len(line) + 1)
    return line[:at] if rng.random() < 0.8 else line[at:]


def spliced(rng: random.Random, line: bytes, good: list[bytes]) -> bytes:
    other = rng.choice(good)
    return line[: rng.randrange(len(line) + 1)] + other[rng.randrange(len(other) + 1) :]


def changed_bytes(rng: random.Random, line: bytes, _: list[bytes]) -> bytes:
    raw = bytearray(line)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(raw) + 1)
        raw[at : at + rng.randrange(3)] = rng.choice([*BYTES, bytes([rng.randrange(256)])])
    return bytes(raw)


def wrapped(rng: random.Random, line: bytes, _: list[bytes]) -> bytes:
    before, after = rng.choice(
        [(b"[", b"]"), (b" ", b"\t "), (b"\xef\xbb\xbf", b""), (b"", b","), (b"", b"\r"), (b'{"a":' * 70, b"}" * 70), (b'{"x": ', b"}")]
    )
    return before + line + after


def twice_a_key(rng: random.Random, line: bytes, _: list[bytes]) -> bytes:
    return line.replace(
        b"{", rng.choice([b'{"role": "user", ', b'{"conversation_id": "c1", ', b'{"\\u0061": 1, "a": 2, ']), rng.randint(1, 3)
    )


def mutated(rng: random.Random, line: bytes, _: list[bytes]) -> bytes:
    """A value somewhere inside becomes another, a key is lost or misnamed, an element comes twice."""
    try:
        found = json.loads(line)
    except ValueError:
        return line
    places = list(_places(found))
    for holder, key in rng.sample(places, min(len(places), rng.randint(1, 2))):
        what = rng.randrange(6)
        if isinstance(holder, dict):
            if what == 0:
                holder.pop(key, None)
            elif what == 1 and key in holder:
                holder[rng.choice(["", "Role", "x\x00", "messages", "kind", key.upper()])] = holder.pop(key)
            else:
                holder[key] = rng.choice(VALUES)
        elif what == 0:
            holder.append(holder[key % len(holder)] if holder else None)
        elif key < len(holder):
            holder[key] = rng.choice(VALUES)
    return dumped(found)


def _places(value: Any, depth: int = 0) -> Any:
    if depth < 8 and isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key], depth + 1)


WAYS: list[Callable[[random.Random, bytes, list[bytes]], bytes]] = [
    torn,
    spliced,
    changed_bytes,
    wrapped,
    twice_a_key,
    mutated,
    mutated,
    mutated,
]
