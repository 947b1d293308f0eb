"""The log formats that this version reads: what of each tool's export is read, what it carries, and what it cannot say."""

import argparse
from textwrap import fill
from typing import Any

from pipeline.ingest import formats
from pipeline.settings import Settings

OWN: list[dict[str, Any]] = [
    {
        "name": "native",
        "reads": "JSONL of contracts.md: one conversation, or one late event, a line (docs/logs.md)",
        "carries": ["everything"],
        "cannot": [],
        "aliases": [],
        "detected": True,
    },
    {
        "name": "hotfix",
        "reads": 'JSONL of {"task", "messages", "answer", "rejected"?, "note"?}; only with --format hotfix or by `equipoise hotfix`',
        "carries": ["messages", "the right answer", "a rejected one", "task"],
        "cannot": ["conversation, user, model, times", "locale", "consent (an operator's own words)"],
        "aliases": [],
        "detected": False,
    },
]


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    found = [*OWN, *(_row(one) for _, one in sorted(formats.foreign().items()))]
    return {"formats": found, "text": text(found)}


def _row(one: formats.Format) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in ("name", "reads")}
    return row | {
        "carries": list(one.carries),
        "cannot": list(one.cannot),
        "aliases": list(one.aliases),
        "tables": list(one.tables),
        "detected": True,
    }


def text(found: list[dict[str, Any]]) -> str:
    """The same for a person at a terminal."""
    lines = []
    for one in found:
        lines.append(f"{one['name']}" + (f"  (also {', '.join(one['aliases'])})" if one["aliases"] else ""))
        for label, said in (
            ("reads", one["reads"]),
            ("carries", "; ".join(one["carries"])),
            ("cannot say", "; ".join(one["cannot"]) or "-"),
        ):
            lines.append(fill(said, width=110, initial_indent=f"  {label:<11}", subsequent_indent=" " * 13))
    lines.append("Every format but hotfix is found out from a file's first lines; --format NAME forces one.")
    return "\n".join(lines)
