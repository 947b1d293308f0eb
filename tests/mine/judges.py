"""Scripted judges behind real HTTP: an OpenAI-compatible server as strict as `transformers serve`, and minds with known errors."""

import dataclasses
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pipeline.mine import complaints, contexts, explicit, judge, judge_sitting
from pipeline.mine.batch import Batch, mined
from pipeline.mine.cards import Desk
from pipeline.mine.implicit import Heard, Listened
from pipeline.mine.judge_control import controls
from pipeline.recipe import Judging, Mining
from pipeline.settings import Settings
from tests.mine.world import ALL, DAY, _lake_rows, _states, talk, turn

Row = dict[str, Any]
WRONG = "That's wrong, it is blue."
UNTAUGHT = [
    ({"applies_to": "this_user"}, "personal_taste"),
    ({"adds": "wish"}, "needs_more_than_asked"),
    ({"adds": "fact", "claim": "contradicted"}, "fact_conflict"),
    ({"adds": "fact", "claim": "unknown"}, "unverified_fact"),
]
"""What a judge says of a complaint that may not be taught, and the reason of the drop."""
TRUST = Judging(on_trust=True, timeout_s=5, parallel=2)
ACCEPTED = {"model", "messages", "max_tokens", "temperature"}
PART = re.compile(r"\[\[([^\]\n]+) ([0-9a-f]{16})\]\]\n(.*?)\n\[\[/\1 \2\]\]", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """One request as a judge that keeps to its prompt reads it."""

    name: str
    parts: dict[str, str]
    messages: list[Row]

    @classmethod
    def of(cls, messages: list[Row]) -> "Asked":
        body = next((m["content"] for m in messages if m["role"] == "user"), "")
        named = re.search(r"Now reply with the JSON object for: (\w+)\.\Z", body)
        return cls(named.group(1) if named else "hello", {m[0]: m[2] for m in PART.findall(body)}, messages)


Mind = Callable[[Asked], str]


@dataclass
class Knowing:
    """A judge that knows the truth of what it is asked: of the control questions, and of what it was told."""

    classes: dict[str, str] = field(default_factory=dict)
    """By the user's words."""
    generals: dict[str, Row] = field(default_factory=dict)
    rewrites: dict[str, str] = field(default_factory=dict)
    good: set[str] = field(default_factory=set)
    """Answers that resolve what was complained of; rewrites are good unless they are in `bad`."""
    bad: set[str] = field(default_factory=set)

    def __call__(self, asked: Asked) -> str:
        return json.dumps(getattr(self, asked.name, self.hello)(asked.parts), ensure_ascii=False)

    def hello(self, parts: Row) -> str:
        return "yes"

    def feedback(self, parts: Row) -> Row:
        words = parts["next words"]
        known = {c.exchange.words: "complaint" if c.truth == "against" else c.truth for c in controls() if not c.good}
        found = self.classes.get(words) or known.get(words) or "no_feedback"
        against = found not in ("praise", "no_feedback")
        return {"class": found, "quote": "" if found == "no_feedback" else words[:100], "points": [words[:100]] if against else []}

    def general(self, parts: Row) -> Row:
        return {"applies_to": "everyone", "adds": "nothing", "claim": "none"} | self.generals.get(parts["next words"], {})

    def rewrite(self, parts: Row) -> Row:
        return {"answer": self.rewrites.get(parts["next words"], "A better answer.")}

    def resolved(self, parts: Row) -> Row:
        points = len(parts["points"].splitlines())
        return {name: ["yes" if self.fine(parts[f"{name} answer"]) else "no"] * points for name in ("first", "second")}

    def compare(self, parts: Row) -> Row:
        first, second = (self.fine(parts[f"{name} answer"]) for name in ("first", "second"))
        return {"better": "neither" if first == second else "first" if first else "second"}

    def fine(self, answer: str) -> bool:
        known = {c.good for c in controls() if c.good} | self.good | set(self.rewrites.values()) | {"A better answer."}
        return answer in known - self.bad


@dataclass
class Endpoint:
    """What a test sees of the server, and how it makes it fail."""

    url: str
    mind: Mind
    requests: list[Row] = field(default_factory=list)
    failures: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    """(status, headers, body) of the next replies; then the mind answers again."""
    usage: bool = True
    keys: set[str | None] = field(default_factory=set)


@contextmanager
def endpoint(mind: Mind) -> Iterator[Endpoint]:
    """Serve on loopback for as long as the block lasts."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Quiet."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                here.requests.append(body | {"path": self.path})
                here.keys.add(self.headers.get("authorization"))
                failure = here.failures.pop(0) if here.failures else None
            if failure:
                return self.send(*failure)
            if set(body) - ACCEPTED:
                return self.send(422, {}, json.dumps({"detail": f"Unexpected fields in the request: {set(body) - ACCEPTED}"}))
            text = here.mind(Asked.of(body["messages"]))
            reply: Row = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]}
            if here.usage:
                reply["usage"] = {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}
            self.send(200, {}, json.dumps(reply))

        def send(self, status: int, headers: dict[str, str], body: str) -> None:
            data = body.encode()
            self.send_response(status)
            for name, value in ({"content-type": "application/json", "content-length": str(len(data))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Endpoint(f"http://127.0.0.1:{server.server_port}/v1", mind)
    thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asked(here: Endpoint, name: str) -> list[Asked]:
    """The requests that put one question."""
    return [a for a in (Asked.of(r["messages"]) for r in here.requests) if a.name == name]


def judged(settings: Settings, here: Endpoint, model: str = "wise-1") -> Settings:
    return dataclasses.replace(settings, judge_url=here.url, judge_model=model)


def three(id: str, said: str, answer: str = "green", user: str = "ann", asked: str = "Which colour has the sky?", **more: Any) -> Row:
    """A question, an answer, and what the user says next."""
    turns = [turn("q", None, "user", asked), turn("a", "q", "assistant", answer), turn("u", "a", "user", said)]
    return talk(id, *turns, user_id=user, **more)


def court(
    settings: Settings, here: Endpoint, *talks: Row, judging: Judging = TRUST, mining: Mining = ALL, signal: str = "complaint"
) -> Batch:
    """Mine conversations without a lake; the last turn of each was heard as `signal` and goes before the judge."""
    found = contexts.talks(*_lake_rows(talks, DAY))
    heard = [_heard(t, t.get("metadata", {}).get("heard", signal)) for t in talks]
    seat = judge.of(judged(settings, here), judging)
    assert seat is not None
    filed, dropped = complaints.filed(heard, found, Desk({}), mining, judging)
    ruled = judge_sitting.sit(seat, "logs-20261120-00000000", filed, dropped, mining)
    states = [explicit.signal(s) for s in _states(talks, DAY)]
    return mined(states, found, Desk({}), mining, frozenset(), DAY, Listened(heard), ruled=ruled)


def _heard(t: Row, signal: str) -> Heard:
    return Heard(t["conversation_id"], "u", "a", t["user_id"], DAY, signal, "negative", 0.4, ("en/x",), str(t["messages"][-1]["content"]))
