"""Real questions as people in a hurry type them: mistyped, without capitals, chatty, in fragments. Only the ways of asking change.

What stands in the answer, and whatever else carries the meaning (numbers, quotes, code, links, placeholders), stays as it was written:
a name that is mistyped in the question and right in the answer would teach the model to make up spellings.
"""

import random
import re
from collections.abc import Callable, Collection

KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
HAN = re.compile(r"[\u3400-\u9fff]")
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
FIXED = re.compile(
    r"```.*?```|`[^`\n]+`|\"[^\"\n]*\"|“[^”\n]*”|「[^」\n]*」|《[^》\n]*》|\w+://\S+|<[A-Z_]+_\d+>|[{\[][^\n]*[}\]]|\S*\d\S*", re.DOTALL
)
"""Spans that no variant touches."""
CASUAL = {
    "please": "pls", "you": "u", "your": "ur", "are": "r", "thanks": "thx", "because": "cuz", "going to": "gonna", "want to": "wanna", "i am": "im",
    "do not": "dont", "does not": "doesnt", "cannot": "cant", "what is": "whats", "tomorrow": "tmrw", "tonight": "2nite", "people": "ppl", "message": "msg",
}  # fmt: skip
OPENERS, CLOSERS = ("hey, ", "hi! ", "ok so ", "um, "), (" thx", " pls", " asap", "")
FILLERS = frozenset({
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "am", "do", "does", "did", "please", "kindly", "could", "would", "can", "will", "you",
    "i", "me", "my", "we", "us", "of", "to", "for", "that", "this", "it", "there", "just", "some", "really", "very",
})  # fmt: skip
ZH_TYPOS = {
    "的": "得",
    "地": "的",
    "得": "的",
    "在": "再",
    "再": "在",
    "做": "作",
    "作": "做",
    "那": "哪",
    "像": "象",
    "以": "已",
    "账": "帐",
}
ZH_OPENERS, ZH_CLOSERS = ("那个，", "嗨，", "麻烦", ""), ("谢谢啦", "哈", "呗", "呀")
ZH_FILLERS = ("请问", "请", "麻烦", "帮我", "一下", "可以", "能不能", "的", "了", "吗", "呢", "吧", "啊")
LEAST_WORDS = 3  # what is left of a fragment must still ask something
TYPO_EVERY = 8  # words that hold one slip, about: people make fewer, models meet more


def variants(text: str, keep: Collection[str], seed: str) -> dict[str, str]:
    """Every way of writing `text` that differs from it: {typos, casing, casual, fragment: text}. The same seed, the same slips.

    keep: words, in small letters, that stay as they are (those of the answer, and the task's own wording).
    """
    chinese = len(HAN.findall(text)) * 2 > len(WORD.findall(text)) + len(HAN.findall(text))
    ways = CHINESE if chinese else ENGLISH
    made = {name: way(text, _free(text, keep), random.Random(f"{seed}:{name}")) for name, way in ways.items()}
    return {name: one for name, one in made.items() if one.strip() and _bare(one) != _bare(text)}


def _bare(text: str) -> str:
    return " ".join(text.split())


def _free(text: str, keep: Collection[str]) -> Callable[[int, int], bool]:
    """Whether a span may be changed."""
    fixed = [m.span() for m in FIXED.finditer(text)]
    fixed += [m.span() for m in WORD.finditer(text) if m.group().casefold() in keep]
    fixed += [(at, at + len(k)) for k in keep if HAN.search(k) for at in _places(text, k)]
    return lambda start, end: all(end <= a or start >= b for a, b in fixed)


def _places(text: str, part: str) -> list[int]:
    return [m.start() for m in re.finditer(re.escape(part), text)]


def _replaced(text: str, spans: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _typos(text: str, free: Callable[[int, int], bool], draw: random.Random) -> str:
    places = [m for m in WORD.finditer(text) if len(m.group()) > 3 and m.group().isascii() and free(*m.span())]
    chosen = draw.sample(places, min(len(places), max(1, len(places) // TYPO_EVERY)))
    return _replaced(text, [(*m.span(), _slip(m.group(), draw)) for m in chosen])


def _slip(word: str, draw: random.Random) -> str:
    """One slip of a finger, never on the first letter: people look there."""
    at = draw.randrange(1, len(word) - 1)
    how = draw.choice(("swap", "drop", "double", "neighbour"))
    if how == "swap" and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if how == "drop":
        return word[:at] + word[at + 1 :]
    row = next((k for k in KEYS if word[at].lower() in k), "")
    if how == "neighbour" and row:
        i = row.index(word[at].lower())
        return word[:at] + row[i + 1 if i + 1 < len(row) else i - 1] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def _casing(text: str, free: Callable[[int, int], bool], draw: random.Random) -> str:
    small = "".join(c.lower() if c.isascii() and free(i, i + 1) else c for i, c in enumerate(text)).rstrip()
    return small[:-1] if small[-1:] in ".?!" and free(len(small) - 1, len(small)) else small


def _casual(text: str, free: Callable[[int, int], bool], draw: random.Random) -> str:
    spans = []
    for long, short in CASUAL.items():
        spans += [(*m.span(), short) for m in re.finditer(rf"\b{long}\b", text, re.IGNORECASE) if free(*m.span())]
    return draw.choice(OPENERS) + _replaced(text, _apart(spans)).rstrip() + draw.choice(CLOSERS)


def _apart(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Of spans that overlap, the first."""
    kept: list[tuple[int, int, str]] = []
    for span in sorted(spans):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def _fragment(text: str, free: Callable[[int, int], bool], draw: random.Random) -> str:
    words = list(WORD.finditer(text))
    gone = [m for m in words if m.group().casefold() in FILLERS and free(*m.span())]
    if not gone or len(words) - len(gone) < LEAST_WORDS:
        return text
    return re.sub(r"[ \t]{2,}", " ", _replaced(text, [(*m.span(), "") for m in gone])).strip(" ,")


def _zh_typos(text: str, free: Callable[[int, int], bool], draw: random.Random) -> str:
    places = [i for i, c in enumerate(text) if c in ZH_TYPOS and free(i, i + 1)]
    chosen = draw.sample(places, min(len(places), max(1, len(places) // 4)))
    return _replaced(text, [(i, i + 1, ZH_TYPOS[text[i]]) for i in chosen])


def _zh_casing(text: str, free: Callable[[int, int], bool], draw: random.Random) -> str:
    """Chinese has no capitals; a hurried writer leaves out the marks."""
    marks = [i for i, c in enumerate(text) if c in "，。！？；" and free(i, i + 1)]
    return _replaced(text, [(i, i + 1, "" if i == len(text.rstrip()) - 1 else " ") for i in marks])


def _zh_casual(text: str, free: Callable[[int, int], bool], draw: random.Random) -> str:
    return draw.choice(ZH_OPENERS) + text.rstrip("。？！ \n") + draw.choice(ZH_CLOSERS)


def _zh_fragment(text: str, free: Callable[[int, int], bool], draw: random.Random) -> str:
    spans = [(at, at + len(f), "") for f in ZH_FILLERS for at in _places(text, f) if free(at, at + len(f))]
    short = _replaced(text, _apart(spans))
    return short if len(HAN.findall(short)) >= LEAST_WORDS else text


ENGLISH = {"typos": _typos, "casing": _casing, "casual": _casual, "fragment": _fragment}
CHINESE = {"typos": _zh_typos, "casing": _zh_casing, "casual": _zh_casual, "fragment": _zh_fragment}
