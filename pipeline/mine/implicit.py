"""Implicit signals: what the user's next words say about the answer before them. Found by rules/*.yaml, in the lake's own SQL."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipeline import lake
from pipeline.mine import implicit_rules
from pipeline.mine.implicit_rules import Rule, Table

LONGEST_QUOTE = 200  # characters of the user's own words in the evidence
REPEATS: dict[str, tuple[str, list[str]]] = {"any/repeat": ("rephrase", []), "any/rephrase": ("rephrase", ["replies"])}
"""What the similarity test finds, beside the rules: class and guards."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One class of one user turn, about the answer before it."""

    conversation_id: str
    message_id: str
    answer_id: str
    user_hash: str | None
    day: date
    signal: str
    polarity: str
    weight: float
    rules: tuple[str, ...]
    quote: str

    @property
    def voice(self) -> str:
        """Who speaks; the same names as of an explicit signal."""
        return self.user_hash or f"conversation:{self.conversation_id}"

    @property
    def record(self) -> dict[str, Any]:
        """One line of signals.jsonl."""
        evidence = {
            "rule": f"implicit/{self.rules[0]}",
            "rules": list(self.rules),
            "quote": self.quote,
            "answer_id": self.answer_id,
            "user_hash": self.user_hash,
            "day": self.day.isoformat(),
        }
        return {
            "conversation_id": self.conversation_id,
            "message_id": self.message_id,
            "signal": self.signal,
            "origin": "implicit",
            "polarity": self.polarity,
            "weight": self.weight,
            "evidence": evidence,
        }


@dataclass(frozen=True)
class Listened:
    """What the turns of a day said: signals, and how many turns said what, no_feedback included."""

    heard: list[Heard] = field(default_factory=list)
    account: dict[str, int] = field(default_factory=dict)

    def of(self, day: date) -> "Listened":
        """Without the earlier turns, which their own day told."""
        return Listened([h for h in self.heard if h.day == day], self.account)

    @property
    def against(self) -> frozenset[tuple[str, str, str]]:
        """(conversation, answer, voice) of answers that were complained of or corrected."""
        return frozenset((h.conversation_id, h.answer_id, h.voice) for h in self.heard if h.signal in ("complaint", "correction"))


def listened(con: Any, day: date, only: str | None) -> Listened:
    """Read the turns of the day, and earlier ones of conversations in which something is new; con: a lake with mine.touched."""
    rules = implicit_rules.table()
    lake.run(con, "mine/implicit_turns", day=day, only=only)
    label(con, rules)
    by_id = {r.id: r for r in rules.rules}
    heard = [_heard(row, by_id, rules.filler) for row in lake.query(con, "mine/implicit_said")]
    account = {row["signal"]: row["turns"] for row in lake.query(con, "mine/implicit_account", day=day)}
    return Listened(heard, account)


def label(con: Any, rules: Table) -> None:
    """Fill mine.hits and mine.guarded from mine.followups: the rules, what is said once more, and the guards."""
    hits(con, rules)
    lake.run(con, "mine/implicit_questions")
    again = rules.repeat
    words = {"stop": again.stop, "stem": again.stem, "least_words": again.least_words}
    lake.run(con, "mine/implicit_repeats", jaccard=again.jaccard, more_please=again.more_please, **words)
    lake.run(con, "mine/implicit_context")
    for name, guard in rules.guards.items():
        look = {"looks_at": guard.looks_at, "pattern": guard.pattern, "unless": guard.unless or ""}
        lake.run(con, "mine/implicit_guard", guard=name, **look)
    con.register("rules", _arrow(rules))


def hits(con: Any, rules: Table) -> None:
    """One pass over all turns by one pattern a scope, then rule by rule on the suspects."""
    lake.run(con, "mine/implicit_suspects", refers=rules.refers, **rules.combined())
    for rule in rules.rules:
        lake.run(con, "mine/implicit_rule", rule=rule.id, pattern=rule.regex(rules.filler), longest=rule.longest)


def _arrow(rules: Table) -> Any:
    """The rules as a table beside the hits."""
    import pyarrow as pa

    found = [(r.id, r.class_, rules.guards_of(r)) for r in rules.rules] + [(id, *found) for id, found in REPEATS.items()]
    rows = [
        {"id": id, "class": class_, "guards": guards, "place": place, **rules.classes[class_].model_dump(exclude={"why"})}
        for place, (id, class_, guards) in enumerate(found)
    ]
    return pa.Table.from_pylist(rows)


def _heard(row: dict[str, Any], rules: dict[str, Rule], filler: str) -> Heard:
    names = ("conversation_id", "message_id", "answer_id", "user_hash", "day", "signal", "polarity", "weight")
    found = [rules[id] for id in row["rules"] if id in rules]
    return Heard(**{n: row[n] for n in names}, rules=tuple(row["rules"]), quote=quote(row["content"], found, filler))


def quote(said: str, rules: list[Rule], filler: str) -> str:
    """The sentence of the user's turn that the first rule hit, word for word; the turn's beginning where no one sentence did."""
    for rule in rules:
        for sentence in _sentences(said):
            if re.search(rule.regex(filler), " ".join(sentence.lower().replace("’", "'").split()), re.ASCII):
                return sentence[:LONGEST_QUOTE]
    return said.strip()[:LONGEST_QUOTE]


def _sentences(said: str) -> Iterator[str]:
    """Sentences, code and quoted lines left out as the rules leave them out."""
    bare = re.sub(r"(?s)```.*?(?:```|$)|(?m:^[ \t]*>[^\n]*)", lambda m: "\n" * len(m.group()), said[:4000])
    for m in re.finditer(r"[^.!?。！？\n]+[.!?。！？]*", bare):
        if m.group().strip():
            yield m.group().strip()
