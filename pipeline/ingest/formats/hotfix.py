"""A hotfix file: the right answer to one question an object. It becomes a conversation of the app `hotfix` with the operator's word on it."""

from typing import Any

from pipeline.ingest.derive import derived_id
from pipeline.ingest.quarantine import Refused

APP = "hotfix"
KEYS = {"task", "messages", "answer", "rejected", "note"}


def native(raw: dict[str, Any]) -> dict[str, Any]:
    """The example as a line of the native log; raises Refused.

    With `rejected` the log shows that answer and its edit; without, it shows the answer itself and praise. The conversation's id
    covers what is taught, so the same example is the same conversation wherever it is written.
    """
    _check(raw)
    taught = {name: raw.get(name) for name in ("task", "messages", "answer", "rejected")}
    said = {"role": "assistant", "content": raw["answer"] if raw.get("rejected") is None else raw["rejected"]}
    id = derived_id(APP, taught)
    answer_id = f"{id}-answer"
    word = {"kind": "thumb", "value": "up"} if raw.get("rejected") is None else {"kind": "edit", "text": raw["answer"]}
    return {
        "conversation_id": id,
        "app": APP,
        "consent": True,
        "metadata": {"task": raw["task"], "note": raw.get("note"), "hotfix": True},
        "messages": [*raw["messages"], said | {"message_id": answer_id}],
        "feedback": [word | {"event_id": f"{id}-word", "message_id": answer_id}],
    }


def _check(raw: dict[str, Any]) -> None:
    """What the native log does not ask for itself."""
    if "task" not in raw:
        raise Refused("missing key: task")
    if type(raw["task"]) is not str:
        raise Refused("wrong type: task")
    if set(raw) - KEYS:
        raise Refused("unknown key")
    messages = raw.get("messages")
    if type(messages) is not list or not all(type(m) is dict for m in messages):
        raise Refused("missing key: messages" if messages is None else "wrong type: messages")
    if not messages or messages[-1].get("role") != "user":
        raise Refused("the last message is not the user's")
    if type(raw.get("answer")) is not str:
        raise Refused("missing key: answer" if raw.get("answer") is None else "wrong type: answer")
    if type(raw.get("rejected", "")) is not str or type(raw.get("note", "")) is not str:
        raise Refused("wrong type: rejected" if type(raw.get("rejected", "")) is not str else "wrong type: note")
