"""Tools that log calls, not conversations: each call holds the history up to it, and feedback points at a call.

Calls of one conversation are sorted by time and laid over one another as a tree: what they have in common (role, content, tool calls)
is one message, and where a call goes another way a branch begins. All calls of a batch are held in memory until the last is read.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest.derive import derived_id
from pipeline.ingest.formats.base import Out, Reading, Record, Skipped, made, refused
from pipeline.ingest.formats.tree import Tree
from pipeline.ingest.quarantine import Refused


@dataclass(slots=True)
class Call:
    """One request and its answers."""

    id: str
    conversation: str | None
    """As the tool names it; without a name it is the trace's, else the trace itself."""
    heard: list[dict[str, Any]]
    said: list[dict[str, Any]]
    """Native messages; several answers are siblings."""
    trace: str | None = None
    aliases: tuple[str, ...] = ()
    """Other ids under which feedback names this call."""
    began: str | None = None
    ended: str | None = None
    user: str | None = None
    model: str | None = None
    app: str | None = None
    dropped: Counter[str] = field(default_factory=Counter)
    fallback: bool = False
    """Counts only where the trace has no other call: a summary of the trace, not a call of its own."""

    @property
    def answered(self) -> str | None:
        """When the answer came, as well as the tool can tell; a summary cannot."""
        return None if self.fallback else self.ended or self.began


@dataclass(slots=True)
class Word:
    """A feedback event, and the ids that say which answer it is about, the most exact first."""

    event: dict[str, Any]
    calls: tuple[str, ...] = ()
    """Ids or aliases of calls."""
    traces: tuple[str, ...] = ()
    """Ids of traces: their last answer is meant."""
    conversation: str | None = None
    whole: bool = False
    """About the conversation and none of its answers."""
    of_user: bool = True
    """Spoken by the call's user, where the event names nobody."""


@dataclass(slots=True)
class Trace:
    """What a tool says about a trace as a whole."""

    id: str
    conversation: str | None = None
    user: str | None = None
    app: str | None = None


Part = Call | Word | Trace


def gathered(read: Callable[[dict[str, Any], Reading], Iterable[Part]]) -> Callable[[Iterator[Record], Reading], Iterator[Out]]:
    """A converter out of what a format makes of one record."""

    def convert(records: Iterator[Record], reading: Reading) -> Iterator[Out]:
        gathering = Gathering(reading)
        for record in records:
            try:
                for part in read(record.body, reading):
                    gathering.add(part, record)
            except Refused as problem:
                yield refused(record, problem)
            except Skipped as why:
                reading.skipped[str(why)] += 1
        yield from gathering.lines()

    return convert


def key(id: str) -> str:
    """A call's id as conversations remember it: shaped so that nothing in it looks like personal data."""
    return derived_id("call", id)


class Gathering:
    """The calls, words and traces of one batch, on their way to conversations."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self._calls: dict[str, tuple[Call, Record]] = {}
        self._texts: dict[str, str] = {}
        self._words: list[tuple[Word, Record]] = []
        self._traces: dict[str, Trace] = {}
        self._trees: dict[str, Tree] = {}
        self._answers: dict[str, tuple[str, str | None, str | None]] = {}
        """id or alias of a call: conversation, last answer, user"""

    def add(self, part: Part, record: Record) -> None:
        if isinstance(part, Word):
            self._words.append((part, record))
        elif isinstance(part, Trace):
            self._traces[part.id] = _filled(part, self._traces.get(part.id, part))
        else:
            before = self._calls.get(part.id)
            if before:  # told twice, as by a span and an event: the newer says what, the earlier when
                part.began, part.ended = _earliest(before[0].began, part.began), _earliest(before[0].answered, part.answered)
            for message in (*part.heard, *part.said):  # the same history comes with every call: kept once
                message["content"] = self._texts.setdefault(message["content"], message["content"])
            self._calls[part.id] = (part, record.place())

    def lines(self) -> Iterator[Out]:
        """Every conversation with its feedback, then the words about calls that are not here."""
        own = {c.trace for c, _ in self._calls.values() if not c.fallback}
        calls = [(c, r) for c, r in self._calls.values() if not (c.fallback and c.trace in own)]
        for call, record in sorted(calls, key=lambda pair: pair[0].began or ""):
            self._lay(call, record)
        late = [(word, record) for word, record in self._words if not self._attach(word, record)]
        yield from self._late(late)
        known = self.reading.past.conversations(self._trees) if self.reading.past and self._trees else {}
        for id, tree in self._trees.items():
            if id in known:
                tree.remember(known[id])
            yield made(tree.place(self.reading.seen), tree.native())

    def _lay(self, call: Call, record: Record) -> None:
        trace = self._traces.get(call.trace or "") or Trace("")
        conversation = call.conversation or trace.conversation or call.trace or call.id
        call.user, call.app = call.user or trace.user, call.app or trace.app
        tree = self._trees.setdefault(conversation, Tree(conversation))
        ids = tree.add(call.heard, call.said, call.began, call.answered, call.model)
        tree.say(call.user, call.app, call.model, call.began, call.dropped, record)
        answer = ids[0] if ids else None
        if not call.fallback:
            tree.calls[key(call.id)] = answer
        found = (conversation, answer, call.user)
        for name in (call.id, *call.aliases):
            self._answers[name] = found
        for name in filter(None, (call.trace, f"conversation:{conversation}")):
            self._answers[name] = found  # the last answer of the trace, for calls are laid in their order
            tree.calls[key(name)] = answer

    def _attach(self, word: Word, record: Record) -> bool:
        """Put the word into its conversation; False where that is not here."""
        found = next((self._answers[id] for id in (*word.calls, *word.traces) if id in self._answers), None)
        if found is None and word.conversation in self._trees:
            found = self._answers[f"conversation:{word.conversation}"]
        if found is None:
            return False
        conversation, answer, user = found
        if not word.whole and answer is not None:
            word.event.setdefault("message_id", answer)
        if word.of_user and user is not None:
            word.event.setdefault("user_id", user)
        self._trees[conversation].hear(word.event, record)
        return True

    def _late(self, late: list[tuple[Word, Record]]) -> Iterator[Out]:
        """Words about calls of earlier batches: found in what their conversations remember, or refused until those have come."""
        asked = {key(id) for word, _ in late for id in (*word.calls, *word.traces)}
        asked |= {key(f"conversation:{word.conversation}") for word, _ in late if word.conversation}
        known = self.reading.past.calls(asked) if asked and self.reading.past else {}
        for word, record in late:
            names = [*word.calls, *word.traces, *([f"conversation:{word.conversation}"] if word.conversation else [])]
            found = next((known[key(n)] for n in names if key(n) in known), None)
            conversation = found.conversation if found else word.conversation or self._of_trace(word)
            if conversation is None:
                yield refused(record, Refused("feedback on an unknown call"))
                continue
            answer = {"message_id": found.answer} if found and found.answer and not word.whole else {}
            yield made(record, {"conversation_id": conversation} | answer | word.event)

    def _of_trace(self, word: Word) -> str | None:
        return next((self._traces[t].conversation for t in word.traces if t in self._traces), None)


def _earliest(*times: str | None) -> str | None:
    return min(filter(None, times), default=None)


def _filled(part: Trace, before: Trace) -> Trace:
    return Trace(part.id, part.conversation or before.conversation, part.user or before.user, part.app or before.app)


def spoken(**event: Any) -> dict[str, Any]:
    """An event without the keys that say nothing. `max` stays: null there says that the scale is unknown."""
    return {k: v for k, v in event.items() if v is not None or (k == "max" and event.get("kind") == "rating")}


def evaluator(name: str | None) -> dict[str, Any]:
    """Who speaks in an automatic score: its judge, so that it never passes for the user's own state."""
    return {"source": "automatic", "user_id": f"evaluator:{name or 'unnamed'}"}
