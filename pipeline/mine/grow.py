"""Growth: further ways to ask what users asked, and hard tasks in parts, from rows that were kept. Always marked, capped, never a test.

Grown rows are nobody's words: their source is `synthetic`, their evidence names the row they come from. Rounds that write new questions
with a model (self-instruct, evol-instruct, LLM2LLM) belong here too, once there is a judge to filter them.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from pipeline.mine import answers, decompose, noise
from pipeline.mine.candidates import Candidate
from pipeline.mine.contexts import Context, Message
from pipeline.recipe import Growth

SYNTHETIC = "synthetic"
TEMPLATE_SHARE = 0.5  # of a task's questions: a run of words that so many share is the task's wording, nobody's way of asking
LEAST_TEMPLATE = 5  # questions below which nothing can be called shared
QUESTION_CHARS = 4000  # a longer one is mostly pasted material, which noise would spoil


@dataclass(frozen=True, eq=False)
class Grown(Candidate):
    """A row that was made from a kept one."""

    way: str = ""

    @cached_property
    def example_id(self) -> str:
        """A row gives several: each has the id of its origin, of the way and of its words."""
        return hashlib.sha256(repr((super().example_id, self.way, self.content)).encode()).hexdigest()[:16]


def grown(kept: list[Candidate], growth: Growth, held_out: Iterable[str]) -> list[Candidate]:
    """Rows to stand beside `kept`: of each task at most `growth.share` of its real rows, none that asks what a test or a real row asks.

    Each real row gives its ways in an order of its own, so that the cap cuts across ways and rows alike.
    """
    real: dict[str, list[Candidate]] = {}
    for c in kept:
        if c.kind == "sft" and c.mark.card is not None:
            real.setdefault(c.task, []).append(c)
    taken = set(held_out) | {asked for c in kept for asked in c.context.asked}
    made: list[Candidate] = []
    for _, rows in sorted(real.items()):
        places = int(len(rows) * growth.share)
        shared = _shared([c.context.question for c in rows])
        for one in _in_turn(rows, shared, growth):
            if places and taken.isdisjoint(one.context.asked[-1:]) and _fits(one):
                taken.add(one.context.asked[-1])
                made.append(one)
                places -= 1
    return made


def _in_turn(rows: list[Candidate], shared: frozenset[str], growth: Growth) -> Iterator[Candidate]:
    """Every row once before any row twice."""
    queues = [list(_ways(c, shared, growth)) for c in sorted(rows, key=lambda c: c.example_id)]
    while any(queues):
        for queue in queues:
            if queue:
                yield queue.pop(0)


def _ways(c: Candidate, shared: frozenset[str], growth: Growth) -> Iterator[Candidate]:
    """The row in parts, where its card says how, then as others would type it; the id decides which way comes first."""
    card = c.mark.card
    if card is not None and card.decompose is not None and "parts" in growth.ways:
        for way, turns, answer in decompose.parts(c.context.question, c.answer["content"] or "", card.decompose):
            yield _made(c, way, [*c.context.messages[:-1], *turns], answer, growth.weight)
    if c.context.messages[-1]["role"] != "user" or c.answer["tool_calls"] or len(c.context.question) > QUESTION_CHARS:
        return  # after a tool's answer the question is answered already
    keep = shared | {w.group().casefold() for w in noise.WORD.finditer(c.answer["content"] or "")}
    found = noise.variants(c.context.question, keep, c.example_id)
    order = sorted(found, key=lambda way: hashlib.sha256(f"{c.example_id}:{way}".encode()).digest())
    for way in order:
        if way in growth.ways:
            asked = c.context.messages[-1] | {"content": found[way]}
            yield _made(c, way, [*c.context.messages[:-1], asked], c.answer["content"] or "", growth.weight)


def _made(c: Candidate, way: str, messages: list[Message], answer: str, weight: float) -> Candidate:
    context = Context(c.context.turns, c.context.fault)
    context.messages = messages
    mark = replace(c.mark, context=context)
    given = {k: getattr(c, k) for k in ("kind", "message_ids", "signals", "since")}
    more = (("synthetic", way), ("from", c.example_id))
    return Grown(**given, source=SYNTHETIC, mark=mark, weight=c.weight * weight, answer=c.answer | {"content": answer}, more=more, way=way)


def _fits(c: Candidate) -> bool:
    """Whether it is still the task: its card would match it, and its answer has the task's form."""
    wanted = c.mark.card.match.prompt_regex if c.mark.card else None
    return re.search(wanted or "", c.context.question) is not None and answers.fault(c.answer["content"] or "", c.mark.card) is None


def _shared(questions: list[str]) -> frozenset[str]:
    """Words of three-word runs that most of a task's questions share: the task's own wording, which its card may look for."""
    if len(questions) < LEAST_TEMPLATE:
        return frozenset()
    seen: Counter[tuple[str, ...]] = Counter()
    for question in questions:
        words = re.findall(r"\w+", question.casefold())
        seen.update({tuple(words[i : i + 3]) for i in range(len(words) - 2)})
    return frozenset(w for run, n in seen.items() if n >= TEMPLATE_SHARE * len(questions) for w in run)
