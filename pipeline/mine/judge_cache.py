"""What the judge said, kept by the content of the question: asked once, however often a day is mined, killed or started twice."""

import hashlib
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.settings import Settings

FOLDER = ("cache", "judge")


@dataclass(frozen=True)
class Said:
    """One question's end: the reply, or why there is none that can be read."""

    reply: dict[str, Any] | None
    why: str
    calls: int
    tokens: int
    remembered: bool = False


def key(*parts: object) -> str:
    """Everything that the reply depends on: judge, model settings, prompt, input."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()).hexdigest()


class Cache:
    """One file a question, written whole by rename: two processes may write the same one, and a kill leaves none half-made."""

    def __init__(self, settings: Settings):
        self.folder = settings.home.joinpath(*FOLDER)

    def get(self, key: str) -> Said | None:
        try:
            found = json.loads(self._path(key).read_text(encoding="utf-8"))
            return Said(found["reply"], found["why"], found["calls"], found["tokens"], remembered=True)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):  # a disk that lost bytes: asked again, and written over
            return None

    def put(self, key: str, said: Said, conversation_id: str | None, user_hash: str | None, **about: Any) -> None:
        """conversation_id and user_hash are what `forget` finds it by: a reply quotes the user."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        entry = {"reply": said.reply, "why": said.why, "calls": said.calls, "tokens": said.tokens}
        text = json.dumps(entry | {"conversation_id": conversation_id, "user_hash": user_hash} | about, ensure_ascii=False, sort_keys=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
