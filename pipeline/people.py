"""Users are known by a keyed hash: whoever holds the key can find a user's rows, whoever reads the lake cannot name the user."""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Permanent
from pipeline.settings import Settings

PERSONAL = ("KEY", "CREDENTIALS", "EMAIL", "IBAN", "IP", "NATIONAL_ID", "CARD", "PHONE")
"""Kinds of personal data that ingest replaces."""
PLACEHOLDER = re.compile(rf"<(?:{'|'.join(PERSONAL)})_[1-9][0-9]{{0,5}}>")
"""What stands in the lake in the place of personal data: `<EMAIL_1>`."""


def user_hash(settings: Settings, user_id: str | int) -> str:
    """HMAC-SHA256 in hex of a user id as the logs write it; commands hash their arguments by this function too."""
    return hmac.new(_key(settings), str(user_id).encode(), hashlib.sha256).hexdigest()


USER, CONVERSATION, WITHDRAWN = "user", "conversation", "withdrawn"


def mark(settings: Settings, what: str, value: str) -> str:
    """What is kept of an erased id: a keyed hash of it (of a user: of the hash), under a label that makes it no key to anything else."""
    return _mark(_key(settings), what, value)


def _mark(key: bytes, what: str, value: str) -> str:
    return hmac.digest(key, f"forgotten {what}:{value}".encode(), "sha256").hex()


@dataclass(frozen=True)
class Forgotten:
    """Who and what was erased and may not come back: asked with the ids that the lake stores, false while nobody was forgotten."""

    marks: frozenset[tuple[str, str]]
    """(what, mark), as `erase.forgotten` holds them."""
    key: bytes

    @classmethod
    def of(cls, settings: Settings, rows: Iterable[dict[str, str]]) -> "Forgotten":
        """rows: those of `lake.query(con, "erase/marks")`."""
        found = frozenset((r["what"], r["mark"]) for r in rows)
        return cls(found, _key(settings) if found else b"")

    def __bool__(self) -> bool:
        return bool(self.marks)

    def user(self, user_hash: str | None) -> bool:
        return bool(self.marks) and user_hash is not None and (USER, _mark(self.key, USER, user_hash)) in self.marks

    def conversation(self, conversation_id: str | None) -> bool:
        """Whether it was erased whole. One whose consent was withdrawn is a tombstone and not meant here."""
        return (
            bool(self.marks)
            and conversation_id is not None
            and (CONVERSATION, _mark(self.key, CONVERSATION, conversation_id)) in self.marks
        )


def _key(settings: Settings) -> bytes:
    return settings.user_key.encode() if settings.user_key else _key_file(settings.home / "keys" / "users.key")


def _key_file(path: Path) -> bytes:
    """Read the key, or make it once: written whole under another name first, so that two processes agree on one key."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its key is the key
        finally:
            draft.unlink()
    key = path.read_text(encoding="ascii").strip()
    if len(key) < 32:
        raise Permanent(
            f"{path}: the key of the user hashes has {len(key)} characters, at least 32 are expected; restore it from a copy: with another key no user is found again"
        )
    return key.encode()
