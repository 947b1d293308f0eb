"""One answer format a task: an answer that breaks it teaches the model to break it, so it is left out with the reason."""

import json
import re
from functools import lru_cache
from typing import Any

from pipeline.errors import BadRecipe
from pipeline.people import PLACEHOLDER
from pipeline.recipe import Task


def tidy(text: str, card: Task | None) -> str:
    """The answer as it is taught: white space around a label or JSON is the keyboard's, not the user's."""
    return text.strip() if card and card.answer.format != "free" else text.rstrip()


def said(message: dict[str, Any], card: Task | None) -> dict[str, Any]:
    """A logged answer as it is taught."""
    return message | {"content": tidy(message["content"], card)} if message["content"] else message


def fault(text: str, card: Task | None) -> str | None:
    """Why an answer may not be taught for a task, or None."""
    if not text.strip():
        return "format_empty"
    form = card.answer.format if card else "free"
    if card is None or form == "free":
        return None
    if form == "label":
        return None if text.strip() in (card.labels or {}) else "format_label"
    if form == "regex":
        return None if re.fullmatch(card.answer.pattern or "", text.strip()) else "format_regex"
    return _json_fault(text, card.answer.schema_)


def unscorable(text: str, card: Task) -> str | None:
    """Why the card's checker could not score another answer against this one, or None. A user's text is never run as a pattern."""
    if card.checker == "json":
        return _json_fault(text, None) and "unscorable"
    if card.checker == "regex":
        return None if card.answer.pattern and re.fullmatch(card.answer.pattern, text.strip()) else "unscorable"
    return None if any(c.isalnum() for c in text) or card.checker != "label" else "unscorable"


def _json_fault(text: str, schema: dict[str, Any] | None) -> str | None:
    try:
        value = json.loads(text, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return "format_json"
    if schema is not None and not validator(json.dumps(schema)).is_valid(value):
        return "format_schema"
    return None


@lru_cache(maxsize=64)
def validator(schema: str) -> Any:
    """The checker of a schema; raises BadRecipe where it is none. A $ref to another place is never fetched."""
    from jsonschema import Draft202012Validator, SchemaError
    from referencing import Registry

    try:
        Draft202012Validator.check_schema(json.loads(schema))
    except SchemaError as error:
        raise BadRecipe(f"answer.schema is no JSON schema: {error.message}") from None
    return Draft202012Validator(json.loads(schema), registry=Registry())


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key given twice has two answers."""
    if len({k for k, _ in pairs}) != len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def flags(text: str) -> list[str]:
    """What a person should know before such an answer is taught."""
    return ["personal_data"] if PLACEHOLDER.search(text) else []
