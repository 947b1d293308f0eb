"""Explicit signals: what a user did on purpose about an answer, which way it points, and how much it weighs alone."""

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

STRENGTH = {"edit": 1.0, "choose": 1.0, "report": 1.0, "thumb": 0.5, "rating": 0.5, "regenerate": 0.3, "copy": 0.2, "comment": 0.0}
"""Weight by kind. An edit or a pick costs the user work and names the better text; a click costs nothing and rewards agreement;
a regenerate is often a roll of the dice and a copy may be the first step of a complaint. [judgement, to be replaced by audited precision]"""

LIKED, DISLIKED = 0.8, 0.4
"""Shares of a rating's scale: 4 and 5 of 5 are praise, 1 and 2 complaint, 3 neither."""

WORDS = {1: "positive", -1: "negative", 0: "neutral"}
LONGEST_QUOTE = 500  # of the user's own words in the evidence: enough to judge by, too little to store a file


@dataclass(frozen=True, slots=True)
class Signal:
    """One user's standing word about one answer (or, for a pick, about several)."""

    conversation_id: str
    event_id: str
    message_id: str | None
    user_hash: str | None
    kind: str
    value: str | None
    max: float | None
    text: str | None
    reasons: tuple[str, ...]
    over: tuple[str, ...]
    span: tuple[int, ...]
    source: str
    derived: bool
    day: date
    at: int
    arrived: int
    stands: bool
    concert: str | None = None
    """The concert that the user is heard in, where several act as one."""

    @property
    def voice(self) -> str:
        """Who speaks. Somebody without a name is one voice a conversation: anonymous crowds do not outvote users."""
        return self.concert or self.user_hash or f"conversation:{self.conversation_id}"

    @property
    def event(self) -> tuple[str, str]:
        """The event in its conversation: event ids are the log's, and logs do not know one another."""
        return (self.conversation_id, self.event_id)

    @property
    def order(self) -> tuple:
        return (self.at, self.arrived, self.conversation_id, self.event_id)


def signal(state: dict[str, Any]) -> Signal:
    """A row of mine/states as a signal."""
    lists = {name: tuple(state[name] or ()) for name in ("reasons", "over", "span")}
    plain = {k: v for k, v in state.items() if k != "micros"}
    return Signal(**plain | lists | {"derived": bool(state["derived"]), "at": state["micros"] or 0})


def reading(s: Signal) -> tuple[int, str | None]:
    """Which way a signal points (1, 0, -1), and why it is no vote, if it is none."""
    if s.kind == "thumb":
        return {"up": (1, None), "down": (-1, None)}.get(s.value or "", (0, "withdrawn"))
    if s.kind == "rating":
        return rated(s.value, s.max)
    if s.kind == "choose":
        return (0, s.value) if s.value in ("tie", "both_bad") else (1, None)
    if s.kind == "comment":
        return 0, "comment_alone"
    return (1, None) if s.kind == "copy" else (-1, None)


def rated(value: str | None, top: float | None) -> tuple[int, str | None]:
    """A number is read only against its own scale."""
    try:
        number = float(value or "")
    except ValueError:
        return 0, "rating_off_scale"
    if top is None:
        return 0, "rating_without_max"
    if not (math.isfinite(number) and top > 0 and 0 <= number <= top):
        return 0, "rating_off_scale"
    share = number / top
    return (1, None) if share >= LIKED else (-1, None) if share <= DISLIKED else (0, "rating_middling")


def record(s: Signal, outcome: list[str]) -> dict[str, Any]:
    """One line of signals.jsonl. `outcome` lists what became of it: kinds of rows, or reasons."""
    polarity, _ = reading(s)
    evidence = {
        "event_id": s.event_id,
        "user_hash": s.user_hash,
        "day": s.day.isoformat(),
        "rule": f"explicit/{s.kind}",
        "outcome": outcome,
    }
    said = {"value": s.value, "max": s.max, "over": list(s.over), "reasons": list(s.reasons), "said": (s.text or "")[:LONGEST_QUOTE]}
    return {
        "conversation_id": s.conversation_id,
        "message_id": s.message_id,
        "signal": s.kind,
        "origin": "explicit",
        "polarity": WORDS[polarity],
        "weight": STRENGTH[s.kind] if polarity else 0.0,
        "evidence": evidence | {k: v for k, v in said.items() if v not in (None, [], "")} | ({"derived": True} if s.derived else {}),
    }
