"""Personal data out, typed placeholders in: the same value gets the same number all through one conversation.

Shapes only, no names of persons: a shape can be checked by hand, and what looks like an address but is a version, a date or an order
number stays. A text without '@' and without seven digits or a key's prefix is not searched at all, which is most texts.
"""

import ipaddress
import json
import re
from collections.abc import Callable
from typing import Any

KEY_PREFIXES = (
    "sk-", "sk_", "rk_", "pk_live", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AIza",
    "hf_", "npm_", "pypi-", "SG.", "eyJ", "earer ", "-----BEGIN", "key", "KEY", "Key", "oken", "TOKEN", "ecret", "SECRET",
)  # fmt: skip
KEY = re.compile(
    r"""-----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.{0,8192}?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|$)
    | \b(?:sk-(?:[a-z]{2,8}\d{0,2}-)?[\w-]{20,} | [srp]k_(?:live|test)_\w{10,}
      | (?:AKIA|ASIA)[0-9A-Z]{16}\b | gh[pousr]_[0-9A-Za-z]{20,} | github_pat_\w{20,} | glpat-[\w-]{20,}
      | xox[abeoprs]-[\w-]{10,} | AIza[\w-]{35} | hf_[0-9A-Za-z]{20,} | npm_[0-9A-Za-z]{30,} | pypi-[\w-]{40,}
      | SG\.[\w-]{16,}\.[\w-]{16,} | eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,})
    | (?<=[Bb]earer\ )[\w.~+/-]{20,}=*
    | (?:(?<=key)|(?<=oken)|(?<=ecret)|(?<=KEY)|(?<=TOKEN)|(?<=SECRET))["']?\s{0,3}[:=]\s{0,3}["']?
      (?P<value>(?=[\w+/-]{0,40}\d)(?=[\w+/-]{0,40}[A-Za-z])[\w+/-]{20,}=*)""",
    re.VERBOSE | re.DOTALL,
)
EMAIL = re.compile(r"[\w.%+\-]{1,64}@(?:[\w\-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w(])")
IPV4 = re.compile(r"(?<![\w.\-])(?:\d{1,3}\.){3}\d{1,3}(?![\w\-]|\.\d)")
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])")
CARD = re.compile(r"(?<![\w.\-])\d(?:[ \-]?\d){12,18}(?![\w\-]|\.\d)")
PHONE = re.compile(
    r"""(?<![\w+.\-])\+\(?\d{1,3}\)?(?:[ .\-/]?\(?\d{1,5}\)?){2,6}(?![\w\-]|\.\d)              # +49 30 1234567
    | (?<![\w.\-/])(?:1[ .\-])?(?:\([2-9]\d{2}\)[ \-]?|[2-9]\d{2}[.\-])\d{3}[ .\-]\d{4}(?![\w\-]|\.\d)  # (415) 555-2671
    | (?<![\w.\-/])1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}(?![\w\-]|\.\d)                               # 138 1234 5678, China
    | (?<![\w.\-/:])0[1-9]\d{0,3}[ /\-]\d{2,4}(?:[ \-]?\d{2,4}){1,3}(?![\w\-/:]|[ .]\d)         # 020 7946 0958
    | (?:(?:tele)?phone|\btel\b|\bmobile|\bcell|\bfax|\bcall|\btext|\breach|\bmy\ number|whatsapp|电话|手机|号码)\W{0,3}(?:(?:number|no|nr|is|at|me|on|us|at|my|是|为|:|：)\W{1,3}){0,3}
      (?P<value>\+?\(?\d[\d() .\-]{5,16}\d)(?![\w\-]|\.\d)""",
    re.VERBOSE | re.IGNORECASE,
)
WORTH = re.compile(r"\d(?:[^\d\n]{0,3}\d){6}|\d\.\d{1,3}\.\d|:[0-9A-Fa-f]{0,4}:")  # seven digits, or the middle of an IP address
VERSION = re.compile(r"(?:\bv|\bver|\bversion|\brelease|\bbuild|\bsection|\bchapter|[=<>~^!]=|§)\.?\s{0,2}$", re.IGNORECASE)
ORDER = re.compile(
    r"(?:order|invoice|ticket|tracking|parcel|case|ref(?:erence)?|item|id|no|nr|number|#|订单|单号|编号)\W{0,3}(?:(?:number|no|id|nr)\W{0,3})?$",
    re.IGNORECASE,
)
DATE = re.compile(r"^(?:\d{4}[\-/.]\d{2}[\-/.]\d{2}|\d{2}[\-/.]\d{2}[\-/.]\d{4})")
ISSUERS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}|35\d{14}"
)
DIGITS = 7  # an integer of fewer digits is no phone and no card


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _is_card(found: str, before: str) -> bool:
    digits = re.sub(r"\D", "", found)
    return bool(ISSUERS.fullmatch(digits)) and _luhn(digits)


def _is_ip(found: str, before: str) -> bool:
    try:
        address = ipaddress.ip_address(found)
    except ValueError:
        return False
    if address.version == 6:
        return any(c.isdigit() for c in found) and not address.is_loopback  # dead::beef is a path in a program
    return not (address.is_loopback or found.startswith("0.") or found.startswith("255.") or VERSION.search(before))


def _is_phone(found: str, before: str) -> bool:
    digits = sum(c.isdigit() for c in found)
    return 7 <= digits <= 15 and not DATE.match(found) and not ORDER.search(before) and found.count("(") == found.count(")")


def _always(found: str, before: str) -> bool:
    return True


RULES: tuple[tuple[str, re.Pattern[str], Callable[[str, str], bool]], ...] = (
    ("IP", IPV6, _is_ip),
    ("IP", IPV4, _is_ip),
    ("CARD", CARD, _is_card),
    ("PHONE", PHONE, _is_phone),
)


class Scrubber:
    """Replaces personal data in the texts of one conversation and remembers which value got which number."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = {}

    @staticmethod
    def worth(text: str) -> bool:
        """Whether anything in this text could be personal data."""
        return "@" in text or any(prefix in text for prefix in KEY_PREFIXES) or bool(WORTH.search(text))

    def text(self, text: str) -> str:
        if any(prefix in text for prefix in KEY_PREFIXES):
            text = self._replaced("KEY", KEY, _always, text)
        if "@" in text:
            text = self._replaced("EMAIL", EMAIL, _always, text)
        if WORTH.search(text):
            for kind, pattern, believed in RULES:
                text = self._replaced(kind, pattern, believed, text)
        return text

    def deep(self, value: Any) -> Any:
        """The same for every text, key and long number inside a JSON value."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(k): self.deep(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.deep(v) for v in value]
        if isinstance(value, int) and not isinstance(value, bool) and len(str(value)) >= DIGITS:
            masked = self.text(str(value))
            return value if masked == str(value) else masked
        return value

    def document(self, value: Any) -> str | None:
        """A JSON value as text, nothing personal in it."""
        import orjson

        if value is None:
            return None
        plain = orjson.dumps(value).decode()
        return orjson.dumps(self.deep(value)).decode() if self.worth(plain) else plain

    def calls(self, calls: list[Any] | None) -> str | None:
        """Tool calls in the OpenAI shape: their arguments are JSON inside a text, and stay JSON."""
        if calls is None:
            return None
        whole = []
        for call in calls:
            arguments = call["function"].get("arguments")
            if isinstance(arguments, str):
                call = {**call, "function": {**call["function"], "arguments": self._inner(arguments)}}
            whole.append(call)
        return self.document(whole)

    def _inner(self, text: str) -> str:
        masked = self.text(text)
        if masked == text:
            return text
        try:
            return json.dumps(self.deep(json.loads(text)), ensure_ascii=False)
        except (ValueError, RecursionError):
            return masked

    def _replaced(self, kind: str, pattern: re.Pattern[str], believed: Callable[[str, str], bool], text: str) -> str:
        def placeholder(match: re.Match[str]) -> str:
            named = "value" in pattern.groupindex and match.group("value") is not None
            start, end = match.span("value") if named else match.span()
            found = text[start:end]
            if not believed(found, text[max(0, match.start() - 24) : match.start()]):
                return match.group()
            return text[match.start() : start] + f"<{kind}_{self._number(kind, found)}>" + text[end : match.end()]

        return pattern.sub(placeholder, text)

    def _number(self, kind: str, found: str) -> int:
        same = re.sub(r"\D", "", found) if kind in ("CARD", "PHONE") else found.lower() if kind in ("EMAIL", "IP") else found
        if (kind, same) not in self._numbers:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._numbers[kind, same] = self._counts[kind]
        return self._numbers[kind, same]
