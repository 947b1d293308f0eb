"""How large one conversation may be. A line over a limit is refused by name; nothing is ever cut to fit.

The limits are far above what people write: whatever meets one is a broken exporter or an attack, and would cost every later
stage (a page, a prompt, a join) far more than the line is worth.
"""

from typing import Any

from pipeline.ingest.quarantine import Refused

MESSAGES = 100_000  # a turn every second for a whole day is 86,400
EVENTS = 100_000
METADATA = 1 << 20  # characters of its keys and texts: metadata is shown and grouped by, it is no place for documents
TEXT = 16 << 20  # characters in all; a line of JSON cannot hold more, a row of Parquet can
SMALL = METADATA  # bytes of a line that cannot meet any of these limits


def check(raw: dict[str, Any], size: int | None) -> None:
    """Refuse an object that is too large in some way. size: bytes of its line where there is one, so that small ones cost nothing."""
    if (size is not None and size <= SMALL) or raw.get("consent") is False:  # a refusal of consent is heard whatever else is wrong
        return
    if _length(raw.get("messages")) > MESSAGES:
        raise Refused(f"more than {MESSAGES} messages")
    if _length(raw.get("feedback")) > EVENTS:
        raise Refused(f"more than {EVENTS} feedback events")
    if type(raw.get("metadata")) is dict and _characters(raw["metadata"], METADATA) > METADATA:
        raise Refused(f"metadata over {METADATA >> 20} MiB")
    if size is None and _characters(raw, TEXT) > TEXT:
        raise Refused(f"text over {TEXT >> 20} MiB")


def _length(value: Any) -> int:
    return len(value) if type(value) is list else 0


def _characters(value: Any, enough: int) -> int:
    """Characters of all texts and keys below, and one for each other value; stops counting soon after `enough`."""
    counted, todo = 0, [value]
    while todo and counted <= enough:
        one = todo.pop()
        if type(one) is dict:
            counted += sum(map(len, one))
            todo.extend(one.values())
        elif type(one) is list:
            todo.extend(one)
        else:
            counted += len(one) if type(one) is str else 1
    return counted
