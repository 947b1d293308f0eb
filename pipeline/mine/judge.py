"""The judge: any OpenAI-compatible model, asked one strict question at a time; it answers, fails to, or is left alone."""

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipeline.errors import EquipoiseError, Permanent, Transient
from pipeline.lm import Refused, Served
from pipeline.lm import Reply as LmReply
from pipeline.mine import judge_prompts
from pipeline.mine.judge_cache import Cache, Said, key
from pipeline.mine.judge_fence import Part, fenced
from pipeline.mine.judge_prompts import Reply, Unreadable, question
from pipeline.progress import say
from pipeline.settings import Settings
from pipeline.spec import Judging

LONGEST_REPAIR = 2000  # of a reply that is sent back to be mended: enough for its shape, too little to argue with
Check = Callable[[Reply], str | None]


class Unanswered(Exception):
    """The judge gave nothing to go by. `reason` is one of mine's reasons."""

    def __init__(self, reason: str, why: str):
        super().__init__(why)
        self.reason = reason


@dataclass
class Spent:
    """What one complaint, or the control questions, cost; what was remembered counts as what it cost when it was asked."""

    calls: int = 0
    tokens: int = 0
    remembered: int = 0

    def add(self, calls: int, tokens: int, remembered: int) -> None:
        self.calls, self.tokens, self.remembered = self.calls + calls, self.tokens + tokens, self.remembered + remembered


@dataclass(frozen=True)
class About:
    """Whose words a question shows; `forget` finds what was remembered of it by these."""

    conversation_id: str | None = None
    user_hash: str | None = None
    spent: Spent = field(default_factory=Spent)


class Judge:
    """Asks and remembers. Safe in threads; `down` is the reason why nobody asks any more."""

    def __init__(self, settings: Settings, judging: Judging, served: Served):
        self.settings, self.judging, self.served = settings, judging, served
        self.cache = Cache(settings)
        self.down: str | None = None
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    @property
    def name(self) -> str:
        return self.served.model

    @property
    def identity(self) -> dict[str, object]:
        """What makes its verdicts another judge's when it changes; the address does not."""
        return {"model": self.name, "prompts": judge_prompts.digest(), "extras": dict(self.judging.extras), "most": self.judging.max_tokens}

    def ask(self, name: str, parts: Sequence[Part], about: About, check: Check | None = None, salt: str = "", **words: str) -> Reply:
        """The reply to one question about these parts, in the shape that the question wants; else Unanswered.

        check: what the shape cannot say; returns why not. salt: asks the same again, past what is remembered. words: the operator's own.
        """
        asked = question(name)
        known = key(self.name, dict(self.judging.extras), self.judging.max_tokens, asked.sha, list(parts), words, salt)
        with self._guard:
            lock = self._locks[known]
        with lock:  # equal questions of two complaints in one batch are one question
            said = self.cache.get(known)
            if said is None:
                said = self._fresh(name, parts, check, salt, words)
                self.cache.put(known, said, about.conversation_id, about.user_hash, judge=self.name, question=name, version=asked.version)
        about.spent.add(said.calls, said.tokens, said.calls if said.remembered else 0)
        if said.reply is None:
            raise Unanswered("judge_unreadable" if said.why != "quote" else "quote_not_said", said.why)
        return said.reply

    def _fresh(self, name: str, parts: Sequence[Part], check: Check | None, salt: str, words: dict[str, str]) -> Said:
        """Ask, and once more where the reply is not what was asked for."""
        mark, body = fenced(self.settings, parts, salt)
        messages = [
            {"role": "system", "content": question(name).system(mark, **words)},
            {"role": "user", "content": f"{body}\n\nNow reply with the JSON object for: {name}."},
        ]
        tokens, why = 0, ""
        for call in (1, 2):
            reply = self._call(messages)
            tokens += reply.tokens
            try:
                found = judge_prompts.read(name, reply.text)
                why = (check(found) if check else None) or ""
                if not why:
                    return Said(found, "", call, tokens)
            except Unreadable as error:
                why = "its reply was cut off: be shorter" if reply.cut else str(error)
            messages += [
                {"role": "assistant", "content": reply.text[:LONGEST_REPAIR]},
                {"role": "user", "content": judge_prompts.repair(REPAIRS.get(why, why))},
            ]
        return Said(None, why, 2, tokens)

    def _call(self, messages: list[dict]) -> LmReply:
        if self.down:
            raise Unanswered("judge_unanswered", self.down)
        try:
            return self.served.ask(messages, self.judging.max_tokens)
        except Refused as error:
            if error.everything:
                self._leave(error)
            raise Unanswered("judge_refused", str(error)) from None
        except (Transient, Permanent) as error:
            if not self._alive():  # one text that breaks the server must not silence the judge for all others
                self._leave(error)
            raise Unanswered("judge_unanswered", str(error)) from None

    def _alive(self) -> bool:
        once = Served(self.served.url, self.name, self.served.key, min(20.0, self.judging.timeout_s), self.judging.extras, tries=1)
        try:
            return bool(once.ask([{"role": "user", "content": "Reply with the word yes."}], 8))
        except EquipoiseError:
            return False

    def _leave(self, error: EquipoiseError) -> None:
        with self._guard:
            if self.down is None:
                self.down = str(error)
                say(f"judge {self.name}: {error}. The day goes on without it")


REPAIRS = {"quote": "the quote must be copied letter by letter from the part called next words"}


def of(settings: Settings, judging: Judging) -> Judge | None:
    """The configured judge; None where there is none, and then nothing is ever sent."""
    if not settings.judge_url or not settings.judge_model:
        return None
    return Judge(settings, judging, Served(settings.judge_url, settings.judge_model, settings.judge_key, judging.timeout_s, judging.extras))
