"""How offensive a text is, by alt-profanity-check: a linear model over words, fitted on 200,000 judged comments, English only.

It hears insults and obscenity. It does not understand: a calm sentence that helps to do harm passes, and so does every other language.
"""

from collections.abc import Sequence
from typing import Any

from pipeline.errors import Permanent


def chances(texts: Sequence[str]) -> list[float]:
    """The chance of each text to be offensive, 0 to 1."""
    if not texts:
        return []
    return [float(p) for p in _judge().predict_prob(list(texts))]


def version() -> str:
    """Of the model, for ids: another one may say otherwise."""
    from importlib.metadata import version as of

    _judge()
    return of("alt-profanity-check")


def _judge() -> Any:
    try:
        import profanity_check
    except ImportError:
        raise Permanent(
            "mining.toxic is set and alt-profanity-check is not installed: run `pip install --no-deps alt-profanity-check==1.9.1`, or unset it"
        ) from None
    return profanity_check
