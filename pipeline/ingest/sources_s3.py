"""Logs in a bucket: `s3://bucket/key`, a prefix or a glob, from the places that EQUIPOISE_SOURCES allows and no other."""

import fnmatch
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.addresses import scrubbed
from pipeline.errors import BadInput, Permanent, Transient
from pipeline.ingest.read import ARCHIVES, SUFFIXES
from pipeline.settings import Settings

CHUNK = 8 << 20
WILD = "*?["
REFUSALS = ("AccessDenied", "ACCESS_DENIED", "Forbidden", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket")


def fetch(address: str, settings: Settings, place: Callable[[str], Path]) -> None:
    """Copy the logs behind the address to the paths that `place` gives; raises BadInput where it is not allowed or names nothing."""
    _check_allowed(address, settings)
    store = _store(address, settings)
    found = 0
    try:
        for key in _keys(store, address):
            found += 1
            with store.open_input_stream(key) as stream, place(key).open("xb") as file:
                while chunk := stream.read(CHUNK):
                    file.write(chunk)
    except OSError as error:
        raise _said(address, error, settings) from None
    if not found:
        raise BadInput(f"{address}: no log there; looked for *{', *'.join(SUFFIXES)}")


def listed(address: str, settings: Settings) -> list[str]:
    """The addresses of the single logs behind the address, none of them fetched."""
    _check_allowed(address, settings)
    try:
        return [f"s3://{key}" for key in _keys(_store(address, settings), address)]
    except OSError as error:
        raise _said(address, error, settings) from None


def _check_allowed(address: str, settings: Settings) -> None:
    allowed = [place for place in settings.sources if (address + "/").startswith(place.rstrip("/") + "/")]
    if not allowed or ".." in address.split("/"):
        said = ", ".join(settings.sources) or "nothing"
        raise BadInput(f"{address}: EQUIPOISE_SOURCES allows {said}; put the s3:// prefix there (a list with commas) or name a local copy")


def _store(address: str, settings: Settings) -> Any:
    from pyarrow.fs import S3FileSystem

    store = settings.objects
    if not (store.key and store.secret):
        raise Permanent(f"{address}: no key is set for it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return S3FileSystem(
        access_key=store.key,
        secret_key=store.secret,
        session_token=store.token,
        region=store.region,
        endpoint_override=store.endpoint,
        scheme="https" if store.ssl else "http",
        force_virtual_addressing=bool(store.endpoint) and not store.path_style,
        connect_timeout=10,
        request_timeout=60,
    )


def _keys(store: Any, address: str) -> Iterator[str]:
    """bucket/key of every log, in order: the one named, those below a prefix, or those that match a glob."""
    from pyarrow.fs import FileSelector, FileType

    path = address.removeprefix("s3://").rstrip("/")
    wild = any(c in path for c in WILD)
    if not wild and store.get_file_info(path).type == FileType.File:
        yield path
        return
    steady = path
    while any(c in steady for c in WILD):
        steady = steady.rpartition("/")[0]
    if not steady:
        raise BadInput(f"{address}: the bucket must be named in full")
    for one in sorted(store.get_file_info(FileSelector(steady, recursive=True, allow_not_found=True)), key=lambda i: i.path):
        if one.type != FileType.File or one.base_name.startswith((".", "_")):
            continue
        if _matches(one.path, path) if wild else one.base_name.lower().endswith((*SUFFIXES, *ARCHIVES)):
            yield one.path


def _matches(path: str, pattern: str) -> bool:
    """A glob part by part, where ** stands for any number of folders."""
    return _parts_match(path.split("/"), pattern.split("/"))


def _parts_match(parts: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_parts_match(parts[n:], pattern[1:]) for n in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _parts_match(parts[1:], pattern[1:])


def _said(address: str, error: OSError, settings: Settings) -> Permanent | Transient:
    text = " ".join(scrubbed(str(error), settings.objects).split())[:300]
    if isinstance(error, FileNotFoundError) or any(word in text for word in REFUSALS):
        return Permanent(f"{address}: {text}; check that it is there, and what the key may do")
    return Transient(f"{address}: the store did not answer: {text}")
