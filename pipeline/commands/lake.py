"""The lake's size and health, and its upkeep: `equipoise lake` looks, `equipoise lake compact` tidies up."""

import argparse
import sys
from datetime import timedelta
from typing import Any

from pipeline import lake
from pipeline.commands import compact, look
from pipeline.erase import pause
from pipeline.errors import BadInput
from pipeline.settings import Settings


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    if args.keep_snapshots < 0 or args.grace < 0:
        raise BadInput("--keep-snapshots and --grace count days and hours: write 0 or more")
    if not lake.exists(settings):
        return {"id": None, "tables": [], "text": f"no lake yet in {settings.catalogue or settings.server}: equipoise ingest makes it"}
    grace = timedelta(hours=args.grace)
    if args.do == "compact":
        with pause.beside_others(settings):  # an erasure wants no file written anew while it looks for what is left of a text
            done = compact.run(settings, args.keep_snapshots, grace)
        return {"id": None} | done | {"text": told(done)}
    found = look.run(settings, grace)
    return {"id": None} | found | {"text": look.text(found, sys.stdout.isatty())}


def told(done: dict[str, Any]) -> str:
    """What a compaction did, for a person."""
    before, after = done["before"], done["after"]
    lost = f"; {len(done['lost'])} logs can no longer be mined anew: {', '.join(done['lost'][:3])}" if done["lost"] else ""
    return "\n".join(
        [
            f"files      {before['files']} to {after['files']}, {look.human(before['bytes'])} to {look.human(after['bytes'])}",
            f"rows       {done['flushed_rows']} out of the catalogue into files",
            f"merged     {done['merged_files']} files, {done['rewritten_files']} rewritten without their deleted rows",
            f"versions   {done['expired_versions']} let go{lost}",
            f"removed    {done['removed_files']} old files, {done['removed_orphans']} orphans; {after['waiting']} wait for the next clean-up",
        ]
    )
