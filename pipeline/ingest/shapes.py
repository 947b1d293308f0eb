"""What personal data looks like: shapes only, so that every rule can be checked by hand, and what only looks like it stays.

Letters and digits are ASCII's in all shapes but the address: a Chinese word right before a number is then no part of it.
"""

import ipaddress
import re
from collections.abc import Callable

KEY_PREFIXES = (
    "sk-", "sk_", "rk_", "pk_", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AIza",
    "hf_", "npm_", "pypi-", "SG.", "eyJ", "earer ", "-----BEGIN", "key", "KEY", "Key", "oken", "TOKEN", "ecret", "SECRET",
)  # fmt: skip
KEY = re.compile(
    r"""-----BEGIN\ [A-Z ]{0,40}PRIVATE\ KEY-----[\w+/=\s\\]{0,16384}(?:-----END\ [A-Z ]{0,40}PRIVATE\ KEY-----)?
    | \b(?:sk-(?:[a-z]{2,8}\d{0,2}-)?[\w-]{20,} | [srp]k_(?:live|test)_\w{10,}
      | (?:AKIA|ASIA)[0-9A-Z]{16}\b | gh[pousr]_[0-9A-Za-z]{20,} | github_pat_\w{20,} | glpat-[\w-]{20,}
      | xox[abeoprs]-[\w-]{10,} | AIza[\w-]{35} | hf_[0-9A-Za-z]{20,} | npm_[0-9A-Za-z]{30,} | pypi-[\w-]{40,}
      | SG\.[\w-]{16,}\.[\w-]{16,} | eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,})
    | (?<=[Bb]earer\ )[\w.~+/-]{20,}=*
    | (?:(?<=key)|(?<=oken)|(?<=ecret)|(?<=KEY)|(?<=TOKEN)|(?<=SECRET))["']?\s{0,3}[:=]\s{0,3}["']?
      (?P<value>(?=[\w+/-]{0,40}\d)(?=[\w+/-]{0,40}[A-Za-z])[\w+/-]{20,}=*)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
LETTERS = "A-Za-z\u00c0-\u024f\u0370-\u04ff"  # Latin, Greek, Cyrillic
EMAIL = re.compile(
    rf"(?<![{LETTERS}0-9])[{LETTERS}0-9_%+][{LETTERS}0-9_.%+\-]{{0,63}}@(?:[{LETTERS}0-9\-]{{1,63}}\.)+[{LETTERS}]{{2,24}}(?![{LETTERS}0-9_(])"
)
IPV4 = re.compile(r"(?<![\w.\-])(?:\d{1,3}\.){3}\d{1,3}(?![\w\-]|\.\d)", re.ASCII)
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])", re.ASCII)
CARD = re.compile(r"(?<![\w+.\-])(?:\d{13,19}|(?:\d{4}[ \-]){3}\d{4}(?:[ \-]\d{3})?|\d{4}[ \-]\d{6}[ \-]\d{4,5})(?!\w|\.\d)", re.ASCII)
PHONE = re.compile(
    r"""(?<![\w+.\-])\+\(?\d{1,3}\)?(?>(?:[ .\-/]?\(?\d{1,5}\)?){2,6})(?![\w\-]|\.\d)                     # +49 30 1234567
    | (?<![\w.\-/])(?:1[ .\-])?(?:\([2-9]\d{2}\)[ \-]?|[2-9]\d{2}[.\-])\d{3}[ .\-]\d{4}(?![\w\-]|\.\d)  # (415) 555-2671
    | (?<![\w.\-/])1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}(?![\w\-]|\.\d)                                      # 138 1234 5678
    | (?<![\w.\-/:])0[1-9]\d{0,3}[ /\-]\d{2,4}(?:[ \-]?\d{2,4}){1,3}(?![\w\-/:]|[ .]\d)                 # 020 7946 0958
    | (?:(?:tele)?phone|\btel\b|\bmobile|\bcell|\bfax|\bcall|\btext|\breach|\bmy\ number|whatsapp|电话|手机|号码)
      [^\w]{0,3}(?:(?:number|no|nr|is|at|me|us|on|my|是|为)[^\w]{1,3}){0,3}
      (?P<value>\+?\(?\d[\d() .\-]{5,16}\d)(?![\w\-]|\.\d)                                            # phone is 5551234""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
NUMBERS = r"[0-9](?:[^0-9\n]{0,3}[0-9]){6}|[0-9]\.[0-9]{1,3}\.[0-9]|:[0-9A-Fa-f]{0,4}:"  # seven digits, or the middle of an IP address
VERSION = re.compile(r"(?:\bv|\bver|\bversion|\brelease|\bbuild|\bsection|\bchapter|[=<>~^!]=|§)\.?\s{0,2}$", re.IGNORECASE)
ORDER = re.compile(
    r"(?:order|invoice|ticket|tracking|parcel|case|\bref(?:erence)?|item|\bid|\bno|\bnr|#|订单|单号|编号)\W{0,3}(?:(?:number|no|id|nr)\W{0,3})?$",
    re.IGNORECASE,
)
DATE = re.compile(r"\d{4}[\-/.]\d{2}[\-/.]\d{2}|\d{2}[\-/.]\d{2}[\-/.]\d{4}")
ISSUERS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}|35\d{14}"
)


def luhn(digits: str) -> bool:
    """The checksum in the last digit of every payment card."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_card(found: str, before: str) -> bool:
    digits = re.sub(r"\D", "", found)
    return bool(ISSUERS.fullmatch(digits)) and luhn(digits)


def is_ip(found: str, before: str) -> bool:
    """An address that can point at somebody: no loopback, no version, no name in a program."""
    try:
        address = ipaddress.ip_address(found)
    except ValueError:
        return False
    if address.version == 6:
        return any(c.isdigit() for c in found) and not address.is_loopback  # dead::beef is a path in a program
    return not (address.is_loopback or found.startswith(("0.", "255.")) or VERSION.search(before))


def is_phone(found: str, before: str) -> bool:
    digits = sum(c.isdigit() for c in found)
    return 7 <= digits <= 15 and not DATE.match(found) and not ORDER.search(before) and found.count("(") == found.count(")")


def always(found: str, before: str) -> bool:
    return True


Belief = Callable[[str, str], bool]
"""Whether what a pattern found is what it looks like, given the 24 characters before it."""
OF_NUMBERS: tuple[tuple[str, re.Pattern[str], Belief], ...] = (
    ("IP", IPV6, is_ip),
    ("IP", IPV4, is_ip),
    ("CARD", CARD, is_card),
    ("PHONE", PHONE, is_phone),
)
