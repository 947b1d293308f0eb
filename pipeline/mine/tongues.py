"""Which language a text is in. Signs first, for they cost a look; py3langid for the rest, and no answer where it is not sure."""

import re
from functools import lru_cache
from typing import Any

from pipeline.errors import Permanent

SURE = 0.8  # of the identifier; below it a text has no language, and no filter meets it
LETTERS = 20  # fewer tell too little: names and labels are in every language
SIGNS = 6  # of Chinese, each a word by itself
HAN = re.compile(r"[㐀-鿿豈-﫿]")
KANA = re.compile(r"[぀-ヿ]")
LATIN = re.compile(r"[^\W\d_]")


def language(text: str) -> str | None:
    """ISO 639-1 of the text's language; None where it is too short or too mixed to tell."""
    han, letters = len(HAN.findall(text)), len(LATIN.findall(text))
    if han >= SIGNS and not KANA.search(text) and 2 * han >= letters - han:
        return "zh"
    if letters < LETTERS and han < SIGNS:
        return None
    found, _ = identifier().classify(text)
    return None if found == "und" else str(found)


@lru_cache(maxsize=1)
def identifier() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise Permanent(
            "mining.languages or one_language is set and py3langid is not installed: run `pip install --no-deps py3langid==0.4.0`, or unset them"
        ) from None
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=SURE)


def version() -> str:
    """Of the identifier, for ids: another one may say otherwise."""
    identifier()
    from importlib.metadata import version as of

    return of("py3langid")
