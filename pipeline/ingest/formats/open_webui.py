"""Open WebUI: the export of chats (array, NDJSON or table) and the export of feedback, which belong together."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest.formats import turns, webui_words
from pipeline.ingest.formats.base import Format, Out, Reading, Record, Skipped, decoded, made, mapping, named, refused, words
from pipeline.ingest.formats.times import moment
from pipeline.ingest.quarantine import Refused


def claims(record: dict[str, Any]) -> bool:
    return _is_feedback(record) or (_is_chat(record) and "user_id" in record)


def _is_chat(record: dict[str, Any]) -> bool:
    chat = decoded(record.get("chat"), "chat") if isinstance(record.get("chat"), str) else record.get("chat")
    return "id" in record and isinstance(chat, dict) and ("history" in chat or "messages" in chat)


def _is_feedback(record: dict[str, Any]) -> bool:
    return {"id", "user_id", "type", "data", "meta"} <= record.keys() and "trace_id" not in record


@dataclass
class Chat:
    """A chat on its way to a conversation, and the feedback rows about it."""

    record: Record
    native: dict[str, Any]
    tree: dict[str, dict[str, Any]]
    """The messages as Open WebUI has them, by id."""
    updated: float
    from_snapshot: bool = False
    rows: list[tuple[dict[str, Any], Record]] = field(default_factory=list)


def convert(records: Iterator[Record], reading: Reading) -> Iterator[Out]:
    """Chats with their feedback; feedback on chats that are not here brings its own snapshot, or is late."""
    chats: dict[str, Chat] = {}
    rows: dict[str, Record] = {}
    for record in records:
        try:
            if _is_feedback(record.body):
                rows[_id(record.body)] = record  # a row is overwritten in place: the last state counts
            elif _is_chat(record.body):
                _keep(_chat(record, record.body), chats)
            else:
                raise Refused("no open_webui chat or feedback")
        except Refused as problem:
            yield refused(record, problem)
        except Skipped as why:
            reading.skipped[str(why)] += 1
    known = _known(rows.values(), chats, reading)
    for record in rows.values():
        yield from _row(record, chats, known)
    for chat in chats.values():
        webui_words.from_messages(chat.native, chat.tree, {_id(r.body) for _, r in chat.rows})
        chat.native["feedback"] = [event for event, _ in chat.rows] + chat.native["feedback"]
        places = [chat.record, *(r for _, r in chat.rows)]
        yield made(next((r for r in places if r.file.sha not in reading.seen), places[0]), chat.native)


def _id(record: dict[str, Any]) -> str:
    id = named(record.get("id"), "id")
    if id is None:
        raise Refused("missing key: id")
    return id


def _keep(chat: Chat, chats: dict[str, Chat]) -> None:
    """The newest state of a chat; a snapshot, taken when somebody rated, never stands before the chat itself."""
    id = chat.native["conversation_id"]
    known = chats.get(id)
    if known is None or (known.from_snapshot, chat.updated) > (chat.from_snapshot, known.updated):
        chat.rows = known.rows if known else []
        chats[id] = chat


def _known(rows: Iterable[Record], chats: dict[str, Chat], reading: Reading) -> Set[str]:
    """Chats that earlier batches have brought: a snapshot, older than they are, must not overwrite them."""
    if reading.past is None:
        return set()
    metas = [r.body["meta"] for r in rows if isinstance(r.body["meta"], dict)]
    asked = {m["chat_id"] for m in metas if isinstance(m.get("chat_id"), str)} - chats.keys()
    return reading.past.conversations(asked).keys() if asked else set()


def _snapshot(record: Record, conversation: str) -> Chat | None:
    """The chat as it was when somebody rated, where the row has kept it; the word is whole without it."""
    with contextlib.suppress(Refused, Skipped):
        kept = mapping(decoded(record.body.get("snapshot"), "snapshot"), "snapshot").get("chat")
        if isinstance(kept, dict):
            chat = _chat(record, kept | {"id": conversation})
            chat.from_snapshot = True
            return chat
    return None


def _row(record: Record, chats: dict[str, Chat], known: Set[str]) -> Iterator[Out]:
    try:
        meta = mapping(decoded(record.body.get("meta"), "meta"), "meta")
        conversation = named(meta.get("chat_id"), "chat_id")
        if conversation is None:
            raise Refused("missing key: chat_id")
        chat_of = chats.get(conversation)
        tree = chat_of.tree if chat_of else {}
        if chat_of is None or chat_of.from_snapshot:
            snapshot = _snapshot(record, conversation)
            tree = snapshot.tree if snapshot else tree
            if snapshot and conversation not in known:
                _keep(snapshot, chats)
                chat_of = chats[conversation]
        found = webui_words.from_row(record.body, meta, tree)
    except Refused as problem:
        yield refused(record, problem)
        return
    for event in found:
        if chat_of:
            chat_of.rows.append((event, record))
            webui_words.second_opinion(record.body, event, chat_of.native)
        else:
            yield made(record, {"conversation_id": conversation} | event)


def _chat(record: Record, row: dict[str, Any]) -> Chat:
    id = _id(row)
    chat = mapping(decoded(row.get("chat"), "chat"), "chat")
    tree = _messages(chat)
    if not tree:
        raise Skipped("chat without messages")
    models = chat.get("models")
    dropped: Counter[str] = Counter()
    native: dict[str, Any] = {
        "conversation_id": id,
        "user_id": named(row.get("user_id"), "user_id"),
        "started_at": moment(row.get("created_at"), "created_at"),
        "model": words(models[0], "models") if isinstance(models, list) and models else None,
        "messages": [_message(key, one, dropped) for key, one in tree.items()],
        "feedback": [],
    }
    native["metadata"] = {"dropped_parts": dict(dropped)} if dropped else None
    updated = row.get("updated_at")
    return Chat(record.place(), native, tree, updated if isinstance(updated, int | float) else 0)


def _messages(chat: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The whole tree; a chat without one (old, or imported) has only the list of the branch on screen."""
    found = mapping(chat.get("history"), "history").get("messages")
    if not found:
        listed = chat.get("messages") or []
        if not isinstance(listed, list):
            raise Refused("wrong type: messages")
        found = {str(m.get("id", n)) if isinstance(m, dict) else str(n): m for n, m in enumerate(listed)}
    if not isinstance(found, dict) or not all(isinstance(m, dict) for m in found.values()):
        raise Refused("wrong type: messages")
    return found


def _message(id: str, one: dict[str, Any], dropped: Counter[str]) -> dict[str, Any]:
    """A native message. Where a text was replaced, what the model wrote is the answer."""
    said = one.get("originalContent") if isinstance(one.get("originalContent"), str) else one.get("content")
    found = turns.message({**one, "content": said, "type": None, "parts": None}, dropped)
    files = one.get("files")
    for kind in files if isinstance(files, list) else ():
        dropped[str(kind.get("type", "file"))[:64] if isinstance(kind, dict) else "file"] += 1
    message = found[-1]
    model = one.get("selectedModelId") if one.get("arena") is True else one.get("model")
    times = moment(one.get("timestamp"), "timestamp")
    return {"message_id": id, "parent_id": named(one.get("parentId"), "parentId"), **message} | {
        k: v for k, v in (("created_at", times), ("model", words(model, "model"))) if v is not None
    }


FORMAT = Format(
    name="open_webui",
    reads="chats (chat-export.json, all-chats NDJSON, the table `chat`) and feedback (feedback-history-export.json, the table `feedback`)",
    carries=(
        "messages as a tree", "user", "models", "times", "thumbs with reason and comment", "arena picks", "regenerated answers and edits (derived)",
    ),
    cannot=("whether a person or a filter replaced a text", "an arena loss against several as one pick", "locale", "app", "consent"),
    claims=claims,
    convert=convert,
    gathers=True,
    aliases=("openwebui",),
    tables={"chat": ("chat", "updated_at"), "feedback": ("meta", "updated_at")},
)  # fmt: skip
