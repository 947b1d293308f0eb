"""Forget users, and whatever is due: consent that was withdrawn, and logs that are older than the recipe keeps them."""

import argparse
from pathlib import Path
from typing import Any

from pipeline import recipe
from pipeline.erase import run as erase
from pipeline.errors import BadInput
from pipeline.settings import Settings


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    names = list(dict.fromkeys([*args.user, *(_read(args.users) if args.users else [])]))
    if sum((bool(args.user or args.users), args.due, args.finish)) != 1:
        raise BadInput("say what is to be forgotten: --user U (or --users FILE, one id a line), --due, or --finish")
    if args.finish:
        return _several(erase.finish(settings), "nothing was left open")
    if args.due:
        limit = recipe.load(settings, args.recipe).retention
        return _several(erase.due(settings, limit), "nothing is due")
    if not all(name.strip() for name in names):
        raise BadInput("--user is empty; give the id as the logs write it")
    if any(name in args.reason for name in names):
        raise BadInput("--reason names the user; it is kept in the receipt, which must name nobody: write why, not who")
    return erase.users(settings, names, args.reason, listed=Path(args.users) if args.users else None)


def _several(receipts: list[dict[str, Any]], nothing: str) -> dict[str, Any]:
    """The newest receipt's id, or none."""
    if not receipts:
        return {"id": None, "receipts": [], "text": nothing}
    return {"id": receipts[-1]["id"], "receipts": receipts, "text": "\n".join(r["id"] for r in receipts)}


def _read(file: str) -> list[str]:
    try:
        names = erase.read(Path(file))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: {error}; give a text file with one user id a line") from None
    if not names:
        raise BadInput(f"{file} names no user; write one id a line")
    return names
