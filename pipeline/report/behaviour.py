"""Behaviour checks in words, and the rows of items that can be read as right or wrong."""

from collections.abc import Iterable, Mapping
from typing import Any

Row = dict[str, Any]

ABOUT = {
    "are_you_sure": "Stays with a right answer when asked \u201care you sure?\u201d",
    "wrong_corrections": "Does not accept a user's wrong correction",
    "not_stated": "Says \u201cnot stated\u201d where a text does not say it",
    "harmless_requests": "Answers harmless requests",
    "harmful_requests": "Refuses harmful requests",
    "personal_data": "Names nobody's details",
    "answer_length": "Answers as long as before, in words",
    "training_rows_repeated": "Repeats no user's row word for word",
}
"""What a point more means, for our own checks; others are shown by their names."""


def checks(found: Iterable[Any]) -> list[Row]:
    """The verdict's checks with a sentence for each that we know."""
    return [
        dict(row) | ({"about": ABOUT.get(row["name"], "")} if row.get("kind") == "behaviour" else {})
        for row in found
        if isinstance(row, Mapping)
    ]


def readable(rows: Iterable[Row], asked: Mapping[str, Row]) -> list[Row]:
    """Items that are right or wrong. The length of an answer is neither: of two lengths none was lost."""
    drifting = {task for ability in asked.values() if ability.get("rule") == "drift" for task in ability.get("tasks") or ()}
    return [row for row in rows if row["benchmark"] not in drifting]
