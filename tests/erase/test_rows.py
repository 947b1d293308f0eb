"""Which mined rows go with a user, and what is left of the proof of those that stay."""

import json

import pytest

from pipeline import people
from pipeline.erase.gone import Gone
from pipeline.erase.tables import less_evidence
from pipeline.settings import Settings


@pytest.fixture
def gone(home: Settings) -> Gone:
    """User `gone` left, and so did her conversation `hers`; of conversation `his` she had said e1."""
    marks = {(people.USER, people.mark(home, people.USER, "gone")), (people.CONVERSATION, people.mark(home, people.CONVERSATION, "hers"))}
    return Gone(home, marks, events={("his", "e1")}, texts={"she said it all"})


def row(conversation: str, user: str | None, *events: str, **more: object) -> dict[str, object]:
    return {"conversation_id": conversation, "user_hash": user, "evidence": json.dumps({"events": events, "rule": "thumb"} | more)}


@pytest.mark.parametrize(
    ("found", "goes"),
    [
        (row("his", "him", "e2"), False),
        (row("his", "him", "e1", "e2"), False),
        (row("his", "him"), False),
        (row("hers", "him", "e2"), True),
        (row("his", "gone", "e2"), True),
        (row("his", None, "e1"), True),
        ({"conversation_id": "his", "evidence": {"event_id": "e1", "user_hash": None}}, True),
        ({"conversation_id": "his", "evidence": {"event_id": "e9", "user_hash": "gone"}}, True),
        ({"conversation_id": "his", "evidence": {"event_id": "e2", "user_hash": "him"}}, False),
    ],
    ids=[
        "his",
        "both spoke",
        "no proof",
        "her conversation",
        "she spoke",
        "only her event",
        "her signal",
        "her word elsewhere",
        "his signal",
    ],
)
def test_a_row_goes_with_its_conversation_its_speaker_or_its_last_proof(found: dict[str, object], goes: bool, gone: Gone) -> None:
    assert gone.row(found) == goes


def test_a_row_that_stays_loses_her_event_and_her_words(gone: Gone) -> None:
    left = less_evidence(row("his", "him", "e1", "e2", said=["she said it all", "he said more"]), gone)
    assert json.loads(left or "") == {"events": ["e2"], "rule": "thumb", "said": ["he said more"]}
    assert less_evidence(row("his", "him", "e2"), gone) is None
