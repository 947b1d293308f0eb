"""What users said in Open WebUI: rows of the feedback table, and what the messages of a chat show by themselves."""

from itertools import pairwise
from typing import Any

from pipeline.ingest.formats.base import decoded, mapping, named, number, words
from pipeline.ingest.formats.times import moment
from pipeline.ingest.quarantine import Refused

Tree = dict[str, dict[str, Any]]


def from_row(row: dict[str, Any], meta: dict[str, Any], tree: Tree) -> list[dict[str, Any]]:
    """The events of one feedback row; raises Refused. tree: the chat's messages where they are known, for the siblings of an arena answer."""
    data = mapping(decoded(row.get("data"), "data"), "data")
    frame = {
        "event_id": named(row.get("id"), "id"),
        "message_id": named(meta.get("message_id"), "message_id"),
        "user_id": named(row.get("user_id"), "user_id"),
        "created_at": moment(row.get("updated_at") or row.get("created_at"), "updated_at"),
    }
    found = _events(data, frame["message_id"], meta.get("arena") is True, tree)
    if len(found) > 1:  # several events of one row: each needs an id of its own
        found = [{"event_id": f"{frame['event_id']}:{n}", **event} for n, event in enumerate(found)]
    return [_some(frame | event) for event in found]


def from_messages(native: dict[str, Any], tree: Tree, told: set[str]) -> None:
    """Put into the chat's feedback what its messages show: ratings whose row is not here, replaced texts, answers made again.

    told: ids of the feedback rows that are here; the same word seen from the chat's side is not counted twice.
    """
    user = native.get("user_id")
    for id, one in tree.items():
        annotation, feedback_id = one.get("annotation"), named(one.get("feedbackId"), "feedbackId")
        if isinstance(annotation, dict) and annotation.get("rating") is not None and feedback_id not in told:
            row = {"id": feedback_id, "user_id": user, "data": annotation}
            try:
                native["feedback"] += from_row(row, {"message_id": id, "arena": one.get("arena")}, tree)
            except Refused:  # the event alone goes to quarantine, as any bad event in a good conversation does
                native["feedback"].append({"event_id": feedback_id, "message_id": id, "kind": "thumb", "value": annotation["rating"]})
        if isinstance(one.get("originalContent"), str) and isinstance(one.get("content"), str) and one["originalContent"] != one["content"]:
            event = {"message_id": id, "user_id": user, "kind": "edit", "text": one["content"], "derived": True}
            native["feedback"].append(_some(event))
    native["feedback"] += _regenerated(tree)


def second_opinion(row: dict[str, Any], event: dict[str, Any], native: dict[str, Any]) -> None:
    """A rating of 1 to 10 beside the thumb has no event of its own: it is kept with the conversation, by the event's id."""
    details = mapping(decoded(row.get("data"), "data"), "data").get("details")
    said = details.get("rating") if isinstance(details, dict) else None
    if isinstance(said, int | float) and not isinstance(said, bool) and "event_id" in event:
        native["metadata"] = native.get("metadata") or {}
        native["metadata"].setdefault("details_rating", {})[event["event_id"]] = said


def _events(data: dict[str, Any], message_id: str | None, arena: bool, tree: Tree) -> list[dict[str, Any]]:
    """A thumb; between answers of an arena a pick, and one pick a sibling where this answer lost."""
    rating, comment, reason = (
        number(data.get("rating"), "rating"),
        words(data.get("comment"), "comment"),
        words(data.get("reason"), "reason"),
    )
    said = {"text": comment, "reasons": [reason] if reason else None}
    if rating is None:
        if comment is None:
            raise Refused("missing key: rating")
        return [{"kind": "comment", "text": comment}]
    if rating not in (1, -1):
        raise Refused("value not allowed")
    others = siblings(message_id, tree) if arena and message_id else []
    if not others:
        return [{"kind": "thumb", "value": "up" if rating == 1 else "down", **said}]
    if rating == 1:
        return [{"kind": "choose", "over": others, **said}]
    return [{"kind": "choose", "message_id": other, "over": [message_id], **said} for other in others]


def siblings(message_id: str, tree: Tree) -> list[str]:
    """The other answers to the same question."""
    own = tree.get(message_id)
    if own is None or own.get("parentId") is None:
        return []
    return [
        id for id, one in tree.items() if id != message_id and one.get("parentId") == own["parentId"] and one.get("role") == "assistant"
    ]


def _regenerated(tree: Tree) -> list[dict[str, Any]]:
    """Answers that were thrown away for a later sibling. Answers of several models, side by side, threw nothing away."""
    below: dict[str, list[str]] = {}
    for id, one in tree.items():
        parent = one.get("parentId")
        if one.get("role") == "assistant" and isinstance(parent, str) and tree.get(parent, {}).get("role") == "user":
            below.setdefault(parent, []).append(id)
    found = []
    for answers in below.values():
        whole = [tree[id] for id in answers]
        if any(m.get("arena") is True for m in whole) or len({str(m.get("modelIdx")) for m in whole}) > 1:
            continue
        for id, following in pairwise(answers):
            when = moment(tree[following].get("timestamp"), "timestamp")
            found.append(_some({"message_id": id, "kind": "regenerate", "derived": True, "created_at": when}))
    return found


def _some(event: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in event.items() if v is not None}
