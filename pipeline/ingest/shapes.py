"""What addresses, accounts and cards look like: shapes only, so that every rule can be checked by hand, and what only looks like them stays.

Letters and digits are ASCII's in all shapes but the e-mail address: a Chinese word right before a number is then no part of it.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.ingest.checksums import luhn, mod97

BEFORE_CHARS = 64  # room for the word that explains a number, and for "number is" between them


class Found(NamedTuple):
    """What a pattern found, with its surroundings."""

    text: str
    before: str
    """in small letters"""
    after: str
    regions: tuple[str, ...] = ()
    """Where the conversation's locale says that it takes place."""


Belief = Callable[[Found], int]
"""How many characters of what was found are what they look like; 0: none."""


def always(found: Found) -> int:
    return len(found.text)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of personal data in one form."""

    kind: str
    pattern: re.Pattern[str]
    hint: str
    """In RE2's words: what stands in every text that the pattern can match. It may stand elsewhere too, and should do so seldom."""
    believed: Belief = field(default=always)
    signs: tuple[str, ...] = ()
    """One of these stands, in small letters, in every text that the pattern can match; none named: four digits near one another do."""


# RE2 knows no look-behind. Blanks written out (\n in a torn line or a JSON column) are an edge too.
EDGE = r"(?:^|[^0-9A-Za-z_]|\\[bfnrt]|\\u00[01][0-9a-f])"
LETTERS = "A-Za-z\u00c0-\u024f\u0370-\u04ff"  # Latin, Greek, Cyrillic
EMAIL = re.compile(
    rf"(?<![{LETTERS}0-9])[{LETTERS}0-9_%+](?:[{LETTERS}0-9_.%+\-]|(?<=[{LETTERS}])['’](?=[{LETTERS}])){{0,63}}@(?:[{LETTERS}0-9\-]{{1,63}}\.)+[{LETTERS}]{{2,24}}(?![{LETTERS}0-9_(])"
)
EMAIL_HINT = rf"[{LETTERS}0-9_%+.\-]@[{LETTERS}0-9\-]+\.[{LETTERS}0-9]"
AT, DOT = r" ?[(\[{<] ?(?:at|ät|arroba|chez|@) ?[)\]}>] ?", r" ?[(\[{<] ?(?:dot|punkt|point|punto|\.) ?[)\]}>] ?"
TOP = "com|org|net|edu|gov|info|io|de|fr|es|it|uk|nl|ch|at|pl|eu|cn|jp|in|br|ru|me|co"
HOSTS = "gmail|googlemail|hotmail|outlook|yahoo|icloud|gmx|proton|protonmail|aol|live|qq|mail|naver|yandex"
SPOKEN = re.compile(
    rf"""(?<![\w.@])[A-Za-z0-9_%+][\w.%+\-]{{0,63}}(?:(?:{DOT})[\w\-]{{1,63}}){{0,3}}{AT}[A-Za-z0-9\-]{{1,63}}(?:(?:{DOT}|\.)[A-Za-z0-9\-]{{1,63}}){{1,4}}
    |(?<![\w.@])[A-Za-z0-9_%+][\w.%+\-]{{0,63}}(?:\ dot\ [\w\-]{{1,63}}){{0,3}}\ at\ (?:(?:{HOSTS})|[A-Za-z0-9\-]{{1,63}})\ dot\ (?:co\ dot\ )?(?:{TOP})(?!\w)""".replace(
        " ?", "[ ]?"
    ),
    re.IGNORECASE | re.ASCII | re.VERBOSE,
)
SPOKEN_HINT = r"(?i:[(\[{<] ?(?:at|ät|arroba|chez|@) ?[)\]}>]| at [a-z0-9\-]+ dot )"
IPV4 = re.compile(r"(?<![\w.\-])(?:\d{1,3}\.){3}\d{1,3}(?![\w\-]|\.\d)", re.ASCII)
IPV4_HINT = r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])", re.ASCII)
IPV6_HINT = r"[0-9A-Fa-f]::|::[0-9A-Fa-f]|(?:[0-9A-Fa-f]{1,4}:){6}[0-9A-Fa-f]"  # 08:00:00 is no address
CARD = re.compile(r"(?<![\w+.\-])(?:\d{13,19}|(?:\d{4}[ \-]){3}\d{4}(?:[ \-]\d{3})?|\d{4}[ \-]\d{6}[ \-]\d{4,5})(?!\w|\.\d|-\d)", re.ASCII)
ISSUERS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}(?:\d\d)?|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}|35\d{14}"
)
CARD_HINT = (
    EDGE
    + r"(?:4[0-9]{12}|3[0-9]{13}|[256][0-9]{15}|[2-6][0-9]{3}[ \-][0-9]{4}[ \-][0-9]{4}[ \-][0-9]{4}|3[0-9]{3}[ \-][0-9]{6}[ \-][0-9]{4})"
)
VERSION = re.compile(
    r"(?:\bv|\bver|\bversion|\brelease|\bbuild|\bsection|\bchapter|\bkapitel|\babschnitt|\bchapitre|\bcapítulo|\bfirmware|\boid|\bclause|\brule|版本|バージョン|버전|верси[яию]|\b(?:up|down)grade[sd]? (?:from|to)|[=<>~^!]=|§)\.?\s{0,2}$"
)
IBAN_CHARS = {  # the registry's lengths (ISO 13616, release 99)
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18,
    "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23,
    "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28,
    "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
IBAN = re.compile(r"(?<![\w\-])[A-Za-z]{2}\d\d(?:[ \-]?[A-Za-z0-9]){11,30}", re.ASCII)
IBAN_HINT = EDGE + rf"(?i:{'|'.join(IBAN_CHARS)})[0-9]{{2}}[ \-]?(?:[0-9A-Za-z]{{4}}[ \-]?){{2}}[0-9A-Za-z]{{3}}"


def is_email(found: Found) -> int:
    """`git@host:path` is where a program lives."""
    return 0 if found.text.lower().startswith("git@") and found.after.startswith(":") else len(found.text)


def is_card(found: Found) -> int:
    digits = re.sub(r"\D", "", found.text)
    return len(found.text) if ISSUERS.fullmatch(digits) and luhn(digits) else 0


def is_ip(found: Found) -> int:
    """An address that can point at somebody: no loopback, no version, no name in a program."""
    try:
        address = ipaddress.ip_address(found.text)
    except ValueError:
        return 0
    if address.version == 6:  # dead::beef is a path in a program, [1::2] a slice
        groups = [g for g in found.text.split(":") if g]
        long = len(groups) >= 3 or any(len(g) >= 4 for g in groups)
        return len(found.text) if long and any(c.isdigit() for c in found.text) and not address.is_loopback else 0
    named = address.is_loopback or found.text.startswith(("0.", "255.")) or VERSION.search(found.before)
    return 0 if named else len(found.text)


def is_iban(found: Found) -> int:
    """An account of the length that its country gives; the words after it may look like more of it."""
    length, end = IBAN_CHARS.get(found.text[:2].upper()), 0
    for taken, at in enumerate((i for i, c in enumerate(found.text) if c not in " -"), 1):
        if taken == length:
            end = at + 1
    rest = found.text[end:] + found.after
    whole = end and not re.match(r"\w", rest, re.ASCII) and mod97(re.sub(r"[ \-]", "", found.text[:end]).upper())
    return end if whole else 0


def is_spoken(found: Found) -> int:
    """`ann at example dot com`: a host that is not known for mail needs a name that is no word (ann.b, ann7)."""
    name = found.text.split(" at ")[0]
    known = "(" in found.text or "[" in found.text or "{" in found.text or "<" in found.text
    known = known or re.search(rf" at (?:{HOSTS}) dot ", found.text, re.IGNORECASE) is not None
    return len(found.text) if known or re.search(r"[\d._+\-]| dot ", name) else 0
