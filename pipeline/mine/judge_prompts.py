"""What the judge is asked: one file a question in prompts/, each with its version, and the exact shape of its reply."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

FOLDER = Path(__file__).parent / "prompts"
LONGEST_QUOTE, LONGEST_POINT, MOST_POINTS = 400, 300, 4
CLASSES = ("correction", "complaint", "clarification", "rephrase", "praise", "no_feedback")
AGAINST = CLASSES[:4]
"""In the order of what they are worth: the budget goes to the first."""
THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
FENCE = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)

Reply = dict[str, Any]
Fault = str | None


class Unreadable(ValueError):
    """A reply that is not the JSON that was asked for."""


def _one_of(*words: str) -> Callable[[Any], Fault]:
    return lambda v: None if isinstance(v, str) and v in words else f"must be one of {', '.join(words)}"


def _text(longest: int, least: int = 0) -> Callable[[Any], Fault]:
    return lambda v: (
        None if isinstance(v, str) and least <= len(v.strip()) <= longest else f"must be text of {least} to {longest} characters"
    )


def _list(most: int, each: Callable[[Any], Fault]) -> Callable[[Any], Fault]:
    def fault(v: Any) -> Fault:
        if not isinstance(v, list) or len(v) > most:
            return f"must be a list of at most {most}"
        return next((f for f in map(each, v) if f), None)

    return fault


SHAPES: Mapping[str, Mapping[str, Callable[[Any], Fault]]] = {
    "feedback": {"class": _one_of(*CLASSES), "quote": _text(LONGEST_QUOTE), "points": _list(MOST_POINTS, _text(LONGEST_POINT, 1))},
    "general": {
        "applies_to": _one_of("everyone", "this_user"),
        "adds": _one_of("nothing", "wish", "fact"),
        "claim": _one_of("none", "supported", "contradicted", "unknown"),
    },
    "rewrite": {"answer": _text(32_000, 1)},
    "resolved": {"first": _list(MOST_POINTS + 1, _one_of("yes", "no")), "second": _list(MOST_POINTS + 1, _one_of("yes", "no"))},
    "compare": {"better": _one_of("first", "second", "neither")},
}


@dataclass(frozen=True)
class Question:
    """One prompt: the standing words and the shape of the reply."""

    name: str
    version: int
    sha: str
    """Over the file, and those that every question shares."""
    text: str

    def system(self, mark: str, **words: str) -> str:
        data = Template(_body("data")[1]).substitute(mark=mark)
        return f"{data.strip()}\n\n{Template(self.text).safe_substitute(words).strip()}"


@cache
def question(name: str) -> Question:
    version, text = _body(name)
    shared = "".join((FOLDER / f"{n}.txt").read_text(encoding="utf-8") for n in ("data", "repair", name))
    return Question(name, version, hashlib.sha256(shared.encode()).hexdigest(), text)


def repair(why: str) -> str:
    return Template(_body("repair")[1]).substitute(why=why).strip()


def digest() -> str:
    """sha256 over all prompts: whatever is asked in other words is another judge."""
    return hashlib.sha256(json.dumps({n: question(n).sha for n in SHAPES}, sort_keys=True).encode()).hexdigest()


@cache
def _body(name: str) -> tuple[int, str]:
    first, _, text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").partition("\n")
    return int(first.removeprefix("version: ")), text


def read(name: str, text: str) -> Reply:
    """The reply as exactly the object that the question wants. A code fence or thoughts around it are the model's habit and taken off."""
    bare = THOUGHT.sub("", text).strip()
    found = FENCE.match(bare)
    try:
        value = json.loads(found.group(1) if found else bare, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is no JSON ({str(error)[:80]})") from None
    shape = SHAPES[name]
    if not isinstance(value, dict) or set(value) != set(shape):
        raise Unreadable(f"the keys must be exactly {', '.join(shape)}")
    for key, fault in shape.items():
        if wrong := fault(value[key]):
            raise Unreadable(f"{key} {wrong}")
    return value


def _once(pairs: list[tuple[str, Any]]) -> Reply:
    if len({k for k, _ in pairs}) != len(pairs):
        raise ValueError("a key is given twice")
    return dict(pairs)


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
