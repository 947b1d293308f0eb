"""Why an answer is wrong, by written rules over what was measured of it; the first that matches names the case.

The rules ask in this order: does a pattern of the rows explain it; could the model it started from, or the champion, do it; were rows of its kind
taught, and does the candidate know those; was the answer ever given; is the candidate sure.
"""

from collections.abc import Mapping
from typing import Any

CLASSES = {
    "pattern over-fit": "the rows taught an answer to a sign, and the sign was followed where it means nothing",
    "forgotten": "it could be done before, and no pattern of the rows explains why not any more",
    "under-trained": "rows of its kind were taught and are not learnt yet",
    "too hard for the size": "rows of its kind are known by heart, and what they have in common was not learnt",
    "hallucination": "nobody gave the answer, and one is made up with confidence",
    "base lacks it": "nobody gave the answer, the model it started from does not know it, and the candidate is unsure",
}
"""What a reader should do about each stands in docs/gate.md."""
KNOWN = 0.5  # mean probability of a token of a row's answer from which the row counts as learnt
SURE = 0.5  # the same of the given answer from which the candidate counts as sure of it
SIGN_ROWS, SIGN_SHARE = 3, 0.8
"""A word is a sign for an answer where at least so many rows hold it, and nearly all of them have that answer."""
MOST = 0.5  # share of the ways of asking that must come out right


def classify(e: Mapping[str, Any]) -> tuple[str, list[str]]:
    """(class, the sentences that show why). e: the evidence of probe.examine."""
    pattern = _pattern(e)
    if pattern:
        return "pattern over-fit", pattern
    if e["side"] == "lost" or _could(e["base_right"], e["phrasings"], "base_right"):
        who = "the champion answered it" if e["side"] == "lost" else "the model it started from answers it"
        return "forgotten", [who, "neither a row's answer nor a single word of the question explains the wrong one"]
    known = e["rows_known"]
    if known is not None and e["gold_taught"]:
        shown = f"the {e['rows_read']} nearest rows are known with a mean token probability of {known:.2f}"
        if known < KNOWN:
            return "under-trained", [shown, f"{KNOWN:g} would be learnt", *_rose(e)]
        return "too hard for the size", [shown, "and the answer is made of what the rows and the question say"]
    absent = "no row of the lesson is of its kind" if known is None else "rows are of its kind, and none gives this answer"
    sure = f"the given answer has a mean token probability of {e['given']['candidate']:.2f}"
    if e["given"]["candidate"] >= SURE:
        return "hallucination", [absent, "the model it started from does not know it either", sure]
    return "base lacks it", [absent, "the model it started from does not know it either", sure]


def _pattern(e: Mapping[str, Any]) -> list[str]:
    """A taught answer where another was known, or a taught word without which the right answer comes."""
    found = []
    word = e["ablation"]
    if word and word["frees"] and word["answered_so"] >= max(SIGN_ROWS, SIGN_SHARE * word["in_rows"]):
        found.append(
            f"without one word of the question the right answer comes; {word['answered_so']} of the {word['in_rows']} rows that hold the word have the given answer"
        )
    could = e["side"] == "lost" or e["base_right"]
    if could and e["given_taught"]:
        found.append(f"it is, word for word, the answer of {e['given_taught']} rows, and the question was answered rightly before")
    return found


def _could(right: bool, phrasings: Mapping[str, int], who: str) -> bool:
    asked = phrasings["asked"]
    return right or bool(asked and phrasings[who] / asked > MOST)


def _rose(e: Mapping[str, Any]) -> list[str]:
    now, before = e["gold"]["candidate"], e["gold"]["base"]
    return [f"the right answer became likelier ({before:.3f} to {now:.3f} a token), not yet enough"] if now > before else []
