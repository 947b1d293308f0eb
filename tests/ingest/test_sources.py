"""Archives are opened within limits and without trust, and nothing that was fetched stays behind."""

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from pipeline.errors import BadInput
from pipeline.ingest import sources, unpack
from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.ingest.exports import SAMPLES, logs
from tests.ingest.world import conversation, rows

LINE = json.dumps(conversation()).encode() + b"\n"


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def tarred(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as packed:
        for name, content in members.items():
            one = tarfile.TarInfo(name)
            one.size = len(content)
            packed.addfile(one, io.BytesIO(content))
    return path


def tar_zst(path: Path, members: dict[str, bytes]) -> Path:
    path.write_bytes(zstandard.compress(tarred(path.with_suffix(".plain"), members, "w").read_bytes()))
    return path


KINDS: dict[str, Callable[[Path, dict[str, bytes]], Path]] = {
    "export.zip": zipped,
    "export.tar.gz": tarred,
    "export.tgz": tarred,
    "export.tar": lambda path, members: tarred(path, members, "w"),
    "export.tar.zst": tar_zst,
    "unnamed": zipped,
}


def texts(paths: list[Path], home: Settings) -> list[tuple[str, bytes]]:
    with sources.files(paths, None, home) as files:
        return [(f.name, f.path.read_bytes()) for f in files]


@pytest.mark.parametrize("name", KINDS)
def test_every_log_in_an_archive_is_a_file_of_its_own(home: Settings, tmp_path: Path, name: str) -> None:
    members = {
        "a/log_2026-11-20.jsonl": LINE,
        "b/log_2026-11-21.jsonl": LINE,
        "README.txt": b"x",
        "a/.hidden.jsonl": b"x",
        "__MACOSX/a.jsonl": b"x",
    }
    path = KINDS[name](tmp_path / name, members)
    with sources.files([path], None, home) as files:
        assert [(f.name, str(f.day)) for f in files] == [("log_2026-11-20.jsonl", "2026-11-20"), ("log_2026-11-21.jsonl", "2026-11-21")]
    assert texts([path], home) == [("log_2026-11-20.jsonl", LINE), ("log_2026-11-21.jsonl", LINE)]


def test_an_export_in_an_archive_in_a_folder_is_one_export(home: Settings, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    zipped(tmp_path / "exports" / "langfuse.zip", {p.name: p.read_bytes() for p in logs(SAMPLES / "langfuse")})
    first = run([tmp_path / "exports"], Recipe(), home, day="2026-11-20")
    assert (first["stored"], first["quarantined"], len(rows(home, "feedback"))) == (2, 0, 4)
    again = run([tmp_path / "exports"], Recipe(), home, day="2026-11-20")
    assert (again["id"], again["stored"], again["updated"]) == (first["id"], 0, 0)


NAMES = [
    "../../evil.jsonl",
    "/etc/evil.jsonl",
    "..\\evil.jsonl",
    "a/../../evil.jsonl",
    "C:\\evil.jsonl",
    "a\n/evil\r.jsonl",
    "x" * 300 + ".jsonl",
]


@pytest.mark.parametrize("kind", ["export.zip", "export.tar.gz"])
def test_no_name_leads_out_of_the_private_folder(home: Settings, tmp_path: Path, kind: str) -> None:
    path = KINDS[kind](tmp_path / kind, dict.fromkeys(NAMES, LINE))
    with sources.files([path], None, home) as files:
        inside = (home.home / "work" / "sources").resolve()
        assert len(files) == len(NAMES) and all(f.path.resolve().is_relative_to(inside) for f in files)
    assert not list(tmp_path.rglob("*evil*"))


def test_a_link_in_a_tar_is_no_log(home: Settings, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as packed:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            one = tarfile.TarInfo(f"{kind.decode()}.jsonl")
            one.type, one.linkname = kind, "/etc/passwd"
            packed.addfile(one)
    with pytest.raises(BadInput, match="no log in this archive"):
        texts([tmp_path / "x.tar"], home)


def test_what_an_archive_unpacks_to_is_limited(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "FREE_BYTES", 1 << 16)
    with pytest.raises(BadInput, match="more than 200 times its size"):
        texts([zipped(tmp_path / "bomb.zip", {"x.jsonl": b" " * (64 << 20)})], home)
    monkeypatch.setattr(unpack, "MOST_FILES", 3)
    with pytest.raises(BadInput, match="more than 3 logs"):
        texts([zipped(tmp_path / "many.zip", {f"{n}.jsonl": LINE for n in range(4)})], home)


BAD = {
    "cut": lambda path: path.write_bytes(zipped(path, {"x.jsonl": LINE * 100}).read_bytes()[:-60]),
    "a cut tar": lambda path: path.write_bytes(tarred(path, {"x.jsonl": os.urandom(9000)}).read_bytes()[:3000]),
    "an archive inside": lambda path: zipped(path, {"inner.zip": b"PK"}),
    "nothing inside": lambda path: zipped(path, {"notes.txt": b"x"}),
    "a wrong sum": lambda path: path.write_bytes(zipped(path, {"x.jsonl": b"A" * 50}).read_bytes().replace(b"\x73\x74", b"\x73\x75", 1)),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_archive_is_refused_by_name_and_nothing_of_it_is_stored(home: Settings, tmp_path: Path, name: str) -> None:
    path = tmp_path / ("x.tar.gz" if "tar" in name else "x.zip")
    BAD[name](path)
    with pytest.raises(BadInput, match=path.name):
        run([path], Recipe(), home, day="2026-11-20")


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
    "tar.zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_turned_bit_anywhere_in_a_packed_tar_is_found(packing: str, home: Settings, tmp_path: Path) -> None:
    """Also where its own stream would give other words without a complaint: the sum behind the last log says so."""
    text = b"".join(json.dumps({"conversation_id": f"c{n}"}).encode() + b"\n" for n in range(300))
    whole = PACKINGS[packing](tarred(tmp_path / "x.tar", {"x.jsonl": text}, mode="w").read_bytes())
    path = tmp_path / f"x.{packing}"
    path.write_bytes(whole)
    assert [found for _, found in texts([path], home)] == [text]
    for at in range(40, len(whole) - 20, len(whole) // 12):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(BadInput, match=f"{path.name}: no readable archive"):
            texts([path], home)


def test_a_tar_with_no_end_behind_its_end_is_refused(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST_PADDING", 1 << 21)
    path = tarred(tmp_path / "x.tar", {"x.jsonl": LINE}, "w")
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(path.read_bytes() + bytes(1 << 23)))
    with pytest.raises(BadInput, match="more than 2 MiB stand behind the end of its last log"):
        texts([tmp_path / "x.tar.gz"], home)


def test_nothing_that_was_fetched_stays_behind(home: Settings, tmp_path: Path) -> None:
    place = home.home / "work" / "sources"
    dead = place / "999999999-killed" / "000000"
    dead.mkdir(parents=True)
    (dead / "private.jsonl").write_bytes(LINE)
    with sources.files([zipped(tmp_path / "x.zip", {"x.jsonl": LINE})], None, home):
        (own,) = place.iterdir()
        assert own.name.startswith(f"{os.getpid()}-") and own.stat().st_mode & 0o077 == 0
    assert not list(place.iterdir())


def test_an_address_that_is_not_served_is_refused(home: Settings) -> None:
    for address, words in (
        ("https://example.com/x.jsonl", "local paths, s3://"),
        ("s3://bucket/x.jsonl", "EQUIPOISE_SOURCES allows nothing"),
        ("postgres:shop", "EQUIPOISE_SOURCE_SHOP"),
    ):
        with pytest.raises(BadInput, match=words):
            run([address], Recipe(), home)
