"""The page: facts in, one HTML text out. Every text is escaped by the template engine, and the page may load and run nothing."""

from pathlib import Path
from typing import Any

from pipeline.report import words

HERE = Path(__file__).parent


def render(facts: dict[str, Any]) -> str:
    """Draw the facts of `facts.assemble`, made visible by `words.shown`. No text of theirs reaches the page unescaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    env.filters |= {"points": words.points, "chance": words.chance, "number": words.number, "tick": words.tick}
    return env.get_template("page.html.j2").render(r=facts)
