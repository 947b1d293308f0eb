"""Where the lake's catalogue and files are: addresses read apart, and their passwords kept where no message or print finds them."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from pipeline.errors import Permanent

WORD = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)")
PLACE = ("host", "port", "user", "dbname", "password")
REST = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "channel_binding", "connect_timeout", "application_name",
        "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "target_session_attrs", "gssencmode")  # fmt: skip
HIDDEN = "(hidden)"
SHORTEST = 4  # a secret of fewer characters would blank out half of a message


@dataclass(frozen=True)
class Server:
    """A PostgreSQL database in libpq's words. What is None, libpq takes from PGHOST, PGPASSFILE and their like."""

    host: str | None = None
    port: str | None = None
    user: str | None = None
    dbname: str | None = None
    password: str | None = field(default=None, repr=False)
    rest: tuple[tuple[str, str], ...] = ()
    """Further words that hold no secret, like sslmode."""

    def __str__(self) -> str:
        """For a person: everything but the password."""
        place = f"{self.user}@" if self.user else ""
        return f"postgres://{place}{self.host or ''}{f':{self.port}' if self.port else ''}/{self.dbname or ''}"

    def words(self) -> dict[str, str]:
        """Host, port, user, database and password, as far as they were given."""
        return {name: value for name in PLACE if (value := getattr(self, name))}


@dataclass(frozen=True)
class ObjectStore:
    """How an S3-compatible store is spoken to; which bucket is said by the address that uses it."""

    key: str | None = None
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    endpoint: str | None = None
    """host:port without scheme; None = AWS."""
    ssl: bool = True
    region: str = "us-east-1"
    path_style: bool = False
    """bucket as the first part of the path, not of the host: what most stores beside AWS want."""


def server(address: str) -> Server | None:
    """The database of `postgres:dbname=… host=…`, `postgres://…` or `postgresql://…`; None where the address is another kind."""
    if not address.startswith(("postgres:", "postgresql:")):
        return None
    words = _of_uri(address) if "://" in address.partition("=")[0] else _of_words(address.split(":", 1)[1])
    unknown = sorted(set(words) - {*PLACE, *REST})
    if unknown:
        raise Permanent(f"EQUIPOISE_LAKE: {unknown[0]} is no word that is understood here; known are {', '.join((*PLACE, *REST))}")
    return Server(**{n: words[n] for n in PLACE if words.get(n)}, rest=tuple((n, words[n]) for n in REST if n in words))


def _of_uri(address: str) -> dict[str, str]:
    try:
        parts = urlsplit(address)
        found = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password, "dbname": parts.path[1:]}
        words = {name: unquote(str(value)) for name, value in found.items() if value}
        return words | dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise Permanent(_unreadable("postgres://user@host:5432/database?sslmode=require")) from None


def _of_words(text: str) -> dict[str, str]:
    words, at = {}, 0
    while found := WORD.match(text, at):
        quoted, plain = found.group(2), found.group(3)
        words[found.group(1)] = re.sub(r"\\(.)", r"\1", plain if quoted is None else quoted)
        at = found.end()
    if text[at:].strip():
        raise Permanent(_unreadable("postgres:dbname=lake host=db.example user=equipoise"))
    return words


def _unreadable(example: str) -> str:
    return f"EQUIPOISE_LAKE names PostgreSQL and cannot be read (its text is not shown: it may hold a password); write it like {example}, the password in PGPASSWORD or PGPASSFILE"


def object_store(
    key: str | None, secret: str | None, token: str | None, endpoint: str | None, region: str | None, style: str | None
) -> ObjectStore:
    """The store of these settings. An endpoint of its own is spoken to by path unless `style` says vhost."""
    if style not in (None, "path", "vhost"):
        raise Permanent(f"EQUIPOISE_S3_URL_STYLE is {style!r}; write path or vhost, or unset it")
    scheme, _, place = (endpoint or "").rpartition("://")
    if scheme not in ("", "http", "https") or "/" in place.rstrip("/") or "@" in place:
        raise Permanent("EQUIPOISE_S3_ENDPOINT is no endpoint; write it like https://minio.example:9000, without user, bucket or path")
    path_style = style == "path" or (style is None and bool(place))
    return ObjectStore(key, secret, token, place.rstrip("/") or None, scheme != "http", region or "us-east-1", path_style)


def folder(value: str, name: str) -> str:
    """An `s3://bucket/prefix` address without its last slash; anything else with a scheme is refused by name."""
    scheme, _, place = value.partition("://")
    if scheme != "s3" or not place.split("/")[0]:
        raise Permanent(
            f"EQUIPOISE_{name} is an address ({scheme}://…) that is not served here; write s3://bucket/prefix or a local folder"
        )
    if any(c in place for c in "*?[]@") or ".." in place.split("/"):
        raise Permanent(f"EQUIPOISE_{name}: a bucket and a prefix of plain names are expected, like s3://bucket/lake")
    return value.rstrip("/")


def bucket(address: str) -> str:
    """The bucket of an s3:// address, with the slashes that end it."""
    return "s3://" + address.removeprefix("s3://").split("/")[0] + "/"


def scrubbed(text: str, *places: Server | ObjectStore | None) -> str:
    """A message of the engine without any secret of ours; connection words that hold a password lose it whoever wrote them."""
    secrets = [s for p in places if p for s in (getattr(p, n, None) for n in ("password", "secret", "token")) if s and len(s) >= SHORTEST]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = re.sub(r"(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)", rf"\1{HIDDEN}", text)
    return re.sub(r"(\w+://[^\s:/@]*:)[^\s@]+@", rf"\1{HIDDEN}@", text)
