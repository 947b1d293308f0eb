"""The rules of implicit feedback as data: rules/*.yaml read into typed rules, and the one pattern that finds every turn they may hit."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from pipeline.errors import BadRecipe
from pipeline.spec import Spec

FOLDER = Path(__file__).parent / "rules"
LANGUAGES = ("english", "chinese")
CLAUSE = r"(?:^|[.!?;,:…，。！？；：、-] ?|\b(?:but|and|so|because|then|well|ok|yes|no|oh|cool|sorry) )"
END = r"[ .!?,…。！？，、~)(:;-]*$"


class Class(Spec):
    """What a user may mean by the next turn."""

    polarity: Literal["positive", "negative", "neutral"]
    rank: int
    weight: float = Field(ge=0, le=1)
    why: str
    emitted: bool = True
    """Whether it becomes a signal, or is only counted."""


class Guard(Spec):
    """Where a rule that hits is not believed."""

    looks_at: Literal["said", "asked", "answered", "any"]
    pattern: str
    unless: str | None = None
    always: tuple[str, ...] = ()
    """Classes whose every rule has this guard."""
    why: str


class Repeat(Spec):
    """When a turn says the turn before once more."""

    jaccard: float = Field(gt=0, le=1)
    least_words: int = Field(ge=1)
    stem: int = Field(ge=2)
    more_please: str
    """Turns that are said again and again without a complaint."""
    stop: list[str]


class Rule(Spec):
    """One rule and its own test."""

    id: str = Field(pattern=r"^[a-z]{2}/[a-z-]+$")
    class_: str = Field(alias="class")
    scope: Literal["opening", "clause", "anywhere", "whole", "alone"]
    pattern: str
    longest: int = Field(160, ge=1)
    """Characters of a turn that is read without a word on the answer in it (feedback.md, 5 F)."""
    guards: tuple[str, ...] = ()
    example: str
    also: tuple[str, ...] = ()
    counter: str

    @property
    def language(self) -> str:
        return self.id[:2]

    def regex(self, filler: str) -> str:
        """The pattern in its scope, for RE2 and Python's re alike."""
        return scoped(self.scope, self.pattern, filler)


class Table(Spec):
    """All rules, and what they share."""

    classes: dict[str, Class]
    guards: dict[str, Guard]
    filler: str
    refers: str
    repeat: Repeat
    rules: list[Rule]

    def combined(self) -> dict[str, str]:
        """One pattern a scope that matches where any rule of it does: the prefilter. (All in one would outgrow RE2's automaton: 20 times slower.)"""
        scopes = dict.fromkeys(r.scope for r in self.rules)
        return {s: scoped(s, "|".join(f"(?:{r.pattern})" for r in self.rules if r.scope == s), self.filler) for s in scopes}

    def guards_of(self, rule: Rule) -> list[str]:
        return [*rule.guards, *(name for name, g in self.guards.items() if rule.class_ in g.always)]


def scoped(scope: str, pattern: str, filler: str) -> str:
    around = {
        "opening": rf"^{filler}{{0,3}}(?:{pattern})",
        "clause": rf"{CLAUSE}{filler}{{0,1}}(?:{pattern})",
        "whole": rf"^{filler}{{0,2}}(?:{pattern}){END}",
        "alone": rf"^(?:{pattern}){END}",
    }
    return around.get(scope, rf"(?:{pattern})")


@cache
def table() -> Table:
    """The shipped rules; a mistake in them is named by file and field."""
    try:
        found = yaml.safe_load((FOLDER / "classes.yaml").read_text(encoding="utf-8"))
        read = Table(**found, rules=list(_rules()))
    except (ValidationError, yaml.YAMLError) as error:
        raise BadRecipe(f"{FOLDER}: {error}") from None
    named = {g for r in read.rules for g in r.guards} - read.guards.keys()
    unknown = {r.class_ for r in read.rules} - read.classes.keys()
    if named or unknown:
        raise BadRecipe(f"{FOLDER}: {', '.join(sorted(named | unknown))} is named by a rule and defined nowhere in classes.yaml")
    return read


def _rules() -> Iterator[dict[str, Any]]:
    for language in LANGUAGES:
        yield from yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))


@cache
def digest() -> str:
    """sha256 of the rules' files: part of the id of what is mined by them."""
    sums = [hashlib.sha256((FOLDER / f"{name}.yaml").read_bytes()).hexdigest() for name in ("classes", *LANGUAGES)]
    return hashlib.sha256("".join(sums).encode()).hexdigest()
