"""What the gate asks, as text: held-out files and the items of suites that lie here as JSONL, read without lm-eval.

A suite's task files name their items by `dataset_kwargs.file`. Items behind a hub, or made by code, cannot be read here and are named.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline import recipe as recipes
from pipeline.errors import BadRecipe
from pipeline.recipe import Recipe, Suite
from pipeline.settings import Settings

NOT_ASKED = {"id", "cluster", "task", "subject", "category", "level", "answer", "target", "start", "rules", "choices", "checker", "format"}
"""Fields that are no question: what stands in them would dilute what an item's words are."""


@dataclass
class Asked:
    """Items of the gate with their names, and the benchmarks that could not be read."""

    names: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    """Benchmark: why."""

    def add(self, name: str, text: str) -> None:
        if text.strip():
            self.names.append(name)
            self.texts.append(text)


def asked(settings: Settings, recipe: Recipe, suites: list[str] | None = None) -> Asked:
    """Items of the lesson's suites (or of the named ones), and of every held-out file."""
    found = Asked()
    for path in heldout_files(settings):
        _read(found, path, f"heldout/{path.stem}")
    for name in suites or recipe.evaluation.suites:
        try:
            suite, path = recipes.suite(settings, name)
        except BadRecipe as error:
            if suites:
                raise
            found.unread[name] = str(error)  # `evaluate` stops at it; rows can be mined
            continue
        _suite(found, suite, path, name)
    return found


def heldout_files(settings: Settings) -> list[Path]:
    folders = [recipes.EVALS / "heldout"] + ([settings.config / "heldout"] if settings.config else [])
    return sorted(p for folder in folders for p in folder.glob("*.jsonl"))


def _suite(found: Asked, suite: Suite, path: Path, name: str) -> None:
    folder = (path.parent / suite.include).resolve() if suite.include else None
    cards = dict(_cards(folder)) if folder and folder.is_dir() else {}
    for task in [t for ability in suite.abilities.values() for t in ability.tasks]:
        file = (cards.get(task, {}).get("dataset_kwargs") or {}).get("file")
        places = [Path(p) for p in ((path.parent / suite.data_dir).resolve() if suite.data_dir else None, folder) if p]
        here = next((p / file for p in places if (p / file).is_file()), None) if isinstance(file, str) else None
        if here:
            _read(found, here, f"{name}/{task}")
        else:
            found.unread[f"{name}/{task}"] = "its items do not lie beside its task file as JSONL"


def _cards(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Task files by the name of their task. What they would have Python do (`!function`) is not done."""
    for path in sorted(folder.rglob("*.y*ml")):
        try:
            card = yaml.load(path.read_text(encoding="utf-8"), Loader=_Plain)  # noqa: S506  a SafeLoader that skips tags
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise BadRecipe(f"{path}: no readable YAML: {error}") from None
        if isinstance(card, dict) and isinstance(card.get("task"), str):
            yield card["task"], card


class _Plain(yaml.SafeLoader):
    """YAML without its tags."""


_Plain.add_multi_constructor("!", lambda loader, suffix, node: None)


def _read(found: Asked, path: Path, name: str) -> None:
    """One item a line; lines that are no item are those of other stages to complain about."""
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        try:
            item = json.loads(line) if line.strip() else None
        except ValueError:
            found.unread[f"{name}:{number}"] = "the line is no JSON"
            continue
        if isinstance(item, dict):
            found.add(f"{name}/{item.get('id', number)}", text(item))


def text(item: dict[str, Any]) -> str:
    """The words of a question: its last user turn where it is a talk, else every text that is asked."""
    messages = item.get("messages")
    if isinstance(messages, list):
        return next((str(m.get("content") or "") for m in reversed(messages) if isinstance(m, dict) and m.get("role") == "user"), "")
    parts = [value for key, value in item.items() if isinstance(value, str) and key not in NOT_ASKED]
    return "\n".join(parts + [t for t in item.get("turns") or [] if isinstance(t, str)])
