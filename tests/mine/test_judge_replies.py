"""Replies that are not what was asked for: mended once, then no verdict; and a model's habits are no fault."""

import json
from collections.abc import Callable

import pytest

from pipeline.settings import Settings
from tests.mine.judges import WRONG, Asked, Endpoint, Knowing, Mind, court, three
from tests.mine.world import reasons, shape


def spoiled(mind: Knowing, name: str, spoil: Callable[[str], str], times: int) -> Mind:
    """A mind whose replies to one question about the sky are spoiled so many times for each asking."""
    done: dict[str, int] = {}

    def reply(a: Asked) -> str:
        good = mind(a)
        if a.name != name or "sky" not in str(a.parts):
            return good
        key = str(sorted(a.parts.items()))
        done[key] = done.get(key, 0) + 1
        return spoil(good) if done[key] <= times else good

    return reply


SPOILED: dict[str, Callable[[str], str]] = {
    "words around it": lambda text: f"Here you are: {text}",
    "torn": lambda text: text[:-3],
    "a key too many": lambda text: json.dumps(json.loads(text) | {"confidence": 5}),
    "a key given twice": lambda text: text[:-1] + ', "class": "praise"}',
    "a class of its own": lambda text: text.replace("correction", "sarcasm"),
    "a class in a list": lambda text: text.replace('"correction"', '["correction"]'),
    "two objects": lambda text: text + text,
    "a list": lambda text: f"[{text}]",
    "nothing": lambda text: "",
    "no points": lambda text: json.dumps(json.loads(text) | {"points": []}),
    "points beyond number": lambda text: json.dumps(json.loads(text) | {"points": ["x"] * 9}),
    "nested beyond depth": lambda text: "[" * 100_000,
    "not a number": lambda text: text.replace('"correction"', "NaN"),
    "a quote that nobody said": lambda text: json.dumps(json.loads(text) | {"quote": "I love it."}),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_reply_that_is_not_what_was_asked_for_is_mended_once(home: Settings, mind: Knowing, here: Endpoint, how: str) -> None:
    here.mind = spoiled(mind, "feedback", SPOILED[how], 1)
    assert shape(court(home, here, three("c1", WRONG))) == (0, 1, 0)
    sent = [r["messages"] for r in here.requests if len(r["messages"]) > 2]
    assert len(sent) == 1 and "That was not the reply that was asked for" in sent[0][-1]["content"]


@pytest.mark.parametrize("how", SPOILED)
def test_and_after_that_it_is_no_verdict(home: Settings, mind: Knowing, here: Endpoint, how: str) -> None:
    here.mind = spoiled(mind, "feedback", SPOILED[how], 2)
    found = court(home, here, three("c1", WRONG))
    assert shape(found) == (0, 0, 0)
    assert reasons(found) == {"quote_not_said" if how == "a quote that nobody said" else "judge_unreadable": 1}


HABITS = ["```json\n{}\n```", "```\n{}\n```", "<think>Hm, {{ who knows.</think>\n{}", "  {}\n"]


@pytest.mark.parametrize("habit", HABITS)
def test_a_models_habits_around_the_json_are_taken_off(home: Settings, mind: Knowing, here: Endpoint, habit: str) -> None:
    here.mind = lambda a: habit.replace("{}", mind(a)).replace("{{", "{")
    assert shape(court(home, here, three("c1", WRONG))) == (0, 1, 0) and not [r for r in here.requests if len(r["messages"]) > 2]


def test_what_cannot_be_read_is_not_asked_again(home: Settings, mind: Knowing, here: Endpoint) -> None:
    here.mind = spoiled(mind, "feedback", lambda text: "no", 99)
    first = reasons(court(home, here, three("c1", WRONG)))
    n = len(here.requests)
    assert reasons(court(home, here, three("c1", WRONG))) == first and len(here.requests) == n
