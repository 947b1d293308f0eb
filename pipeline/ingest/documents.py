"""A file that is one JSON value and not lines: an array gives its elements one by one, a pretty-printed object gives itself."""

import re
from collections.abc import Iterator
from typing import BinaryIO

CHUNK = 1 << 20
MOST_BYTES = 64 << 20  # of a document that is one object: it is read whole
OUTSIDE = re.compile(rb'["\[\]{},]')
INSIDE = re.compile(rb'["\\]')


def is_array(head: bytes) -> bool:
    """Whether a file that begins like this is an array of objects. `[{…}]` on a line of its own, with lines after it, is a bad line of a log."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not (text.startswith(b"[") and text[1:].lstrip().startswith(b"{")):
        return False
    first, _, rest = text.partition(b"\n")
    return not (rest.strip() and _is_json(first))


def may_be_object(head: bytes) -> bool:
    """Whether a file that begins like this could be one pretty-printed object: its first line is a brace and nothing else."""
    first, _, rest = head.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
    return first.strip() == b"{" and bool(rest.strip())


def whole(file: BinaryIO) -> bytes | None:
    """The file's bytes where it is one small enough JSON value, else None."""
    text = file.read(MOST_BYTES + 1).removeprefix(b"\xef\xbb\xbf").strip()
    return text if len(text) <= MOST_BYTES and _is_json(text) else None


def _is_json(text: bytes) -> bool:
    import orjson

    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


class Elements:
    """Cuts an array into the bytes of its elements without reading it whole."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._kept: list[bytes] = []
        self._size = 0
        self._depth = 0
        self._quoted = self._escaped = False

    def of(self, file: BinaryIO) -> Iterator[tuple[bytes, str | None]]:
        """Every element with the problem that it has as a whole, if any; what stands after the last bracket is a problem too."""
        self._eat(file.read(len(b"\xef\xbb\xbf")).removeprefix(b"\xef\xbb\xbf"), [])
        while chunk := file.read(CHUNK):
            found: list[tuple[bytes, str | None]] = []
            self._eat(chunk, found)
            yield from found
        rest = b"".join(self._kept).strip()
        if self._depth > 0:
            yield rest, "torn JSON"
        elif rest:
            yield rest, "invalid JSON"

    def _eat(self, chunk: bytes, found: list[tuple[bytes, str | None]]) -> None:
        at = start = 0
        if self._escaped:
            self._escaped, at = False, 1
        while match := (INSIDE if self._quoted else OUTSIDE).search(chunk, at):
            sign, at = match.group(), match.end()
            if sign == b"\\":
                at += 1
                self._escaped = at > len(chunk)
            elif sign == b'"':
                self._quoted = not self._quoted
            elif sign in b"[{":
                self._depth += 1
                start = at if self._depth == 1 else start
            elif sign in b"]}":
                self._depth -= 1
                if self._depth == 0:
                    self._keep(chunk[start : at - 1])
                    self._end(found)
                    start = at
            elif self._depth == 1:
                self._keep(chunk[start : at - 1])
                self._end(found)
                start = at
        self._keep(chunk[start:])

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self.longest:
            self._kept.append(piece)

    def _end(self, found: list[tuple[bytes, str | None]]) -> None:
        element = b"".join(self._kept).strip()
        if element or self._size > self.longest:
            over = self._size > self.longest  # nothing of it is kept: it may refuse consent where nobody has looked
            found.append((b"", f"line over {self.longest >> 20} MiB") if over else (element, None))
        self._kept, self._size = [], 0
