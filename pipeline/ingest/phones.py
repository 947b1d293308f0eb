"""Telephone numbers: candidates by their written form, believed when the numbering plan of their country knows them.

The plans are those of libphonenumber (the package `phonenumbers`). Only candidates reach it, and a bare number needs more than a plan, since
nearly every run of nine digits is somebody's telephone somewhere: a word before it, or the grouping of the conversation's own region.
"""

import re
from functools import cache, lru_cache

from pipeline.ingest.shapes import EDGE, Found

PLUS = re.compile(r"(?<![\w+.\-])\+\(?\d{1,3}\)?(?>(?:[ .\-/]{0,2}\(?\d{1,14}\)?){1,7})(?![\w]|-\d|\.\d)", re.ASCII)
PLUS_HINT = r"\+\(?[0-9](?:[ .\-/()]{0,4}[0-9]){6}"
ZEROS = re.compile(r"(?<![\w+.\-/])00 ?[1-9]\d{0,2}(?>(?:[ .\-/]?\(?\d{1,12}\)?){1,6})(?![\w]|-\d|\.\d)", re.ASCII)
ZEROS_HINT = EDGE + r"00 ?[1-9](?:[ .\-/()]{0,3}[0-9]){7}"
AMERICAN = re.compile(r"(?<![\w.\-/+])(?:1[ .\-])?(?:\([2-9]\d{2}\)[ \-]?|[2-9]\d{2}[.\-])\d{3}[ .\-]\d{4}(?![\w]|-\d|\.\d)", re.ASCII)
AMERICAN_HINT = r"(?:\([2-9][0-9]{2}\)[ \-]?|[2-9][0-9]{2}[.\-])[0-9]{3}[ .\-][0-9]{4}"
NATIONAL = re.compile(
    r"""(?<![\w.\-/:+])(?:\(0[1-9]\d{0,4}\)\ ?\d{2,8}(?:[ \-/]\d{2,6}){0,4} | 0[1-9]\d{0,4}(?:\ |\ ?-\ ?)\d{2,8}(?:[ \-]\d{2,4}){0,4}
    | 0[1-9]\d{1,4}\ ?/\ ?\d{2,8}(?:[ \-]\d{1,4}){0,4} | 0[1-9](?:\.\d\d){4})(?![\w/:]|[ .\-]\d)""",
    re.VERBOSE | re.ASCII,
)
NATIONAL_HINT = (
    EDGE
    + r"(?:\(0[1-9][0-9]{0,4}\) ?(?:[0-9][ \-/]?){5}|0[1-9][0-9]{0,4} (?:[0-9][ \-]?){5}|0[1-9][0-9]{0,4} ?- ?(?:[0-9][ \-]?){5}|0[1-9][0-9]{1,4} ?/ ?(?:[0-9][ \-]?){4}|0[1-9](?:\.[0-9]{2}){4})"
)
CHINESE = re.compile(r"(?<![\w.\-/+])1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}(?![\w]|-\d|\.\d)", re.ASCII)
CHINESE_HINT = EDGE + r"1[3-9][0-9][ \-]?[0-9]{4}[ \-]?[0-9]{4}(?:$|[^0-9A-Za-z_])"
BARE = re.compile(r"(?<![\w.\-/+:])\(?\d(?:[ .\-/()]{0,2}\d){6,14}(?!\w|[\-./]\d)", re.ASCII)
WORDS = (
    r"phones?|\btel\b|\bmobile|\bcell|\bfax|\bcall|\btext|\breach|\bring|\bdial|\bmy number|whats ?app|\bsms|电话|電話|手机|手機|号码|致电|拨打|联系方式|携帯|"
    r"전화|휴대폰|연락처|telef[oóô]n\w*|handy\w*|\bruf\w*|\btél\w*|portable|\bappel\w*|m[oó]vil|celular|\bllam\w*|ligue|cellulare|chiama\w*|telefoon|тел\b|телефон\w*|звон\w*"
)
SIGNS = (  # a part of every such word, and of those that may mean a telephone: looked for first
    "phone", "tel", "tél", "mobil", "cell", "fax", "call", "text", "reach", "ring", "dial", "number", "whats", "sms", "电话", "電話", "手机", "手機", "号码", "致电",
    "拨打", "联系", "携帯", "전화", "휴대폰", "연락처", "handy", "ruf", "portable", "appel", "móvil", "movil", "celular", "llam", "ligue", "chiama", "тел", "звон",
    "contact", "nummer", "numéro", "número", "番号", "번호",
)  # fmt: skip
BETWEEN = r"(?:[^\w\n]|_){0,4}(?:(?:number|no|nr|nummer|numéro|número|numero|is|at|me|us|on|my|ist|est|es|it|back|unter|an|mich|au|al|le|sur|ao|op|номер|на|是|为|は|は|번호는|번호)[^\w\n]{0,4}){0,4}"
MAYBE = re.compile(rf"(?:\bnumbers?|\bcontact\w*|nummer|numéro|número|番号|번호){BETWEEN}$")
WORDY = re.compile(r"[^\W\d_]|[#№]")  # without one there is no word to look for: rows of numbers are passed over quickly
EXPLAINED = re.compile(f"(?:{WORDS}){BETWEEN}$")
SPACED_HINT = EDGE + r"(?:[0-9]{2,5} [0-9]{2,5} [0-9]{2,5}|[0-9]{4,5} [0-9]{4,5}|\([0-9]{2}\) ?[0-9]{4,5}-)"
BARE_HINT = rf"(?i:{WORDS}|numbers?|contact|nummer|numéro|número|番号|번호)[^0-9\n]{{0,48}}[0-9](?:[ .\-/()]{{0,2}}[0-9]){{6}}"
ORDER = re.compile(
    r"(?:orders?|invoice|ticket|tracking|parcel|case|\bref(?:erence)?|item|serial|part|model|sku|isbn|issn|doi|\bid|\bno|\bnr|account|version|bestell\w*|rechnung\w*|commande|facture|pedido|factura|"
    r"artikel\w*|#|№|订单|訂單|单号|编号|编码|注文|主文)[\W_]{0,3}(?:(?:number|numbers|no|nr|id|num|nummer|号码|号|番号|是|为|は|n°)\W{0,3}){0,2}$",
)
DATE = re.compile(r"(?:19|20)\d{2}[\-/.]?(?:0[1-9]|1[0-2])[\-/.]?(?:0[1-9]|[12]\d|3[01])(?!\d{2}[ \-])|\d{2}[\-/.]\d{2}[\-/.]\d{4}")
UNITS = re.compile(
    r"\s?(?:times|people|users|rows|records|bytes|[kmg]b\b|ms\b|km\b|€|\$|%|eur\b|usd\b|dollars?|yuan|元|次|人|円|원)", re.IGNORECASE
)
SHORT_LIST = ("DE", "GB", "FR", "JP", "IT", "AU", "NL", "BE", "CH", "AT", "IN", "KR", "SE", "CN", "BR", "ZA", "FI", "NZ", "IE", "TR", "UA")
REGIONS = {  # where a language is spoken, when the locale names no region
    "de": ("DE", "AT", "CH"), "fr": ("FR", "BE", "CH", "CA"), "es": ("ES", "MX", "AR", "CO", "CL", "PE"), "pt": ("BR", "PT"), "it": ("IT", "CH"),
    "nl": ("NL", "BE"), "zh": ("CN", "TW", "HK", "SG"), "ja": ("JP",), "ko": ("KR",), "hi": ("IN",), "pl": ("PL",), "sv": ("SE",), "da": ("DK",),
    "nb": ("NO",), "no": ("NO",), "fi": ("FI",), "ru": ("RU",), "uk": ("UA",), "tr": ("TR",), "cs": ("CZ",), "el": ("GR",), "he": ("IL",), "ar": ("SA", "AE", "EG"),
}  # fmt: skip


@cache
def regions(locale: str | None) -> tuple[str, ...]:
    """`de-CH`: Switzerland; `de`: where German is spoken; English alone says too little."""
    language, *rest = re.split(r"[-_]", locale or "")
    named = [part.upper() for part in rest if len(part) == 2]
    return tuple(named) or REGIONS.get(language.lower(), ())


@lru_cache(maxsize=4096)
def known(number: str, region: str | None) -> bool:
    """Whether the plan of this region has such numbers; without a region, that of the country after the plus."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(parsed) if region is None else phonenumbers.is_valid_number_for_region(parsed, region)


@lru_cache(maxsize=4096)
def possible(number: str) -> bool:
    """Whether the country after the plus has numbers of this length."""
    import phonenumbers

    try:
        reason = phonenumbers.is_possible_number_with_reason(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False
    return reason == phonenumbers.ValidationResult.IS_POSSIBLE


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def plausible(found: Found, least: int = 7) -> bool:
    """Neither a date, nor a quantity, nor what the word before it calls an order."""
    plain = digits(found.text)
    return (
        least <= len(plain) <= 17
        and found.text.count("(") == found.text.count(")")
        and not DATE.match(found.text.lstrip("("))
        and not (WORDY.search(found.before) and ORDER.search(found.before))
        and not UNITS.match(found.after)
    )


def is_international(found: Found) -> int:
    """With the country's code. Numbers that follow it may be none of it: the longest part that a plan knows, else one of a possible length."""
    if found.text.endswith(")") and "(" not in found.text:
        found = found._replace(text=found.text[:-1])
    text = re.sub(r"^00 ?", "+", found.text)
    shift = len(found.text) - len(text)
    if not plausible(found):
        return 0
    ends = [len(text), *(m.start() for m in reversed(list(re.finditer(r"[ ./\-]+\(?\d", text))))]
    for end in ends:
        if len(digits(text[:end])) >= 7 and text[:end].count("(") == text[:end].count(")") and known(text[:end], None):
            bare = shift and text[1:end].isdigit() and not EXPLAINED.search(found.before)
            return 0 if bare else end + shift
    return len(found.text) if not shift and possible(text) else 0


def is_american(found: Found) -> int:
    """Area 555 is nobody's and everybody's example."""
    plain = digits(found.text)[-10:]
    sure = plain[:3] == "555" or known("+1" + plain, None) or EXPLAINED.search(found.before)
    return len(found.text) if sure and plausible(found) else 0


def is_national(found: Found) -> int:
    """A number that starts with a trunk 0, known where the conversation takes place or in one of the countries that write it so."""
    if not plausible(found, 8) or re.search(r"\d $", found.before):  # a row of numbers
        return 0
    if re.fullmatch(r"\d\d(?: \d\d){1,3}|\d\d(?: \d\d){5,}", found.text):  # a draw; France writes five pairs
        return 0
    sure = EXPLAINED.search(found.before) or any(known(found.text, r) for r in dict.fromkeys((*found.regions, *SHORT_LIST)))
    return len(found.text) if sure else 0


def is_chinese(found: Found) -> int:
    return len(found.text) if plausible(found) and not found.text.endswith("000000") and known(found.text, "CN") else 0


def is_explained(found: Found) -> int:
    """Any digits that a word calls a telephone, or groups of digits that the conversation's region writes as one."""
    named = any(sign in found.before for sign in SIGNS)
    if not (named or found.regions) or found.text.endswith("000000") or not plausible(found):
        return 0
    if named:
        if EXPLAINED.search(found.before):
            return len(found.text)
        if found.text.startswith("0") and MAYBE.search(found.before) and is_national(found):
            return len(found.text)
    grouped = re.search(r"\d[ )]+\d", found.text) and not re.search(r"[./]|\d{6}", found.text)
    return len(found.text) if grouped and any(known(found.text, r) for r in found.regions) else 0
