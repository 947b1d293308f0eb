"""A refused line or event becomes a row with its reason; what it says about people is replaced before the row exists."""

import re
from dataclasses import dataclass

from pipeline.ingest.scrub import Scrubber

KEPT_CHARS = 64 * 1024  # of a refused text: enough to see what it is, and the file has the rest
CUT_CHARS = 1024  # longer than any address, number or token
USER = re.compile(r'("user_id"\s*:\s*)("(?:[^"\\]|\\.)*(?:"|$)|-?\d+)')
CONVERSATION = re.compile(r'"conversation_id"\s*:\s*(?:"((?:[^"\\]|\\.){1,512})"|(-?\d+))')
DENIED = re.compile(r'"consent"\s*:\s*(?!\s*true\b)')
GRANTED = re.compile(r'"consent"\s*:\s*true\b')
ESCAPED = re.compile(r"\\u00(2[013-9a-f]|[34][0-9a-f]|5[0-9abd-f]|6[0-9a-f]|7[0-9a-e])", re.IGNORECASE)


class Refused(Exception):
    """This line or event cannot be stored. byte: the offset in the line, where it is known; cut: only its beginning was read."""

    def __init__(self, reason: str, byte: int | None = None, cut: bool = False):
        super().__init__(reason)
        self.reason, self.byte, self.cut = reason, byte, cut


@dataclass(frozen=True, slots=True)
class Row:
    """One quarantined line or event, ready for the lake except for its file and user hash."""

    line: int
    what: str
    reason: str
    byte: int | None = None
    event_id: str | None = None
    text: str | None = None
    conversation_id: str | None = None
    user_id: str | None = None


def of_line(number: int, raw: str, refused: Refused, consent_default: bool = True) -> Row:
    """The row of a refused line. Its text is kept only with consent: said by the line, or meant by its silence (`consent_default`)."""
    text = legible(raw)
    denied = DENIED.search(text) or not (consent_default or GRANTED.search(text))
    conversation, user = CONVERSATION.search(text), USER.search(text)
    return Row(
        number,
        "line",
        refused.reason,
        refused.byte,
        text=None if denied else masked(text, refused.cut),
        conversation_id=(conversation.group(1) or conversation.group(2)) if conversation else None,
        user_id=user.group(2).strip('"') if user else None,
    )


def of_event(number: int, raw: str, refused: Refused, event_id: str | None, conversation_id: str, user_id: str | None) -> Row:
    """The row of one bad event in a good conversation."""
    return Row(number, "event", refused.reason, None, event_id, masked(legible(raw)), conversation_id, user_id)


def legible(raw: str) -> str:
    """Text that any table can hold, with escaped ASCII written out: an address behind \\u0040 is an address."""
    raw = raw.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
    return ESCAPED.sub(lambda m: chr(int(m.group(1), 16)), raw)


def masked(text: str, cut: bool = False) -> str:
    """The text's beginning with placeholders; of a text that was cut the end goes too, where half an address would not be known as one."""
    text, cut = text[:KEPT_CHARS], cut or len(text) > KEPT_CHARS
    text = Scrubber().text(USER.sub(r'\1"<USER>"', text))
    return text[:-CUT_CHARS] + "…" if cut and text else text
