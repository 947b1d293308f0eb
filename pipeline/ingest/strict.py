"""Bytes of one line to one JSON object, or the reason why not; stricter than any one parser, so that all readers agree."""

import json
import math
from typing import Any

from pipeline.ingest.quarantine import Refused

DEEPEST = 64  # DuckDB's own reader ends the whole file at 128
MOST_KEYS = 10_000  # of one object: more is a table that was turned into keys
INT_MIN, INT_MAX = -(2**63), 2**63 - 1


def parse(raw: bytes) -> dict[str, Any]:
    """The line's object; raises Refused.

    orjson reads what is plainly good. It is silent about duplicate keys, escaped NULs and integers that do not fit, so a line that
    could hold one of those is read again by the slow reader, which also finds the words for a refusal.
    """
    import orjson

    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _slowly(raw)
    if type(found) is not dict:
        raise Refused("not an object")
    if b"\\u0000" in raw or b" :" in raw or b"\t:" in raw or b"\r:" in raw:
        return _slowly(raw)
    quoted = raw.count(b'\\":')  # a quote inside a text, not the end of a key, unless the backslash itself is escaped
    if (quoted and b'\\\\"' in raw) or keys_below(found, 1) != raw.count(b'":') - quoted:
        return _slowly(raw)
    return found


def keys_below(value: Any, depth: int) -> int:
    """Number of keys below, or -1 for a number that the slow reader must look at; raises where it is too deep."""
    if depth > DEEPEST:
        raise Refused(f"nested deeper than {DEEPEST}")
    keys, items = (len(value), value.values()) if type(value) is dict else (0, value)
    if keys > MOST_KEYS:
        raise Refused(f"more than {MOST_KEYS} keys in one object")
    for item in items:
        kind = type(item)
        if kind is str:
            continue
        if kind is dict or kind is list:
            below = keys_below(item, depth + 1)
            if below < 0:
                return -1
            keys += below
        elif (kind is int or kind is float) and not -9e18 < item < 9e18:
            return -1
    return keys


def _slowly(raw: bytes) -> dict[str, Any]:
    found = value(raw)
    if type(found) is not dict:
        raise Refused("not an object")
    return found


def value(raw: bytes) -> Any:
    """Any JSON value, read strictly and slowly; raises Refused."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("invalid UTF-8", error.start) from None
    if "\0" in text:
        raise Refused("NUL in text", raw.index(b"\0"))
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_float, parse_int=_int)
    except json.JSONDecodeError as error:
        raise Refused(_words(error, text), len(text[: error.pos].encode())) from None
    except RecursionError:
        raise Refused(f"nested deeper than {DEEPEST}") from None
    check(found)
    return found


def _words(error: json.JSONDecodeError, text: str) -> str:
    if error.msg.startswith("Invalid control character"):
        return "raw control character"
    if error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip()):
        return "torn JSON"
    return "invalid JSON"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("duplicate key")
    return found


def _no_constant(_: str) -> None:
    raise Refused("number does not fit")


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Refused("number does not fit")
    return number


def _int(digits: str) -> int:
    if len(digits) > 20 or not INT_MIN <= int(digits) <= INT_MAX:
        raise Refused("number does not fit")
    return int(digits)


def check(value: Any, depth: int = 1) -> None:
    """Refuse what JSON text or a Parquet row may hold and the lake may not."""
    if isinstance(value, str):
        if "\0" in value:
            raise Refused("NUL in text")
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise Refused("lone surrogate")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Refused("number does not fit")
    elif isinstance(value, int):
        if not INT_MIN <= value <= INT_MAX:
            raise Refused("number does not fit")
    elif isinstance(value, dict | list):
        _check_inside(value, depth)


def _check_inside(value: dict[str, Any] | list[Any], depth: int) -> None:
    if depth > DEEPEST:
        raise Refused(f"nested deeper than {DEEPEST}")
    if isinstance(value, dict) and len(value) > MOST_KEYS:
        raise Refused(f"more than {MOST_KEYS} keys in one object")
    for item in value:
        check(item, depth + 1)
    for item in value.values() if isinstance(value, dict) else ():
        check(item, depth + 1)
