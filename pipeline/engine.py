"""DuckDB's parts for the lake: extensions out of packages, keys handed over as values, the fence, and what its refusals mean."""

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import postgres
from pipeline.addresses import bucket, scrubbed
from pipeline.errors import EquipoiseError, Permanent, Transient
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

AWAY = (
    "error for HTTP",
    "HTTP Error",
    "Unable to connect to Postgres",
    "server closed the connection",
    "terminating connection",
    "connection to server",
    "could not receive data from server",
    "SSL SYSCALL error",
    "permission denied for",
)
"""What the engine says when the server or the store of a cluster does not answer, or says no."""


def extension(con: "Connection", name: str) -> None:
    """Load a signed extension out of its package: nothing is downloaded at run time."""
    try:
        package = importlib.metadata.distribution(f"duckdb-extension-{name.replace('_', '-')}")
    except importlib.metadata.PackageNotFoundError:
        raise Permanent(
            f"the package duckdb-extension-{name.replace('_', '-')} is not installed: pip install 'equipoise[cluster]' for a lake on PostgreSQL or S3"
        ) from None
    for file in package.files or []:
        if file.name == f"{name}.duckdb_extension":
            con.execute(f"load '{quoted(Path(str(package.locate_file(file))))}'")
            return
    raise Permanent(f"the package duckdb-extension-{name} holds no {name}.duckdb_extension: install the versions of the lock")


def quoted(path: Path | str) -> str:
    return str(path).replace("'", "''")


def fence(con: "Connection", settings: Settings) -> None:
    """From here on files outside the lake's own places are refused, new servers too, and nothing can be switched back."""
    places = [settings.home, settings.catalogue and settings.catalogue.parent, f"{settings.data}/"]
    con.execute("set allowed_directories = $allowed", {"allowed": [str(p) for p in places if p]})
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")


def secrets(con: "Connection", settings: Settings) -> None:
    """Hand passwords and keys over as values: no statement's text holds one, so no message can repeat it."""
    if settings.server:
        words = settings.server.words()
        given = "".join(f", {name} ${name}" for name in words)
        con.execute(f"create secret catalogue (type postgres{given})", words)
    if settings.data_folder is None:
        store = settings.objects
        if not (store.key and store.secret):
            raise Permanent(
                f"EQUIPOISE_DATA is {settings.data} and no key for it is set: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and EQUIPOISE_S3_ENDPOINT for a store that is not AWS)"
            )
        said = {
            "key_id": store.key,
            "secret": store.secret,
            "region": store.region,
            "use_ssl": store.ssl,
            "url_style": "path" if store.path_style else "vhost",
            "scope": bucket(settings.data),
        }
        said |= {name: value for name, value in (("session_token", store.token), ("endpoint", store.endpoint)) if value}
        con.execute(f"create secret files (type s3{''.join(f', {name} ${name}' for name in said)})", said)


def is_away(error: Exception) -> bool:
    """Whether the error is of a server or store that did not answer."""
    return any(words in str(error) for words in AWAY)


def away(error: Exception, settings: Settings) -> EquipoiseError:
    """A server or a store that does not answer comes back; one that says no will say so again."""
    text = " ".join(scrubbed(str(error), settings.server, settings.objects).split())
    if "error for HTTP" not in text and "HTTP Error" not in text:
        return postgres.said(text, settings.server)
    if any(code in text for code in (" 403", " 404", "Forbidden", "Not Found", "NoSuchBucket")):
        return Permanent(f"{settings.data}: {text[:300]}; check that the bucket is there, and what the key may do")
    return Transient(f"{settings.data} does not answer: {text[:300]}")
