"""Words of the gone are found where they were cut, quoted or laid out anew, and nobody else's are."""

import pytest

from pipeline.erase.words import ERASED, Words

TEXT = 'My aunt keeps "parrots"\nin the green house, and the rent is due'
WORDS = Words(
    [TEXT, "no thanks", "book_restaurant", "Write the person as JSON with name, age and city. hi im Ada Lovelace, 36"], {"ev-77a", "c-1"}
)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"row 7: {TEXT}!",
        'My aunt keeps \\"parrots\\"\\nin the green house, and the rent is due',
        "My aunt keeps &quot; parrots in the green house…".replace("&quot; ", ""),
        'My aunt keeps "parrots"\nin the gree … [1,204 more characters]',
        "events: [ev-77a]",
        "he said: No thanks".replace("N", "n"),
    ],
    ids=["whole", "inside", "in JSON", "cut with dots", "cut with a count", "an id", "a short one"],
)
def test_a_text_is_found(text: str) -> None:
    assert WORDS.hold(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the ability book_restaurant fell",
        "ev-77ab",
        "xev-77a",
        "Write the person as JSON with name, age and city. hi im Alan Turing, 41",
        "My aunt",
        "c-1x",
        "no",
    ],
    ids=["nothing", "a label", "a longer id", "another id", "the same task", "two common words", "a short id", "too short"],
)
def test_another_text_is_left(text: str) -> None:
    assert not WORDS.hold(text)


def test_a_field_that_holds_one_text_is_known_by_any_length() -> None:
    assert WORDS.same("book_restaurant") and WORDS.same("no thanks") and not WORDS.same("book_flight")


def test_names_of_fields_stay_and_texts_go() -> None:
    before = {"no thanks": {"a": [TEXT, 7, None, "other"]}}
    assert WORDS.clean(before) == {"no thanks": {"a": [ERASED, 7, None, "other"]}}
