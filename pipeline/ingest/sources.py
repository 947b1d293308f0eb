"""Where logs come from: local paths as they are; buckets, databases and archives through a private folder that is gone afterwards."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from pipeline.errors import BadInput
from pipeline.ingest import read, sources_postgres, sources_s3, unpack
from pipeline.ingest.read import File
from pipeline.settings import Settings


@contextlib.contextmanager
def files(paths: Iterable[str | Path], day: date | None, settings: Settings) -> Iterator[list[File]]:
    """The log files behind paths, folders, globs, `s3://…` and `postgres:NAME`, archives opened. What was fetched lives as long as the block."""
    with _private(settings) as folder:
        fetched: list[Path] = []

        def place(name: str) -> Path:
            """A place of our own choosing for a file of that name: no name leads out of the folder."""
            inner = folder / f"{len(fetched):06d}"
            inner.mkdir()
            fetched.append(inner / plain(name))
            return fetched[-1]

        logs: list[Path] = []
        for path in map(str, paths):
            if path.startswith("s3://"):
                sources_s3.fetch(path, settings, place)
            elif path.startswith("postgres:"):
                sources_postgres.fetch(path, settings, place)
            elif "://" in path:
                raise BadInput(
                    f"{path}: logs are read from local paths, s3:// and postgres:NAME only; fetch it first and name the local file"
                )
            else:
                logs += read.expanded(path)
        archives = [p for p in [*logs, *fetched] if unpack.is_archive(p)]
        for archive in archives:
            unpack.unpack(archive, place)
        yield read.files([p for p in [*logs, *fetched] if p not in archives], day)


def plain(name: str) -> str:
    """The last part of a name, as a file name that any system takes."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in last).lstrip(".")
    return kept[-200:] or "unnamed"  # from the end: the suffix stays


@contextlib.contextmanager
def _private(settings: Settings) -> Iterator[Path]:
    """A folder of this process, readable by nobody else; those of processes that were killed go first."""
    above = settings.home / "work" / "sources"
    above.mkdir(parents=True, exist_ok=True)
    above.chmod(0o700)
    for old in above.iterdir():
        owner = old.name.partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=above))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
