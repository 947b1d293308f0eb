"""Passwords and keys open the lake, and stand in no manifest, message or answer."""

import argparse
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from pipeline import lake, lineage
from pipeline import settings as machine
from pipeline.commands import COMMANDS, doctor, look
from pipeline.errors import Permanent, Transient
from pipeline.ingest.run import run as ingest
from pipeline.recipe import Recipe
from tests.cluster import servers
from tests.cluster.conftest import Maker, sql
from tests.ingest.world import conversation, write

pytestmark = pytest.mark.cluster
SECRETS = (servers.PASSWORD, servers.SECRET, quote(servers.PASSWORD))


def silent(text: str) -> None:
    assert not any(secret in text for secret in SECRETS)


def test_a_password_in_the_address_works_and_is_told_to_nobody(
    cluster: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = cluster("postgres+s3")
    assert before.server
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv(
        "EQUIPOISE_LAKE", f"postgresql://postgres:{quote(servers.PASSWORD)}@127.0.0.1:{before.server.port}/{before.server.dbname}"
    )
    settings = machine.load()
    done = ingest([write(tmp_path / "log_2026-11-20.jsonl", conversation(), b"{torn")], Recipe(), settings)
    assert done["stored"] == 1
    told = look.text(look.run(settings, timedelta(0)), False)
    silent(told + repr(settings) + repr(lineage.manifest(settings, done["id"])) + "".join(capfd.readouterr()))
    for path in settings.home.rglob("*"):
        if path.is_file():
            silent(path.read_bytes().decode("utf-8", "replace"))


def test_a_password_file_works(cluster: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = cluster("postgres")
    file = tmp_path / "pgpass"
    file.write_text("*:*:*:*:" + servers.PASSWORD.replace("\\", "\\\\").replace(":", "\\:") + "\n")
    file.chmod(0o600)
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("PGPASSFILE", str(file))
    with lake.connect(settings) as con:
        assert lake.snapshot(con) > 0


def broken(cluster: Maker, monkeypatch: pytest.MonkeyPatch, what: str) -> machine.Settings:
    settings = cluster("postgres+s3")
    assert settings.server
    changes = {
        "the password": ("PGPASSWORD", "wrong-password"),
        "the database": ("EQUIPOISE_LAKE", f"postgres:host=127.0.0.1 port={settings.server.port} user=postgres dbname=nowhere"),
        "the server": ("EQUIPOISE_LAKE", "postgres:host=127.0.0.1 port=1 user=postgres dbname=lake"),
        "the bucket": ("EQUIPOISE_DATA", "s3://no-such-bucket/data"),
        "the store": ("EQUIPOISE_S3_ENDPOINT", "http://127.0.0.1:1"),
        "the key": ("AWS_SECRET_ACCESS_KEY", ""),
    }
    monkeypatch.setenv(*changes[what])
    return machine.load()


BROKEN = {
    "the password": (Permanent, "check user, PGPASSWORD or PGPASSFILE"),
    "the database": (Permanent, "make it with createdb"),
    "the server": (Transient, "cannot be reached"),
    "the bucket": (Permanent, "check that the bucket is there"),
    "the store": (Transient, "does not answer"),
    "the key": (Permanent, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_said_with_the_next_move_and_without_secrets(
    what: str, cluster: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kind, words = BROKEN[what]
    settings = broken(cluster, monkeypatch, what)
    with pytest.raises(kind, match=words) as caught:
        ingest([write(tmp_path / "log_2026-11-20.jsonl", *(conversation(f"c{i}") for i in range(30)))], Recipe(), settings)
    silent(str(caught.value))
    found = doctor._lake(settings, "daily")
    assert found.state == "bad"
    silent(found.said)


def test_a_user_who_may_make_no_table_is_told_so(cluster: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = cluster("postgres+s3")
    assert settings.server and settings.server.port
    port = int(settings.server.port)
    sql(port, f"create user reader_{settings.server.dbname} password 'reader-password'")
    monkeypatch.setenv(
        "EQUIPOISE_LAKE", f"postgres:host=127.0.0.1 port={port} user=reader_{settings.server.dbname} dbname={settings.server.dbname}"
    )
    monkeypatch.setenv("PGPASSWORD", "reader-password")
    found = doctor._lake(machine.load(), "daily")
    assert found.state == "bad" and "permission denied" in found.said


def test_the_doctor_says_where_the_lake_is_and_leaves_nothing_there(cluster: Maker, store: int) -> None:
    settings = cluster("postgres+s3")
    found = doctor._lake(settings, "daily")
    assert found.state == "ok" and settings.data in found.said
    left = servers.client(store).list_objects_v2(Bucket=servers.BUCKET, Prefix=settings.data.removeprefix(f"s3://{servers.BUCKET}/"))
    assert left.get("Contents", []) == []


def test_a_lake_opened_with_other_places_says_which_are_its_own(cluster: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = cluster("postgres+s3")
    with lake.connect(settings):
        pass
    monkeypatch.setenv("EQUIPOISE_DATA", f"{settings.data}/elsewhere")
    with pytest.raises(Permanent, match=f"keeps its files in {settings.data}/, EQUIPOISE_DATA says"):
        with lake.connect(machine.load()):
            pass


def test_looking_at_a_server_makes_no_lake(cluster: Maker) -> None:
    settings = cluster("postgres+s3")
    args = argparse.Namespace(do=None, keep_snapshots=30.0, grace=1.0)
    assert COMMANDS["lake"].run(args, settings)["tables"] == []
    assert COMMANDS["status"].run(argparse.Namespace(), settings)["lake"]["messages"] == 0
    assert not lake.exists(settings)
