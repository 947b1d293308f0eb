"""A text as the rules read it: one form for digits, blanks and dashes, nothing invisible, and the way back to the original.

Only characters that stand inside numbers and addresses are folded; the stored text keeps every character that no rule replaced.
"""

import re

DIGITS = "０１２３４５６７８９٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९"  # full width, Arabic, Persian, Hindi
LETTERS = "".join(chr(c) for c in (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)))
SIGNS = {"＠": "@", "﹫": "@", "．": ".", "＋": "+", "－": "-", "（": "(", "）": ")", "：": ":", "／": "/", "＿": "_"}
BLANKS = "\u00a0\u2002\u2003\u2007\u2008\u2009\u202f\u3000"
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63"
UNSEEN = "\u00ad\u200b\u200c\u200d\u2060\ufeff"  # soft hyphen, zero-width blanks and joiners, byte order mark
PLAIN = str.maketrans(
    {c: str(i % 10) for i, c in enumerate(DIGITS)}
    | {c: chr(ord(c) - 0xFEE0) for c in LETTERS}
    | SIGNS
    | dict.fromkeys(BLANKS, " ")
    | dict.fromkeys(DASHES, "-")
)
# Chinese text is full of full-width signs, Persian of joiners: they count only where they touch what a rule could read.
ODD = f"[{DIGITS}{LETTERS}＠﹫]|[0-9A-Za-z@.+][{UNSEEN}]+[0-9A-Za-z@.+]|[0-9)][{BLANKS}{DASHES}．－／（）]+[0-9(]|＋[0-9]|[0-9A-Za-z]．[A-Za-z]"
WORTH_FOLDING = re.compile(ODD)
INVISIBLE = re.compile(f"[{UNSEEN}]")
ESCAPE = re.compile(r"\\[bfnrt]")


def folded(text: str) -> tuple[str, list[int] | None]:
    """The text to search, and for each of its characters the place in the original; None: the same place.

    A written-out line break (a torn line of JSON, a program) becomes two real ones, so that its letter is no part of the number behind it.
    """
    places: list[int] | None = None
    if "\\" in text:
        text = ESCAPE.sub("\n\n", text)
    if text.isascii() or not WORTH_FOLDING.search(text):
        return text, None
    if INVISIBLE.search(text):
        places = [i for i, c in enumerate(text) if c not in UNSEEN]
        text = "".join(text[i] for i in places)
    return text.translate(PLAIN), places
