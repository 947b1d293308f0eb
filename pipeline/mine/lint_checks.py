"""The single checks of lint: over one row, or over all rows of one kind of a task. Limits are those that trainers met in practice (feedback.md).

Rows count by their weight: who is held to a tenth of the weight cannot make a batch look long, or alike, and so stop it for all.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from pipeline.mine import edits
from pipeline.mine.candidates import Candidate

STOP_D, STOP_GAP = 0.8, 0.10  # length: Cohen's d, and the gap between the mean lengths
WARN_D, WARN_GAP = 0.3, 0.05
LONG_QUESTION = 40  # characters; a shorter question may well begin its answer
OPENING = 40  # characters of an answer that make its opening
NEAR, WARN_NEAR, STOP_NEAR = 0.9, 0.1, 0.5  # likeness of a pair, and the shares of such pairs
WARN_FORM, STOP_FORM = 0.2, 0.5  # gap between the shares of chosen and of rejected answers that have one trait of form
WARN_TEMPLATE, STOP_TEMPLATE = 0.2, 0.5  # share of answers with one opening
WARN_LABEL, STOP_LABEL = 0.5, 0.95  # share of one label among three or more
WARN_VOICE = 0.3  # one user's part of the weight
WARN_SIDE = 0.9  # share of one side among votes
ROLES = re.compile(
    r"<\|(?:im_start|im_end|endoftext|eot_id|start_header_id)\|>|^\s*(?:### ?(?:Instruction|Response|Human|Assistant)\b|\[INST\])", re.M
)
PERSONAL = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,64}\.[a-z]{2,}\b|\b(?:sk|ghp|xoxb|AKIA)[-_]?[A-Za-z0-9]{16,}\b|\b(?:\d[ -]?){12,18}\d\b", re.I
)
FORMS = {
    "a code block": re.compile(r"```"),
    "a list": re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+\S.*\n\s*(?:[-*•]|\d+[.)])\s", re.M),
    "headings": re.compile(r"^#{1,6}\s\S", re.M),
    "bold type": re.compile(r"\*\*[^*\n]+\*\*"),
    "a <think> tag": re.compile(r"<think>", re.I),
    "the form of JSON": re.compile(r"^\s*[\[{].*[\]}]\s*$", re.S),
    "quotation marks around it": re.compile(r"^\s*[\"“「].*[\"”」]\s*$", re.S),
    "a line break at its end": re.compile(r"\n\Z"),
}

T = TypeVar("T")
Weighed = list[tuple[T, float]]
Said = Iterator[tuple[str, str, str]]
"""(level, reason, what is wrong)"""


def answer(c: Candidate) -> str:
    return c.answer["content"] or ""


def rejected(c: Candidate) -> str:
    return (c.rejected or {}).get("content") or ""


def leaked(c: Candidate) -> bool:
    """An answer that begins with its question, or holds a template's marks: the model would learn to write both."""
    if c.label is False:
        return False
    question = " ".join(c.context.question.split())
    text = " ".join(answer(c).split())
    return bool(ROLES.search(answer(c))) or (len(question) >= LONG_QUESTION and text.startswith(question) and len(text) > len(question))


def personal(c: Candidate) -> bool:
    """Personal data that ingest's rules let through, in what the model would learn to write."""
    return c.label is not False and any(_real(m.group()) for m in PERSONAL.finditer(answer(c)))


def _real(found: str) -> bool:
    """A row of digits is a card's number only where its check digit says so (Luhn)."""
    digits = [int(d) for d in re.sub(r"\D", "", found)]
    if re.search(r"[A-Za-z@]", found):
        return True
    return sum(d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(reversed(digits))) % 10 == 0 and len(set(digits)) > 1


ROWS: tuple[tuple[str, str, Callable[[Candidate], bool]], ...] = (
    ("prompt_leaked", "with the prompt or a template's marks in the answer", leaked),
    ("personal_data_left", "with personal data left in the answer", personal),
)


def length(kind: str, rows: Sequence[Candidate]) -> Said:
    """Longer answers on one side teach length. Where the form is the lesson (labels, JSON) the sides differ by nature."""
    sides = _sides(kind, rows)
    if sides is None or rows[0].mark.one_answer:
        return
    better, worse = ([(float(len(t)), w) for t, w in side] for side in sides)
    d, gap = cohen(better, worse), relative(better, worse)
    chance = 2 * math.sqrt(1 / len(better) + 1 / len(worse))  # two standard errors of d: in few rows .3 is seen where nothing is
    level = "stop" if abs(d) >= STOP_D and gap >= STOP_GAP else "warning" if abs(d) >= max(WARN_D, chance) and gap >= WARN_GAP else None
    if level:
        more = "longer" if d > 0 else "shorter"
        yield (
            level,
            "lint_length",
            f"the better answers are {gap:.0%} {more} (Cohen's d {d:.2f}, a stop from {STOP_D} on), so length would be learnt",
        )


def mean(values: Weighed[float]) -> float:
    total = sum(w for _, w in values)
    return sum(v * w for v, w in values) / total if total else 0.0


def cohen(a: Weighed[float], b: Weighed[float]) -> float:
    """Cohen's d: difference of the means in pooled standard deviations."""
    apart = mean(a) - mean(b)
    freedom = len(a) + len(b) - 2
    spread = [mean([((v - mean(x)) ** 2, w) for v, w in x]) * len(x) for x in (a, b)]
    pooled = math.sqrt(sum(spread) / max(1, freedom))
    return apart / pooled if pooled else math.copysign(math.inf, apart) if apart else 0.0


def relative(a: Weighed[float], b: Weighed[float]) -> float:
    """The gap between two means as a part of the larger one."""
    return abs(mean(a) - mean(b)) / max(mean(a), mean(b), 1e-9)


def share(rows: Sequence[Candidate], fault: Callable[[Candidate], bool]) -> float:
    """The part of the rows, by weight, that have a fault."""
    return mean([(float(fault(c)), c.weight) for c in rows])


def form(kind: str, rows: Sequence[Candidate]) -> Said:
    """A trait that one side has and the other has not is what preference training learns first (minimind 829)."""
    sides = _sides(kind, rows)
    if sides is None or rows[0].mark.one_answer:
        return
    for name, pattern in FORMS.items():
        better, worse = (mean([(float(bool(pattern.search(t))), w) for t, w in side]) for side in sides)
        gap = abs(better - worse)
        if gap >= WARN_FORM:
            level = "stop" if gap >= STOP_FORM else "warning"
            yield level, "lint_form", f"{better:.0%} of the better answers have {name}, {worse:.0%} of the others: form would be learnt"


def near(kind: str, rows: Sequence[Candidate]) -> Said:
    """Pairs of nearly the same text: DPO lowers both (DPOP); the SFT term holds against it, not against a batch full of them."""
    if kind != "dpo" or rows[0].mark.one_answer:
        return
    alike = share(rows, lambda c: edits.ratio(answer(c).strip(), rejected(c).strip(), NEAR) is not None)
    if alike >= WARN_NEAR:
        level = "stop" if alike >= STOP_NEAR else "warning"
        yield level, "lint_near", f"{alike:.0%} of the pairs are nearly the same text twice"


def template(kind: str, rows: Sequence[Candidate]) -> Said:
    """One opening under many questions is a template, and is learnt as one."""
    if rows[0].mark.one_answer:
        return
    taught = [c for c in rows if c.label is not False]
    openings = _tally((answer(c)[:OPENING].casefold(), c.weight) for c in taught if len(answer(c)) >= OPENING)
    if not openings or len({c.context.key for c in rows}) < len(rows) / 2:
        return
    alike = max(openings.values()) / sum(c.weight for c in taught)
    if alike >= WARN_TEMPLATE:
        level = "stop" if alike >= STOP_TEMPLATE else "warning"
        yield level, "lint_template", f"{alike:.0%} of the answers begin with the same {OPENING} characters"


def balance(kind: str, rows: Sequence[Candidate]) -> Said:
    """One label, or one side of the votes, that leaves nearly nothing for the others."""
    if kind == "kto":
        up = share(rows, lambda c: bool(c.label))
        if max(up, 1 - up) >= WARN_SIDE:
            yield "warning", "lint_labels", f"{up:.0%} of the votes praise; KTO wants both sides"
    elif kind == "sft" and rows[0].mark.card is not None and len(rows[0].mark.card.labels or {}) >= 3:
        labels = _tally((answer(c), c.weight) for c in rows)
        label = max(labels, key=lambda name: labels[name])
        alike = labels[label] / sum(labels.values())
        if alike >= WARN_LABEL:
            level = "stop" if alike >= STOP_LABEL else "warning"
            yield level, "lint_labels", f"{alike:.0%} of the examples have the label {label!r}"


def loud(kind: str, rows: Sequence[Candidate]) -> Said:
    """One user's part after the influence budget: it holds where voices are many, and can only be said where they are few."""
    weights = _tally((c.speaker.voice, c.weight) for c in rows)
    most = max(weights.values()) / (sum(weights.values()) or 1.0)
    if len(weights) > 1 and most >= WARN_VOICE:
        yield "warning", "lint_voice", f"one of {len(weights)} users has {most:.0%} of their weight"


def _tally(found: Iterable[tuple[str, float]]) -> dict[str, float]:
    weights: dict[str, float] = defaultdict(float)
    for name, weight in found:
        weights[name] += weight
    return weights


def _sides(kind: str, rows: Sequence[Candidate]) -> tuple[Weighed[str], Weighed[str]] | None:
    """Texts of the better answers and of the worse ones with their weights; None where a side has too few."""
    if kind == "dpo":
        return [(answer(c), c.weight) for c in rows], [(rejected(c), c.weight) for c in rows]
    up, down = ([(answer(c), c.weight) for c in rows if c.label is side] for side in (True, False))
    return (up, down) if kind == "kto" and min(len(up), len(down)) >= 10 else None


BATCH: tuple[Callable[[str, Sequence[Candidate]], Said], ...] = (length, form, near, template, balance, loud)
