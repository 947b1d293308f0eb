"""Judge a generated answer by rules that a reader can check with a pencil: no second model, no guess.

An item names its rules as `rule argument`, all of which must hold: `contains river`, `max_words 5`.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence

Rule = Callable[[str, str], bool]


def words(text: str) -> list[str]:
    return re.findall(r"\w+(?:['’-]\w+)*", text)


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def _min_count(text: str, argument: str) -> bool:
    least, mark = argument.split(" ", 1)
    return text.count(mark) >= int(least)


RULES: dict[str, Rule] = {
    "contains": lambda text, part: part.lower() in text.lower(),
    "avoids": lambda text, word: not _has_word(text, word),
    "has_word": _has_word,
    "one_of": lambda text, options: any(_has_word(text, option) for option in options.split("/")),
    "only_one": lambda text, options: sum(_has_word(text, option) for option in options.split("/")) == 1,
    "first_of": lambda text, options: [w.lower() for w in words(text)[:1]] in [[option] for option in options.split("/")],
    "starts_with": lambda text, part: text.startswith(part),
    "min_words": lambda text, count: len(words(text)) >= int(count),
    "max_words": lambda text, count: 1 <= len(words(text)) <= int(count),
    "min_count": _min_count,
    "lowercase": lambda text, _: text == text.lower() and bool(words(text)),
}


def holds(rule: str, text: str) -> bool:
    """Whether `text` keeps one rule; an unknown rule is the item's fault and raises KeyError."""
    name, _, argument = rule.partition(" ")
    return RULES[name](text.strip(), argument)


def followed(doc: Mapping, results: Sequence[str]) -> dict[str, float]:
    """1.0 when every rule of the item holds."""
    return {"passed": float(all(holds(rule, results[0]) for rule in doc["rules"]))}


def same_json(doc: Mapping, results: Sequence[str]) -> dict[str, float]:
    """1.0 when the given opening and the answer together are valid JSON, equal to the item's."""
    wanted = json.loads(doc["start"] + doc["answer"])
    try:
        got = json.loads(doc["start"] + results[0])
    except ValueError:
        return {"passed": 0.0}
    # json.dumps tells true from 1 and 5 from 5.0, which Python's == does not
    return {"passed": float(json.dumps(got, sort_keys=True) == json.dumps(wanted, sort_keys=True))}


def unrepeated(text: str, size: int = 3) -> float:
    """Share of different word-triples among all: 1 when nothing is said twice, near 0 when a model is stuck in a loop."""
    said = [w.lower() for w in words(text)]
    grams = [tuple(said[i : i + size]) for i in range(len(said) - size + 1)]
    return len(set(grams)) / len(grams) if grams else 0.0


def written(doc: Mapping, results: Sequence[str]) -> dict[str, float]:
    """What can be seen in open-ended writing: its rules, its repetition, its length in words."""
    return {**followed(doc, results), "unrepeated": unrepeated(results[0]), "words": float(len(words(results[0])))}
