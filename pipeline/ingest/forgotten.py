"""Nothing of a forgotten user or an erased conversation comes back: the line is accounted for, without a text and without an id."""

from collections.abc import Callable
from dataclasses import replace

from pipeline.ingest.bulk import Plain
from pipeline.ingest.chunk import Understood
from pipeline.ingest.formats.native import Late
from pipeline.ingest.quarantine import Refused, Row
from pipeline.people import Forgotten

USER, CONVERSATION = Refused("user was forgotten").reason, Refused("conversation was erased").reason
REASONS = frozenset({USER, CONVERSATION})
"""Lines refused on purpose: however many they are, the day is not a bad one."""
Hashed = Callable[[str | None], str | None]


def screened(one: Understood | Row, forgotten: Forgotten, hashed: Hashed) -> Understood | Row:
    """A line as it may be taken in: refused whole where it is theirs, without their events where it is another's."""

    def why(user: str | None, conversation: str | None) -> str | None:
        return USER if forgotten.user(hashed(user)) else CONVERSATION if forgotten.conversation(conversation) else None

    if isinstance(one, Row):
        reason = why(one.user_id, one.conversation_id)
        return Row(one.line, one.what, reason) if reason else one
    found = one.found
    reason = why(found.event.user_id if isinstance(found, Late) else found.user_id, found.conversation_id)
    if reason:
        return Row(one.number, "line", reason)
    if isinstance(found, Late):
        return one
    stay = [e for e in found.events if not forgotten.user(hashed(e.user_id))]
    left = [screened(row, forgotten, hashed) for row in one.refused]
    refused = [row for row in left if isinstance(row, Row)] + [Row(one.number, "event", USER)] * (len(found.events) - len(stay))
    return replace(one, found=replace(found, events=stay), refused=refused)


def leave(plain: Plain, forgotten: Forgotten, hashed: Hashed) -> None:
    """Lines of theirs, or with a word of theirs, are no plain ones: the slow reader refuses what has to be."""
    for i, (id, user) in enumerate(zip(plain.ids, plain.columns.header["user_id"], strict=True)):
        spoke = {user, *(e.user_id for e in plain.events.get(i, ()))}
        if forgotten.conversation(id) or any(forgotten.user(hashed(u)) for u in spoke):
            plain.columns.bad[i] = True
