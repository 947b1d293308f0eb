"""The book of decisions: who put what in service, when and why; one line each in a hash chain. Pure; run.py writes it."""

from pipeline.chain import Record, broken, last_line, line, read, whole

__all__ = ["Record", "broken", "holds", "last_line", "line", "read", "rejected", "repeated", "undone", "whole"]

BOOKKEEPING = ("n", "prev")


def holds(entries: list[Record], record: Record) -> bool:
    """Whether this very decision is on record."""
    return any({k: v for k, v in e.items() if k not in BOOKKEEPING} == record for e in entries)


def rejected(entries: list[Record], report: str) -> Record | None:
    """The no that stands for a report, unless a later yes took it back."""
    about = [e for e in entries if e.get("report") == report and e.get("action") in ("promote", "reject")]
    return about[-1] if about and about[-1]["action"] == "reject" else None


def undone(entries: list[Record], release: str) -> Record | None:
    """The rollback that took a release out of service, unless it was put back since."""
    about = [
        e for e in entries if e.get("release") == release or (e["action"] == "rollback" and (e.get("from") or {}).get("release") == release)
    ]
    return about[-1] if about and about[-1].get("release") != release else None


def repeated(entries: list[Record], release: str, by: str | None, note: str | None) -> bool:
    """Whether the same word was given before and has not been undone: saying it twice is saying it once."""
    said = [e for e in entries if e["action"] == "promote" and e.get("release") == release]
    return bool(said) and not undone(entries, release) and any(by is None or (e["who"], e["note"]) == (by, note) for e in said)
