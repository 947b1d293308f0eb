"""Lessons that a command makes out of another one, and the stages run with them: by child processes, or in this one for tests.

A made lesson is a recipe like any other, in `recipes/` of home under a name of its own, so that a stage that runs in another process, or again
after a kill, finds the very same. What it says is sealed in everything that is made with it.
"""

import importlib
from collections.abc import Callable
from typing import Any

import yaml

from pipeline import recipe
from pipeline.commands import day
from pipeline.recipe import Recipe
from pipeline.settings import Settings

Facts = dict[str, Any]
Stage = Callable[[str, list[str], Recipe], Facts]
"""(stage, its words, lesson) -> what the stage printed."""


def write(settings: Settings, lesson: Recipe, why: str) -> Recipe:
    """Put a made lesson where stages look for it. Its name ends in its own sum: equal lessons are one file."""
    plain = lesson.model_dump(mode="json", by_alias=True)
    named = lesson.model_copy(update={"name": f"{lesson.name}-{recipe.digest(plain)[:8]}"})
    path = settings.home / "recipes" / f"{named.name}.yaml"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        text = yaml.safe_dump(named.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"name": named.name}, sort_keys=False)
        draft.write_text(f"# {why}\n{text}", encoding="utf-8")
        draft.rename(path)
    return named


def children(settings: Settings) -> Stage:
    """Each stage in a process of its own, as a day runs them."""

    def run(name: str, words: list[str], lesson: Recipe) -> Facts:
        return day.stage(name, words, lesson.name, settings, {"seconds": {}})

    return run


def here(settings: Settings) -> Stage:
    """Each stage in this process: for tests and measurements, where starting a process costs more than the stage."""

    def run(name: str, words: list[str], lesson: Recipe) -> Facts:
        stage = importlib.import_module(f"pipeline.{name}.run").run
        if words[0] != "--lost":
            return stage(words[0], lesson, settings)
        return stage(words[1], lesson, settings, lost=words[1], arm=words[3::2] or None)

    return run
