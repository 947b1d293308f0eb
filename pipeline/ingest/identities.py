"""Numbers that a state gives a person: formats that prove themselves, and bare digits that a word before them explains.

A bare number is believed only with its country's word before it (`SSN 123456789`), a written format only when its check digits agree.
"""

import re
from collections.abc import Callable

from pipeline.ingest.checksums import LETTERS, born, day_exists, luhn, mod11_10, verhoeff, weighted
from pipeline.ingest.shapes import EDGE, Found

Proof = Callable[[str], bool]
"""Whether a number, written without separators and in capitals, is what its format says."""


def china(n: str) -> bool:
    total = weighted(n, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    return day_exists(int(n[6:10]), int(n[10:12]), int(n[12:14])) and "10X98765432"[total % 11] == n[17]


def ssn(n: str) -> bool:
    """No checksum: an area, group or serial that is never given is refused."""
    return n[:3] not in ("000", "666") and n[0] != "9" and n[3:5] != "00" and n[5:] != "0000"


def nino(n: str) -> bool:
    return n[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def spain(n: str) -> bool:
    digits = n[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == n[-1]


def france(n: str) -> bool:
    body = int(n[:13].replace("2A", "19").replace("2B", "18"))  # Corsica
    return 97 - body % 97 == int(n[13:])


ODD_PLACES = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def italy(n: str) -> bool:
    values = [int(c) if c.isdigit() else LETTERS.index(c) for c in n]
    return LETTERS[sum(v if i % 2 else ODD_PLACES[v] for i, v in enumerate(values[:15])) % 26] == n[15]


def germany(n: str) -> bool:
    """Of the first ten digits one stands twice (since 2016 also three times) and no other does; the last is their sum."""
    most = max(n[:10].count(d) for d in n[:10])
    return n[0] != "0" and (most, len(set(n[:10]))) in ((2, 9), (3, 8)) and mod11_10(n)


def brazil(n: str) -> bool:
    first = weighted(n, range(10, 1, -1)) * 10 % 11 % 10
    return len(set(n)) > 1 and first == int(n[9]) and weighted(n, range(11, 1, -1)) * 10 % 11 % 10 == int(n[10])


def japan(n: str) -> bool:
    rest = weighted(n[10::-1], (2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6)) % 11
    return int(n[11]) == (0 if rest <= 1 else 11 - rest)


def korea(n: str) -> bool:
    """Numbers given from October 2020 on have no check digit: a real day of our time must do."""
    checked = (11 - weighted(n, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10 == int(n[12])
    return born(n[:6]) and (n[6] in "12345678" or checked)


def netherlands(n: str) -> bool:
    return (weighted(n, range(9, 1, -1)) - int(n[8])) % 11 == 0 and len(set(n)) > 1


def sweden(n: str) -> bool:
    return born(n[-10:-4]) and luhn(n[-10:])


def poland(n: str) -> bool:
    month = int(n[2:4]) % 20
    return 1 <= month <= 12 and 1 <= int(n[4:6]) <= 31 and (10 - weighted(n, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) % 10 == int(n[10])


def belgium(n: str) -> bool:
    return any(97 - int(f"{century}{n[:9]}") % 97 == int(n[9:]) for century in ("", "2"))


def switzerland(n: str) -> bool:
    return (10 - weighted(n, (1, 3) * 6) % 10) % 10 == int(n[12])


def hong_kong(n: str) -> bool:
    values = [36 if c == " " else int(c, 36) for c in n[:-1].rjust(8)]  # a missing second letter counts 36
    return "0A987654321"[sum(v * w for v, w in zip(values, range(9, 1, -1), strict=True)) % 11] == n[-1]


def singapore(n: str) -> bool:
    total = weighted(n[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(n[0], 0)
    table = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "M": "XWUTRQPNJLK"}.get(n[0], "XWUTRQPNMLK")
    return table[total % 11] == n[8]


def taiwan(n: str) -> bool:
    value = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(n[0]) + 10
    return (value // 10 + value % 10 * 9 + weighted(n[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def finland(n: str) -> bool:
    if len(n) == 11:  # the sign between is an A for those born in this century
        n = n[:6] + n[7:]
    return born(n[4:6] + n[2:4] + n[:2]) and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(n[:6] + n[-4:-1]) % 31] == n[-1]


def norway(n: str) -> bool:
    first, second = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
    return born(n[4:6] + n[2:4] + n[:2]) and weighted(n, first) % 11 == 0 and weighted(n, second) % 11 == 0


def russia(n: str) -> bool:
    return weighted(n, range(9, 0, -1)) % 101 % 100 == int(n[9:])


def mexico(n: str) -> bool:
    order = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    return born(n[4:10]) and (10 - sum(order.index(c) * (18 - i) for i, c in enumerate(n[:17])) % 10) % 10 == int(n[17])


def turkey(n: str) -> bool:
    tenth = (sum(map(int, n[0:9:2])) * 7 - sum(map(int, n[1:8:2]))) % 10
    return n[0] != "0" and tenth == int(n[9]) and sum(map(int, n[:10])) % 10 == int(n[10])


def canada(n: str) -> bool:
    return n[0] not in "08" and luhn(n)


def australia(n: str) -> bool:
    return weighted(n, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def south_africa(n: str) -> bool:
    return born(n[:6]) and luhn(n)


def aadhaar(n: str) -> bool:
    return n[0] not in "01" and verhoeff(n)


def dated(n: str) -> bool:
    """A Chinese number with a slip in it: the day of birth is right, the check digit is not."""
    return n[6:8] in ("19", "20") and day_exists(int(n[6:10]), int(n[10:12]), int(n[12:14]))


def anything(n: str) -> bool:
    return True


WRITTEN: tuple[tuple[str, Proof], ...] = (
    (r"[1-8]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]", china),
    (r"\d{3}-\d\d-\d{4}", ssn),
    (r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", nino),
    (r"(?:\d{8}|\d\d\.\d{3}\.\d{3}|[XYZ]-?\d{7})-?[A-HJ-NP-TV-Z]", spain),
    (r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d", france),
    (r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", italy),
    (r"\d{3}\.\d{3}\.\d{3}-\d\d", brazil),
    (r"\d{6}-\d{7}", korea),
    (r"(?:19|20)?\d{6}[-+]\d{4}", sweden),
    (r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", belgium),
    (r"756\.\d{4}\.\d{4}\.\d\d", switzerland),
    (r"[A-Z]{1,2}\d{6}\([\dA]\)", hong_kong),
    (r"[STFGM]\d{7}[A-Z]", singapore),
    (r"\d{6}[-+A]\d{3}[0-9A-FHJ-NPR-Y]", finland),
    (r"\d{3}-\d{3}-\d{3} \d\d", russia),
    (r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", mexico),
    (r"[2-9]\d{3} \d{4} \d{4}", aadhaar),
)
EXPLAINED: tuple[tuple[str, str, Proof], ...] = (  # the word before it, the format without separators, the proof
    (r"\bssn|social security|\bitin\b|\btax id", r"\d{9}", anything),
    (r"national insurance|\bnino\b", r"[A-Z]{2}\d{6}[A-D]", nino),
    (r"steuer|\bidnr|\bid-nr|\btin\b", r"\d{11}", germany),
    (r"aadhaa?r|आधार|\buidai", r"\d{12}", aadhaar),
    (r"\bpan\b", r"[A-Z]{5}\d{4}[A-Z]", anything),
    (r"\bcpf\b", r"\d{11}", brazil),
    (r"マイナンバー|個人番号|my ?number", r"\d{12}", japan),
    (r"주민|resident registration", r"\d{13}", korea),
    (r"\bbsn|burgerservice|sofinummer", r"\d{9}", netherlands),
    (r"pesel", r"\d{11}", poland),
    (r"personnummer|samordningsnummer", r"(?:\d\d)?\d{10}", sweden),
    (r"\bcpr\b|personnummer", r"\d{10}", lambda n: born(n[4:6] + n[2:4] + n[:2])),
    (r"fødselsnummer|personnummer", r"\d{11}", norway),
    (r"rijksregister|numéro national|registre national", r"\d{11}", belgium),
    (r"身[分份][證证]", r"[A-Z][1289]\d{8}", taiwan),
    (r"身份证|身份號碼|公民身份", r"\d{17}[\dX]", dated),
    (r"身份证|身分證|id card", r"\d{15}", lambda n: born(n[6:12])),  # the Chinese number before 1999
    (r"\bt\.?c\.? ?kimlik|kimlik", r"\d{11}", turkey),
    (r"social insurance|\bsin\b", r"\d{9}", canada),
    (r"\btfn\b|tax file", r"\d{9}", australia),
    (r"\brsa id|south african id|\bid number", r"\d{13}", south_africa),
    (r"снилс", r"\d{11}", russia),
    (r"\bdni\b|\bnie\b|\bnif\b", r"(?:\d{8}|[XYZ]\d{7})[A-Z]", spain),
    (r"sécurité sociale|\bnir\b|numéro de sécu", r"[12]\d{12}(?:\d\d)?", anything),
    (r"hkid|香港身[份分][证證]", r"[A-Z]{1,2}\d{6}[\dA]", hong_kong),
    (
        r"passport|pasaporte|passeport|reisepass\w{0,8}|passaporto|护照|護照|パスポート|旅券|여권",
        r"(?=(?:[A-Z]*\d){5})[A-Z\d]{7,10}",
        anything,
    ),
)
SHAPES = tuple((re.compile(shape, re.ASCII), proof) for shape, proof in WRITTEN)
WRITTEN_ID = re.compile(r"(?<![\w+.\-/])(?:" + "|".join(shape for shape, _ in WRITTEN) + r")(?![\w\-]|\.\d)", re.ASCII)
WRITTEN_HINT = EDGE + "(?:" + "|".join(shape for shape, _ in WRITTEN) + ")"
BARE_ID = re.compile(r"(?<![\w+])[A-Za-z]{0,5}\d(?:[ .\-/]?\d|[A-Za-z](?=[A-Za-z]{0,2}\d)){3,18}(?:-?[A-Za-z])?(?!\w)", re.ASCII)
GAP = r"[^0-9\n]{0,30}$"  # a number with check digits proves itself: its word may stand further off
BETWEEN = (
    r"(?:[^\w\n]|_){0,4}(?:(?:number|numbers|no|nr|num|nummer|numero|número|numéro|card|is|ist|es|est|code|id|n°|号码|號碼|号|番号|是|は|为|為|번호|는)"
    r"[^\w\n]{0,3}){0,3}$"
)
SIGNS = (  # a part of every word of EXPLAINED: looked for first, since most numbers have no word before them
    "ssn", "social", "tin", "tax", "insurance", "nino", "steuer", "id", "aadh", "आधार", "pan", "cpf", "マイナンバー", "個人番号", "my number", "mynumber", "주민",
    "registr", "bsn", "burger", "sofi", "pesel", "nummer", "cpr", "rijks", "numéro", "身", "kimlik", "sin", "tfn", "снилс", "dni", "nie", "nif", "sécu",
    "nir", "passp", "passap", "pasap", "passe", "reisep", "护照", "護照", "パスポート", "旅券", "여권",
)  # fmt: skip
WORDS = "|".join(word for word, _, _ in EXPLAINED)
ANY_WORD = re.compile(f"(?:{WORDS}){GAP}")
EACH = tuple(
    (re.compile(f"(?:{word}){BETWEEN if proof is anything else GAP}"), re.compile(shape, re.ASCII), proof)
    for word, shape, proof in EXPLAINED
)
BARE_HINT = rf"(?i:{WORDS})[^0-9\n]{{0,48}}[0-9](?:[ .\-/]?[0-9A-Za-z]){{3}}"


def plain(found: str) -> str:
    return re.sub(r"[ .\-/()+]", "", found).upper()


def is_written(found: Found) -> int:
    """A format that proves itself, and no part of a longer row of numbers."""
    if re.match(r"[ \-]?\d", found.after) or re.search(r"\d[ \-]?$", found.before):
        return 0
    return len(found.text) if any(shape.fullmatch(found.text) and proof(plain(found.text)) for shape, proof in SHAPES) else 0


def is_explained(found: Found) -> int:
    """A number whose country's word stands before it; the digits after the last blanks may belong to something else."""
    if not any(sign in found.before for sign in SIGNS) or not ANY_WORD.search(found.before):
        return 0
    ends = [len(found.text), *(m.start() for m in reversed(list(re.finditer(r"[ .\-/]", found.text))))]
    tests = [(shape, proof) for word, shape, proof in EACH if word.search(found.before)]
    return next(
        (end for end in ends for shape, proof in tests if shape.fullmatch(plain(found.text[:end])) and proof(plain(found.text[:end]))), 0
    )
