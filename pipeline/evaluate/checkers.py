"""Decide whether an answer to a held-out prompt is right, by the checker that the task card names. Higher is better, in [0, 1]."""

import json
import re
import unicodedata
from typing import Any

DECIDES = "correct"
"""The metric that every checker gives and that the gate reads."""


def check(checker: str, answer: str, reference: str, pattern: str | None = None) -> dict[str, float]:
    """Metrics of one answer. `pattern` is the card's answer format, for the checker regex."""
    if checker == "json":
        return {DECIDES: float(same(parsed(answer), parsed(reference))), "keys": keys_right(parsed(answer), parsed(reference))}
    right = {
        "exact": lambda: plain(answer) == plain(reference),
        "label": lambda: label(answer) == label(reference),
        "contains": lambda: plain(reference).casefold() in plain(answer).casefold(),
        "regex": lambda: matches(answer, reference, pattern),
    }[checker]()
    return {DECIDES: float(right)}


def fault(checker: str, reference: str, pattern: str | None = None) -> str | None:
    """Why no answer could ever be right against this reference, or None. Asked before a model is."""
    if not plain(reference) or (checker == "label" and not label(reference)):
        return "the answer is empty"
    if checker == "json" and parsed(reference) is BROKEN:
        return "the answer is no JSON"
    if checker == "regex":
        try:
            if pattern is not None and not re.fullmatch(pattern, reference.strip()):
                return f"the answer does not match the card's pattern {pattern!r}"
            re.compile(reference if pattern is None else pattern)
        except re.error as error:
            return f"the pattern cannot be read: {error}"
    return None


def plain(text: str) -> str:
    """NFC, outer blanks off, inner runs of blanks as one: what differs beyond this differs for a reader too."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def label(text: str) -> str:
    """A label as people write it: case, quotes and the final full stop do not count."""
    return plain(text).casefold().strip(" \"'`*.。")


def matches(answer: str, reference: str, pattern: str | None) -> bool:
    """With a card's pattern, what it captures (or the whole match) must be equal; without, the reference is the pattern."""
    if pattern is None:
        return re.fullmatch(reference, answer.strip()) is not None
    found, wanted = re.fullmatch(pattern, answer.strip()), re.fullmatch(pattern, reference.strip())
    if found is None or wanted is None:
        return False
    return (found.groups() or found.group()) == (wanted.groups() or wanted.group())


class _Broken:
    """What text that is no JSON parses to: equal to nothing."""


BROKEN = _Broken()


def parsed(text: str) -> Any:
    """The JSON value of a whole text. A fence or a word around it is wrong: a program would choke on it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return BROKEN


def same(a: Any, b: Any) -> bool:
    """Equal JSON values: 1 and 1.0 are equal, 1 and true are not."""
    if a is BROKEN or b is BROKEN or isinstance(a, bool) != isinstance(b, bool):
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def keys_right(answer: Any, reference: Any) -> float:
    """Share of keys, of those in either object, whose values are equal; for anything but two objects 1 or 0."""
    if not isinstance(answer, dict) or not isinstance(reference, dict):
        return float(same(answer, reference))
    union = answer.keys() | reference.keys()
    return sum(k in answer and k in reference and same(answer[k], reference[k]) for k in union) / len(union) if union else 1.0
