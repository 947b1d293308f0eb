"""Personal data out, typed placeholders in: the same value gets the same number all through one conversation.

Most texts hold nothing that the rules could read, and are not searched at all; `suspects` finds the others many at a time.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipeline.ingest.folding import folded
from pipeline.ingest.identities import plain as without_separators
from pipeline.ingest.phones import digits, regions
from pipeline.ingest.rules import ALL, OURS, RULES, WORTH, rules_by_text, suspects_mask
from pipeline.ingest.shapes import BEFORE_CHARS, Found, Rule

__all__ = ["Scrubber", "suspects", "suspects_mask"]

TAKEN = "\ue000"  # stands where a value was found: no letter, no digit, no blank
PLACEHOLDER = re.compile(OURS)
FOUR_DIGITS = re.compile(r"[0-9](?:[^0-9\n]{0,3}[0-9]){3}")  # no id, card or telephone has fewer
DIGITS = 7  # an integer of fewer digits is nothing of a person's
LABEL_CHARS = 40  # the name of a field, before what it holds


class Suspects(set[str]):
    """The texts worth searching, and which rules each of them needs (`rules.rules_by_text`)."""

    def __init__(self, needs: dict[str, int] | None = None) -> None:
        super().__init__(needs or ())
        self.needs = needs or {}


def suspects(texts: Iterable[str]) -> Suspects:
    """The texts worth searching."""
    import pyarrow as pa

    column = pa.array(texts, pa.string())
    return Suspects(rules_by_text(column.filter(suspects_mask(column))))


Span = tuple[int, int, str, str]  # from, to, kind, what stands there in plain characters


class Scrubber:
    """Replaces personal data in the texts of one conversation and remembers which value got which number."""

    def __init__(self, suspects: set[str] | None = None, locale: str | None = None) -> None:
        self.counts: Counter[str] = Counter()
        """How many values of each kind were replaced so far, repeated ones too."""
        self._suspects = suspects
        self._needs = suspects.needs if isinstance(suspects, Suspects) else {}
        self._regions = regions(locale)
        self._numbers: dict[tuple[str, str], int] = {}
        self._given: dict[str, set[int]] = {}

    @staticmethod
    def worth(text: str) -> bool:
        """Whether anything in this text, or in JSON written out, could be personal data: a short look for one text alone."""
        return bool(WORTH.search(text))

    def text(self, text: str, label: str = "") -> str:
        """label: the name of the field that holds the text; it explains a number as a word before it would."""
        return self._searched(text, label, ALL)

    def deep(self, value: Any, label: str = "") -> Any:
        """The same for every text, key and long number inside a JSON value."""
        if isinstance(value, str):
            return self.text(value, label)
        if isinstance(value, dict):
            return {self.text(k): self.deep(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.deep(v) for v in value]
        if isinstance(value, int) and not isinstance(value, bool) and len(str(value)) >= DIGITS:
            masked = self.text(str(value), label)
            return value if masked == str(value) else masked
        return value

    def said(self, text: str | None) -> str | None:
        """A text that `suspects` has looked at already, where it was asked."""
        if text is None or (self._suspects is not None and text not in self._suspects):
            return text
        return self._searched(text, "", self._needs.get(text, ALL))

    def document(self, value: Any) -> str | None:
        """A JSON value as text, nothing personal in it."""
        import orjson

        if value is None:
            return None
        plain = orjson.dumps(value).decode()
        return orjson.dumps(self.deep(value)).decode() if self.worth(plain) else plain

    def calls(self, calls: list[Any] | None) -> str | None:
        """Tool calls in the OpenAI shape: their arguments are JSON inside a text, and stay JSON."""
        import orjson

        if calls is None:
            return None
        plain = orjson.dumps(calls).decode()
        return orjson.dumps([self._call(call) for call in calls]).decode() if self.worth(plain) else plain

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        function = {
            self.text(k): self._inner(v) if k == "arguments" and isinstance(v, str) else self.deep(v, k)
            for k, v in call["function"].items()
        }
        return {self.text(k): function if k == "function" else self.deep(v, k) for k, v in call.items()}

    def _inner(self, text: str) -> str:
        try:
            value = json.loads(text)
            masked = self.deep(value)
        except (ValueError, RecursionError):
            return self.text(text)
        return text if masked == value else json.dumps(masked, ensure_ascii=False)

    def spans(self, text: str, label: str = "", needs: int = ALL) -> list[Span]:
        """Where personal data stands in a text, from left to right. needs: the rules to try, a bit a rule."""
        before = f"{label[:LABEL_CHARS]}: " if label else ""
        work, places = folded(text)
        work, found = typed(before + work)
        small, numbers = work.lower(), FOUR_DIGITS.search(work)
        for bit, rule in enumerate(RULES):
            if needs >> bit & 1 and (any(sign in small for sign in rule.signs) if rule.signs else numbers):
                work = self._take(rule, work, found)
        moved = [(start - len(before), end - len(before), kind, value) for start, end, kind, value in sorted(found) if start >= len(before)]
        return moved if places is None else [(places[start], places[end - 1] + 1, kind, value) for start, end, kind, value in moved]

    def _searched(self, text: str, label: str, needs: int) -> str:
        spans = self.spans(text, label, needs)
        if not spans:
            return text
        # Typed ones first: their numbers are not ours to give.
        names = {s: self._name(s[2], s[3]) for s in sorted(spans, key=lambda s: (s[3][0] != "<", s))}
        pieces, done = [], 0
        for span in spans:
            start, end, kind, value = span
            pieces += [text[done:start], names[span]]
            done = end
            self.counts[kind] += value[0] != "<"
        return "".join([*pieces, text[done:]])

    def _take(self, rule: Rule, work: str, spans: list[Span]) -> str:
        """What the rule finds becomes a span, and is out of sight for the rules after it."""
        at, done, pieces = 0, 0, []
        while match := rule.pattern.search(work, at):
            named = "value" in rule.pattern.groupindex and match.group("value") is not None
            start, end = match.span("value") if named else match.span()
            found = Found(work[start:end], work[max(0, start - BEFORE_CHARS) : start].lower(), work[end : end + 16], self._regions)
            length = rule.believed(found)
            at = max(start + length, match.start() + 1) if length else match.end()
            if length:
                spans.append((start, start + length, rule.kind, work[start : start + length]))
                pieces += [work[done:start], TAKEN * length]
                done = start + length
        return "".join([*pieces, work[done:]]) if pieces else work

    def _name(self, kind: str, found: str) -> str:
        key = (kind, comparable(kind, found))
        if key not in self._numbers:
            given = self._given.setdefault(kind, set())
            number = int(found[found.rindex("_") + 1 : -1]) if found[0] == "<" else len(given) + 1
            while number in given:
                number += 1
            given.add(number)
            self._numbers[key] = number
        return f"<{kind}_{self._numbers[key]}>"


def typed(work: str) -> tuple[str, list[Span]]:
    """Placeholders that somebody typed are values like any other: they keep their number unless we have given it to another value."""
    if "<" not in work:
        return work, []
    spans = [(m.start(), m.end(), m.group()[1 : m.group().rindex("_")], m.group()) for m in PLACEHOLDER.finditer(work)]
    return PLACEHOLDER.sub(lambda m: TAKEN * len(m.group()), work), spans


def comparable(kind: str, found: str) -> str:
    """What is the same however it is written."""
    if found[0] == "<":
        return found
    if kind in ("CARD", "PHONE"):
        return digits(found)
    if kind in ("IBAN", "NATIONAL_ID"):
        return without_separators(found)
    if kind == "EMAIL" and "@" not in found:
        found = re.sub(r"\s*[(\[{<]?\s*\b(?:dot|punkt|point|punto)\b\s*[)\]}>]?\s*", ".", found, flags=re.IGNORECASE)
        found = re.sub(r"\s*(?:[(\[{<]\s*(?:at|ät|arroba|chez)\s*[)\]}>]|\bat\b)\s*", "@", found, flags=re.IGNORECASE)
    return found.lower() if kind in ("EMAIL", "IP") else found
