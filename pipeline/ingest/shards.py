"""One day's files shared out among processes: `equipoise ingest PATH… --shard 2/4` takes every fourth file from the second on."""

import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from pipeline.errors import BadInput
from pipeline.ingest import formats, read, sources_s3, unpack
from pipeline.ingest.read import File
from pipeline.settings import MOST_SHARDS, Settings


def of(paths: Iterable[str | Path], words: str, settings: Settings) -> list[str]:
    """The files that are this shard's, by their rank among all; a database is one file of that count.

    A file that comes or goes while the shards start may be taken twice or by nobody: taking it twice is harmless, and the
    `ingest` of the whole that follows the shards takes what is left.
    """
    at, shards = _numbers(words)
    named = sorted({one for path in map(str, paths) for one in _expanded(path, settings)})
    together = [one for one in named if _belongs_to_others(one)]
    return [one for one in named if one not in together][at - 1 :: shards] + (together if at == 1 else [])


def threads(words: str | None) -> int | None:
    """Threads of one shard: its part of the cores, for the others run beside it. None where there are no others."""
    return max(1, (os.cpu_count() or 1) // _numbers(words)[1]) if words else None


def _numbers(words: str) -> tuple[int, int]:
    at, _, shards = words.partition("/")
    if not (at.isdecimal() and shards.isdecimal() and 1 <= int(at) <= int(shards) <= MOST_SHARDS):
        raise BadInput(f"--shard {words}: write it like 2/4, the second of four; at most {MOST_SHARDS}")
    return int(at), int(shards)


def _belongs_to_others(path: str) -> bool:
    """Whether this is one file of an export whose files tell one story, like scores beside observations: the first shard reads them all."""
    place = Path(path)
    if path.startswith(("s3://", "postgres:")) or unpack.is_archive(place):
        return False
    one = formats.foreign().get(formats.of(File(place, "", date.min, dated=False)))
    return one is not None and one.gathers


def _expanded(path: str, settings: Settings) -> list[str]:
    if path.startswith("s3://"):
        return sources_s3.listed(path, settings)
    if path.startswith("postgres:"):
        return [path]
    return [str(one) for one in read.expanded(path)]
