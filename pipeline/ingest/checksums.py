"""The sums that numbers carry to prove themselves: what tells a card, an account or a person's number from any other digits."""

from collections.abc import Sequence
from datetime import date

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
D5 = (  # multiplication in the dihedral group of order 10 (Verhoeff 1969)
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
TURNS = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def luhn(digits: str) -> bool:
    """The last digit of every payment card (ISO/IEC 7812-1)."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def verhoeff(digits: str) -> bool:
    at = 0
    for i, d in enumerate(reversed(digits)):
        at = int(D5[at][int(TURNS[i % 8][int(d)])])
    return at == 0


def mod97(account: str) -> bool:
    """The check digits of an IBAN (ISO/IEC 7064, MOD 97-10), written without blanks."""
    return int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97 == 1


def mod11_10(digits: str) -> bool:
    """ISO/IEC 7064, MOD 11,10: the German tax number."""
    product = 10
    for d in digits[:-1]:
        product = ((int(d) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(d) * w for d, w in zip(digits, weights, strict=False))


def day_exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def born(yymmdd: str) -> bool:
    """Whether six digits are a day of this century or the last."""
    return any(day_exists(century + int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:6])) for century in (1900, 2000))
