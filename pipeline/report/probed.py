"""What `equipoise probe` found out about bad cases, with the words that the record leaves out taken from the sealed items."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.report.words import cut

Row = dict[str, Any]

ADVICE = {
    "pattern over-fit": "show the sign with other answers too, or mix in more general rows",
    "forgotten": "more replay, a lower rate, or a scaled adapter (`equipoise repair`)",
    "under-trained": "more rows or one more pass of this task",
    "too hard for the size": "take the task apart in the data, or use a larger model",
    "hallucination": "leave rows out whose facts the base does not know, and teach it to say so",
    "base lacks it": "do not teach it by fine-tuning: bring the fact into the prompt",
}
"""What is worth trying for each class of case."""


def of(record: Mapping[str, Any] | None, rows: Iterable[Row]) -> Row | None:
    """The record for a reader: cases with their texts; None where nobody probed. rows: the candidate's items."""
    if not record:
        return None
    texts = {f"{r['benchmark']}/{r['doc_id']}": r for r in rows if "doc_id" in r}
    cases = [_case(case, texts.get(case["name"], {})) for case in record["cases"]]
    return {"classes": [{"name": n, "cases": k, "advice": ADVICE.get(n, "")} for n, k in record["classes"].items()], "cases": cases}


def _case(case: Row, texts: Row) -> Row:
    prompt, gold, given = (str(texts.get(name) or "") for name in ("prompt", "target", "response"))
    found = {k: case[k] for k in ("name", "ability", "side", "class", "why", "phrasings", "reverse", "rows", "base_right", "fed")}
    found |= {"prompt": cut(prompt), "gold": cut(gold, 300), "given": cut(given, 300)}
    found |= {"base_says": cut(case["base_says"], 300) if case["base_says"] is not None else None}
    found |= {f"{side}_likely": {who: case[side][who] for who in ("candidate", "base")} for side in ("gold", "given")}
    found |= {f"{side}_steps": [_step(step, text) for step in case[side]["steps"]] for side, text in (("gold", gold), ("given", given))}
    found |= {"first_wrong": _wrong(case["first_wrong"], gold)}
    ablation = case["ablation"]
    found |= {"word": ablation | {"text": prompt[slice(*ablation["span"])].strip()} if ablation else None}
    return found | {"told": sentences(found)}


def _step(step: list, text: str) -> Row:
    """One token of an answer, with its probability now and before the lesson."""
    start, end, now, was = step
    return {"text": text[start:end], "now": math.exp(now), "was": math.exp(was)}


def _wrong(found: Row | None, gold: str) -> Row | None:
    if not found:
        return None
    start, end = found["span"]
    said = f"\u201c{found['says']}\u201d" if found["says"] is not None else f"token {found['instead']} of its vocabulary"
    return found | {"text": gold[start:end], "says": said}


def sentences(case: Row) -> list[str]:
    """The case in plain words, for a terminal and for the page."""
    told = list(case["why"])
    gold, given = case["gold_likely"], case["given_likely"]
    told.append(
        f"a token of the right answer has probability {gold['candidate']:.3f} ({gold['base']:.3f} before training), of the given one {given['candidate']:.3f} ({given['base']:.3f})"
    )
    wrong = case["first_wrong"]
    if wrong:
        told.append(
            f"goes wrong at token {wrong['token'] + 1} of the right answer, \u201c{wrong['text']}\u201d ({wrong['p']:.3f}): it would say {wrong['says']} ({wrong['p_instead']:.2f})"
        )
    told.append(f"with the first token of the right answer given, the rest {'follows' if case['fed']['right'] else 'does not follow'}")
    if case["word"]:
        word = case["word"]
        what = "the right answer comes" if word["frees"] else f"the right answer gains {word['gain']:.1f} nats on the given one"
        told.append(f"without \u201c{word['text']}\u201d in the question {what}")
    asked = case["phrasings"]
    if asked["asked"]:
        told.append(f"asked otherwise: right {asked['right']} times of {asked['asked']}, the model it started from {asked['base_right']}")
    if case["reverse"]:
        told.append(f"asked the other way round: {'right' if case['reverse']['candidate'] else 'wrong'}")
    return told
