"""PostgreSQL beside the lake: locks that several hosts share, and a look whether a lake is there. DuckDB itself does the rest."""

import contextlib
import hashlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.addresses import Server, scrubbed
from pipeline.errors import Permanent, Transient

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

CONNECT_S = 10
ALIVE = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""A host that vanished gives its locks back within a minute, and a firewall sees traffic on the line of one that waits for hours."""
AGAIN_S = 0.2


def connect(server: Server) -> "Connection":
    """A connection of our own, outside any transaction."""
    try:
        import psycopg2
    except ImportError:
        raise Permanent("EQUIPOISE_LAKE names PostgreSQL and psycopg2 is not installed: pip install 'equipoise[cluster]'") from None
    words = {"connect_timeout": CONNECT_S, "application_name": "equipoise"} | ALIVE | dict(server.rest) | server.words()
    try:
        con = psycopg2.connect(**words)
    except psycopg2.Error as error:
        raise said(str(error), server) from None
    con.autocommit = True
    return con


def said(text: str, server: Server | None) -> Permanent | Transient:
    """What the server's refusal means for whoever is woken: a name or a right that is wrong stays wrong, a server that is away comes back."""
    text = " ".join(scrubbed(text, server).split())
    if "does not exist" in text:
        return Permanent(f"{server}: {text}; make it with createdb and createuser, or mend EQUIPOISE_LAKE")
    if any(words in text for words in ("password", "authentication failed", "no pg_hba.conf entry", "permission denied", "SSL")):
        return Permanent(f"{server}: {text}; check user, PGPASSWORD or PGPASSFILE, and sslmode in EQUIPOISE_LAKE")
    return Transient(f"{server} cannot be reached: {text}; check that it runs and that this host may connect")


@contextlib.contextmanager
def lock(server: Server, what: str, wait_s: float, shared: bool = False) -> Iterator[None]:
    """Only one process of all hosts works under this name at a time; the server frees it when the connection ends, however that is.

    shared: beside others that share it, and never beside one that has it alone.
    """
    with contextlib.closing(connect(server)) as con:
        start = time.monotonic()
        while not _has(con, what, shared):
            if time.monotonic() - start > wait_s:
                raise Transient(f"{what} has been locked by a process of another host for {wait_s:.0f} s; try again when it ends")
            time.sleep(AGAIN_S)
        yield
        _leave(con, what, shared)


@contextlib.contextmanager
def taken(server: Server, what: str) -> Iterator[bool]:
    """Hold this name if no process of any host does: says whether it is ours, and waits for nobody."""
    with contextlib.closing(connect(server)) as con:
        ours = _has(con, what, shared=False)
        yield ours
        if ours:
            _leave(con, what, shared=False)


def _key(what: str) -> int:
    return int.from_bytes(hashlib.sha256(f"equipoise {what}".encode()).digest()[:8], "big", signed=True)


def _has(con: "Connection", what: str, shared: bool) -> bool:
    with con.cursor() as cursor:
        cursor.execute(f"select pg_try_advisory_lock{'_shared' if shared else ''}(%s)", (_key(what),))
        return bool((cursor.fetchone() or (False,))[0])


def _leave(con: "Connection", what: str, shared: bool) -> None:
    import psycopg2

    with contextlib.suppress(psycopg2.Error), con.cursor() as cursor:  # a line that broke has freed the lock already
        cursor.execute(f"select pg_advisory_unlock{'_shared' if shared else ''}(%s)", (_key(what),))


def has_lake(server: Server) -> bool:
    """Whether a lake was made in this database."""
    with contextlib.closing(connect(server)) as con, con.cursor() as cursor:
        cursor.execute("select to_regclass('ducklake_metadata') is not null")
        return bool((cursor.fetchone() or (False,))[0])
