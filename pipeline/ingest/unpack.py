"""Archives of logs: every log in a zip or tar becomes a file of its own, under a name of our choosing and within limits."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from pipeline.errors import BadInput
from pipeline.ingest import zst
from pipeline.ingest.read import ARCHIVES, SUFFIXES

MOST_FILES = 10_000  # logs in one archive: a day of an exporter that writes one file a chat
MOST_BYTES = 64 << 30  # unpacked, all together
MOST_RATIO = 200  # unpacked bytes a packed one: JSON packs 10 to 40 times, a bomb a thousand
FREE_BYTES = 64 << 20  # … but never less than this: a small archive of one text repeated harms nobody
CHUNK = 1 << 20
MOST_PADDING = 64 << 20  # bytes behind a tar's end; the sum of a packed one stands behind them


def damage() -> tuple[type[BaseException], ...]:
    """What readers of archives say to damaged bytes, to unknown packings, and (RuntimeError) to a password."""
    known = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError)
    return (*known, zst.error())


def is_archive(path: Path) -> bool:
    """By its content, where that can tell; a tar inside another packing by its name."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return False
    return (
        head.startswith(b"PK\x03\x04")
        or head.startswith(b"PK\x05\x06")
        or head[257:262] == b"ustar"
        or path.name.lower().endswith(ARCHIVES)
    )


def unpack(path: Path, place: Callable[[str], Path]) -> None:
    """Write every log of the archive to the path that `place` gives for its name; raises BadInput over a limit and for damage."""
    left = min(MOST_BYTES, max(FREE_BYTES, path.stat().st_size * MOST_RATIO))
    count = 0
    try:
        for name, member in _members(path):
            count += 1
            if count > MOST_FILES:
                raise BadInput(f"{path.name}: holds more than {MOST_FILES} logs; unpack it and name the folder")
            with member, place(name).open("xb") as file:
                while chunk := member.read(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise BadInput(
                            f"{path.name}: {name[:80]!r} makes it unpack to more than {MOST_RATIO} times its size; unpack it by hand if that is right"
                        )
                    file.write(chunk)
    except damage() as error:
        raise BadInput(
            f"{path.name}: no readable archive ({str(error)[:120] or type(error).__name__}); pack it again, without a password"
        ) from None
    if not count:
        raise BadInput(f"{path.name}: no log in this archive; looked for *{', *'.join(SUFFIXES)}")


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for one in sorted(packed.infolist(), key=lambda i: i.filename):
                if not one.is_dir() and _wanted(path, one.filename):
                    yield one.filename, packed.open(one)
        return
    if path.name.lower().endswith(".tar.zst"):
        import zstandard

        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as packed:
                yield from _of_tar(path, packed)
        return
    with tarfile.open(path, mode="r:*") as packed:
        yield from _of_tar(path, packed)
        _read_on(path, packed.fileobj)  # gzip, bz2 and xz say only at their end whether the bytes were those that were packed


def _read_on(path: Path, stream: Any) -> None:
    padding = 0
    while chunk := stream.read(CHUNK):
        padding += len(chunk)
        if padding > MOST_PADDING:
            raise BadInput(f"{path.name}: more than {MOST_PADDING >> 20} MiB stand behind the end of its last log; pack it again")


def _of_tar(path: Path, packed: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    """Plain files only: a link could lead anywhere."""
    for one in packed:
        if one.isfile() and _wanted(path, one.name):
            inner = packed.extractfile(one)
            assert inner is not None
            yield one.name, inner


def _wanted(path: Path, name: str) -> bool:
    last = name.replace("\\", "/").rpartition("/")[2]
    if last.startswith((".", "_")) or "__MACOSX" in name:
        return False
    if last.lower().endswith(ARCHIVES):
        raise BadInput(f"{path.name}: holds another archive ({last[:80]!r}); unpack the outer one and name the folder")
    return last.lower().endswith(SUFFIXES)
