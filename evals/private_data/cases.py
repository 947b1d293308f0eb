"""Texts with planted values and look-alikes: written by hand in cases.jsonl, and made of other people's published examples.

A line of cases.jsonl marks its values as ⟦KIND|value⟧; what is not marked must stay. A ¦ is removed on reading: it keeps secret scanners from
taking our fakes for somebody's keys.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MARK = re.compile(r"⟦(\w+)\|(.*?)⟧", re.DOTALL)
HERE = Path(__file__).parent
CARDS = (HERE / "cards.txt").read_text().split()  # the test numbers in Stripe's, Adyen's and PayPal's documentation
IBANS = (HERE / "ibans.txt").read_text().split()  # the examples of the IBAN registry (ISO 13616)
LOCALES = {  # regions whose numbers are also looked for without a word before them
    "US": "en-US",
    "GB": "en-GB",
    "DE": "de-DE",
    "FR": "fr-FR",
    "ES": "es-ES",
    "IT": "it-IT",
    "CN": "zh-CN",
    "JP": "ja-JP",
    "KR": "ko-KR",
    "IN": "en-IN",
    "BR": "pt-BR",
}


class Case(NamedTuple):
    """A text, and what stands in it."""

    about: str
    locale: str
    text: str
    values: tuple[tuple[int, int, str], ...]
    """from, to, kind"""

    @property
    def held_back(self) -> bool:
        """Half of the cases, by the sum of the text, were not looked at while the rules were written."""
        return hashlib.sha256(self.text.encode()).digest()[0] % 2 == 1


def case(about: str, locale: str, marked: str) -> Case:
    marked = marked.replace("¦", "")
    text, values, done = "", [], 0
    for mark in MARK.finditer(marked):
        text += marked[done : mark.start()]
        values.append((len(text), len(text) + len(mark.group(2)), mark.group(1)))
        text += mark.group(2)
        done = mark.end()
    return Case(about, locale, text + marked[done:], tuple(values))


def written() -> Iterator[Case]:
    """Those of cases.jsonl."""
    for line in (HERE / "cases.jsonl").read_text(encoding="utf-8").splitlines():
        yield case(**json.loads(line))


def published() -> Iterator[Case]:
    """Other people's examples: cards, accounts, and two telephones for each region that libphonenumber knows."""
    import phonenumbers as p

    for number in CARDS:
        yield case("published card", "en", f"Please charge ⟦CARD|{number}⟧ today.")
    for number in IBANS:
        grouped = " ".join(number[i : i + 4] for i in range(0, len(number), 4))
        yield case("published iban", "en", f"Send it to ⟦IBAN|{number}⟧, thanks.")
        yield case("published iban", "en", f"Send it to ⟦IBAN|{grouped}⟧ before Friday.")
    for region in sorted(p.SUPPORTED_REGIONS):
        for kind in (p.PhoneNumberType.MOBILE, p.PhoneNumberType.FIXED_LINE):
            example = p.example_number_for_type(region, kind)
            if example is None:
                continue
            national = p.format_number(example, p.PhoneNumberFormat.NATIONAL)
            for form in (p.PhoneNumberFormat.E164, p.PhoneNumberFormat.INTERNATIONAL):
                yield case("published phone, international", "en", f"Try ⟦PHONE|{p.format_number(example, form)}⟧ instead.")
            yield case("published phone, explained", "en", f"My phone number is ⟦PHONE|{national}⟧.")
            if region in LOCALES:
                yield case("published phone, of the locale", LOCALES[region], f"=> ⟦PHONE|{national}⟧ <=")
