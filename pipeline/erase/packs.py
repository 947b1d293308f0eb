"""Raw logs that are packed in shapes of their own, Parquet and archives: unpacked, cleaned and packed again as they were."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

from pipeline.erase.tables import compression
from pipeline.ingest import zst

Pack = Callable[[bytes], bytes]
Row = dict[str, Any]
Clean = Callable[[str, bytes], bytes]
"""Name and bytes of a member to the bytes that stay."""


def stream(data: bytes) -> tuple[Pack, Pack]:
    """How to unpack a stream and how to pack it again, to equal bytes for equal content; told by its first bytes, as ingest tells it."""
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress, lambda plain: gzip.compress(plain, mtime=0)
    if data.startswith(b"BZh"):
        return bz2.decompress, bz2.compress
    if data.startswith(b"\xfd7zXZ\x00"):
        return lzma.decompress, lzma.compress
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        def unpacked(packed: bytes) -> bytes:
            if not zst.is_whole(io.BytesIO(packed)):
                raise EOFError("cut between two blocks")
            with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as reader:
                return reader.read()

        return unpacked, zstandard.ZstdCompressor().compress
    return bytes, bytes


def is_zip(data: bytes) -> bool:
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_tar(data: bytes) -> bool:
    return data[257:262] == b"ustar"


def zipped(data: bytes, clean: Clean) -> bytes:
    """A zip with its members cleaned; one that loses nothing keeps its bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        members = [(one, packed.read(one)) for one in packed.infolist()]
    stay = [(one, before if one.is_dir() else clean(one.filename, before), before) for one, before in members]
    if all(after is before for _, after, before in stay):
        return data
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as anew:
        for one, after, _ in stay:
            anew.writestr(one, after, compress_type=one.compress_type)
    return out.getvalue()


def tarred(data: bytes, clean: Clean) -> bytes:
    """A tar with its files cleaned; what is no plain file stays as it is."""
    out, changed = io.BytesIO(), False
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as packed, tarfile.open(fileobj=out, mode="w", format=packed.format) as anew:
        for one in packed:
            inner = packed.extractfile(one) if one.isfile() else None
            if inner is None:
                anew.addfile(one)
                continue
            before = inner.read()
            after = clean(one.name, before)
            changed = changed or after is not before
            one.size = len(after)
            anew.addfile(one, io.BytesIO(after))
    return out.getvalue() if changed else data


def table(data: bytes, less: Callable[[int, Row], tuple[Row | None, int]]) -> tuple[bytes, int]:
    """A Parquet table without what `less` takes out of its rows, and how much that was. A row that goes leaves an empty one in its
    place, which ingest passes over as it does a blank line: the others keep their numbers. Types and compression stay.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(data))
    found = file.read()
    rows, out = [], 0
    for number, row in enumerate(found.to_pylist(), 1):
        stays, parts = less(number, row)
        rows.append(dict.fromkeys(row) if stays is None else stays)
        out += parts
    if not out:
        return data, 0
    schema = pa.schema([field.with_nullable(True) for field in found.schema], found.schema.metadata)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink, compression=compression(file))
    return sink.getvalue().to_pybytes(), out


def texts(row: Row, less: Callable[[Any], tuple[Any, int]]) -> tuple[Row, int]:
    """A Parquet row whose columns of JSON text lose what `less` takes out of the values in them."""
    out, parts = dict(row), 0
    for column, text in row.items():
        if isinstance(text, str) and text[:1] in ("[", "{"):
            try:
                value, gone = less(json.loads(text))
            except (ValueError, RecursionError):
                continue
            if gone:
                out[column], parts = json.dumps(value, ensure_ascii=False), parts + gone
    return out, parts
