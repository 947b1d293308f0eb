"""Look back: which earlier pairs belong to a lesson, which of their rows still stand, and which may never be trained on."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from pipeline import chat

Row = dict[str, Any]
Dropped = list[tuple[Row, str]]


def hotfix(manifest: Row) -> bool:
    """Pairs mined from a hotfix file alone: they stand beside the day's own, they do not replace them."""
    return manifest["recipe"].get("mining", {}).get("only") == "hotfix"


def parents(given: Row, sealed: Iterable[Row], max_days: int | None = None) -> list[str]:
    """The given pairs, then every earlier day's latest and every hotfix, newest first.

    Of several pairs mined for one day, those of the given recipe's name count, then the one finished last.
    A hotfix of the given day counts when it was there before the given pairs; a daily lesson takes all of that day.
    """
    today = date.fromisoformat(given["day"])
    first = today - timedelta(days=max_days - 1) if max_days else date.min
    others = [m for m in sealed if m["id"] != given["id"] and first <= date.fromisoformat(m["day"]) <= today]
    hotfixes = [m for m in others if hotfix(m) and (m["day"] < given["day"] or not hotfix(given) or m["finished"] < given["started"])]
    latest: dict[str, Row] = {}
    for m in sorted((m for m in others if not hotfix(m) and m["day"] < given["day"]), key=lambda m: _standing(m, given)):
        latest[m["day"]] = m
    kept = sorted(hotfixes + list(latest.values()), key=lambda m: (m["day"], hotfix(m), m["id"]), reverse=True)
    return [given["id"], *(m["id"] for m in kept)]


def _standing(manifest: Row, given: Row) -> tuple:
    return (manifest["recipe"].get("name") == given["recipe"].get("name"), manifest["finished"], manifest["id"])


def erased(manifests: Iterable[Row]) -> list[str]:
    """Receipts of the erasures that took rows out of these pairs: what is left makes another lesson, and another model."""
    notes = [note for m in manifests for note in m.get("erased", [])]
    return sorted(
        {note["receipt"] for note in notes if {"sft.parquet", "dpo.parquet", "kto.parquet", "heldout.parquet"} & set(note["files"])}
    )


def content(kind: str, row: Row) -> tuple[str, ...]:
    """What makes two rows the same. A pair turned round, or a vote turned over, is the same question answered anew."""
    if kind == "sft":
        return (chat.key(row["messages"]),)
    if kind == "dpo":
        return (chat.key(row["prompt"]), *sorted((chat.key(row["chosen"]), chat.key(row["rejected"]))))
    return (chat.key(row["prompt"]), chat.key(row["completion"]))


def voice(row: Row) -> tuple:
    """Who said it about what: a user's later word on the same answer replaces the earlier one."""
    return (row["conversation_id"], tuple(row["message_ids"] or ()), row["user_hash"], row["source"])


def newest(kind: str, batches: list[list[Row]], one_answer: frozenset[str] = frozenset()) -> tuple[list[Row], Dropped]:
    """Keep the newest of what was said twice; batches come newest first.

    Tasks in `one_answer` have one right answer to a prompt, so a newer answer to the same prompt replaces the older.
    """
    kept: list[Row] = []
    dropped: Dropped = []
    contents: set[tuple] = set()
    voices: set[tuple] = set()
    prompts: set[tuple] = set()
    for batch in batches:
        said, asked = set(), set()
        for row in batch:
            same = content(kind, row)
            asking = (row["task"], chat.key(row["messages"][:-1])) if kind == "sft" and row["task"] in one_answer else None
            if same in contents:
                dropped.append((row, "duplicate of a newer row"))
            elif row["conversation_id"] and voice(row) in voices:
                dropped.append((row, "replaced by the same user's later word"))
            elif asking in prompts:
                dropped.append((row, "older answer to the same prompt"))
            else:
                kept.append(row)
                contents.add(same)
            said.add(voice(row))
            if asking:
                asked.add(asking)
        # Within one batch `mine` has settled conflicts already: only an older batch yields to this one.
        voices |= said
        prompts |= asked
    return kept, dropped


def apart(rows: list[Row], heldout: list[Row]) -> tuple[list[Row], Dropped]:
    """Nothing of a held-out split is trained on: not its conversations, not its users in that task, not its prompts."""
    conversations = {h["conversation_id"] for h in heldout if h["conversation_id"]}
    users = {(h["task"], h["user_hash"]) for h in heldout if h["user_hash"]}
    prompts = {asked(h["messages"]) for h in heldout}
    kept: list[Row] = []
    dropped: Dropped = []
    for row in rows:
        if row["conversation_id"] in conversations:
            dropped.append((row, "its conversation is held out"))
        elif (row["task"], row["user_hash"]) in users:
            dropped.append((row, "its user is held out"))
        elif asked(prompt(row)) in prompts:
            dropped.append((row, "its prompt is held out"))
        else:
            kept.append(row)
    return kept, dropped


def unsaid(rows: list[Row], taken_back: list[Row]) -> tuple[list[Row], Dropped]:
    """Leave out what was taken back after it had been mined: a conversation's consent (no message named), or one user's vote."""
    conversations = {t["conversation_id"] for t in taken_back if t["message_id"] is None}
    votes = {(t["conversation_id"], t["message_id"], t["user_hash"]) for t in taken_back if t["message_id"] is not None}
    kept: list[Row] = []
    dropped: Dropped = []
    for row in rows:
        said = {(row["conversation_id"], m, row["user_hash"]) for m in row["message_ids"] or ()} if row["source"] == "thumb" else set()
        if row["conversation_id"] in conversations:
            dropped.append((row, "its user took consent back"))
        elif said & votes:
            dropped.append((row, "its user took the vote back"))
        else:
            kept.append(row)
    return kept, dropped


def prompt(row: Row) -> list[Row]:
    return row["prompt"] if "prompt" in row else row["messages"][:-1]


def asked(messages: list[Row]) -> str:
    """A prompt as a reader sees it: case, spaces and the system text make no new question."""
    turns = (f"{m['role']}:{' '.join(str(m['content'] or '').lower().split())}" for m in messages if m["role"] != "system")
    return "\n".join(turns)
