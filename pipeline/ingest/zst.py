"""Is a .zst file whole? Its decompressor takes a file that was cut between two blocks for one that ends there, and says nothing.

Only the headers of frames and blocks are looked at (RFC 8878, section 3.1), so a check costs a few bytes for every 128 KiB.
"""

from typing import BinaryIO

MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPABLE = b"\x2a\x4d\x18"  # after a first byte of 0x50 to 0x5f
RLE = 1  # a block that repeats one byte says how often, and holds it once


def error() -> type[Exception]:
    """What the decompressor raises for damaged bytes."""
    import zstandard

    return zstandard.ZstdError


def is_whole(file: BinaryIO) -> bool:
    """Whether the last frame that begins in the file also ends in it. What is no frame at all is for the decompressor to refuse."""
    while magic := file.read(4):
        if magic == MAGIC:
            if not _frame(file):
                return False
        elif magic[1:] == SKIPPABLE:
            size = file.read(4)
            if len(size) < 4 or not _skip(file, int.from_bytes(size, "little")):
                return False
        else:
            return len(magic) == 4
    return True


def _frame(file: BinaryIO) -> bool:
    descriptor = file.read(1)
    if not descriptor:
        return False
    flags = descriptor[0]
    is_single, has_sum = bool(flags & 0x20), bool(flags & 0x04)
    content = (1 if is_single else 0, 2, 4, 8)[flags >> 6]
    if not _skip(file, (0 if is_single else 1) + (0, 1, 2, 4)[flags & 0x03] + content):
        return False
    last = False
    while not last:
        block = int.from_bytes(header := file.read(3), "little")
        if len(header) < 3 or not _skip(file, 1 if block >> 1 & 0x03 == RLE else block >> 3):
            return False
        last = bool(block & 1)
    return _skip(file, 4 if has_sum else 0)


def _skip(file: BinaryIO, size: int) -> bool:
    """Go on by so many bytes; whether the file has them."""
    if not size:
        return True
    file.seek(size - 1, 1)
    return len(file.read(1)) == 1
