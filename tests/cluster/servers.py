"""A real PostgreSQL from Debian's packages and a real S3 server from PyPI, each on a loopback port of its own in a temporary folder."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PASSWORD = "a pass'word \\ of words"  # with everything that a connection string has to quote
KEY, SECRET = "key-of-the-store", "secret-of-the-store"
BUCKET = "lake"
UP_WITHIN_S = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def postgres_binaries() -> Path | None:
    """Debian keeps them off PATH, in a folder per version."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((p for p in reversed(found) if (p / "initdb").exists() and (p / "postgres").exists()), None)


def _as_somebody() -> list[str]:
    """PostgreSQL refuses to run as root: then it runs as the user that its package made."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """A server with passwords on; gives its port."""
    binaries, who, port = postgres_binaries(), _as_somebody(), free_port()
    assert binaries is not None
    folder.mkdir()
    (folder / "password").write_text(PASSWORD)
    if who:
        owner = pwd.getpwnam("postgres")
        for place in (folder, folder / "password"):
            os.chown(place, owner.pw_uid, owner.pw_gid)
        for place in folder.parents:  # pytest's folders are their owner's alone
            if place.stat().st_uid == 0 and not place.stat().st_mode & 0o001:
                place.chmod(place.stat().st_mode | 0o011)
    words = [
        "-D",
        str(folder / "db"),
        "-A",
        "scram-sha-256",
        "-U",
        "postgres",
        f"--pwfile={folder / 'password'}",
        "--no-sync",
        "-E",
        "UTF8",
    ]
    subprocess.run([*who, str(binaries / "initdb"), *words, "--locale=C"], cwd="/", check=True, capture_output=True)
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "max_connections": "200"}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("w") as log:
        command = [*who, str(binaries / "postgres"), "-D", str(folder / "db"), "-p", str(port), *options]
        server = subprocess.Popen(command, cwd="/", stdout=log, stderr=log)
    with _ended(server):
        _wait(port, server)
        _answers(port)
        yield port


def _answers(port: int) -> None:
    """It listens before it lets anybody in."""
    import psycopg2

    deadline = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user="postgres", password=PASSWORD).close()
            return
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def store() -> Iterator[int]:
    """An S3 server with one empty bucket; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with _ended(server):
        _wait(port, server)
        client(port).create_bucket(Bucket=BUCKET)
        yield port


def client(port: int) -> Any:
    """The store as AWS's own client sees it."""
    import boto3

    return boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
    )


@contextlib.contextmanager
def _ended(server: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert server.poll() is None, "the server ended before it listened"
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.1)
