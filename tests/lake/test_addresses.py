"""Addresses of a cluster: every way of writing them is read alike, and no message holds what is secret in them."""

import pytest

from pipeline import addresses
from pipeline import settings as machine
from pipeline.errors import Permanent

SAME = {
    "words": "postgres:host=db.example port=5433 user=eq dbname=lake password='a b\\'c' sslmode=require",
    "uri": "postgres://eq:a%20b%27c@db.example:5433/lake?sslmode=require",
    "long uri": "postgresql://eq:a%20b%27c@db.example:5433/lake?sslmode=require",
}
UNREADABLE = {
    "no equals sign": "postgres:host=db hunter2secret",
    "an open quote": "postgres:password='hunter2secret",
    "a port that is none": "postgres://eq:hunter2secret@db:port/lake",
    "a word of nobody": "postgres:host=db sslpassword=hunter2secret",
}


@pytest.mark.parametrize("name", SAME)
def test_every_way_of_writing_a_server_is_read_alike(name: str) -> None:
    found = addresses.server(SAME[name])
    assert found == addresses.Server("db.example", "5433", "eq", "lake", "a b'c", (("sslmode", "require"),))


def test_a_server_is_shown_without_its_password() -> None:
    found = addresses.server(SAME["words"])
    assert str(found) == "postgres://eq@db.example:5433/lake"
    assert "a b" not in repr(found)


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_server_is_refused_and_not_repeated(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQUIPOISE_LAKE", UNREADABLE[name])
    with pytest.raises(Permanent, match="EQUIPOISE_LAKE") as caught:
        machine.load()
    assert "hunter2secret" not in str(caught.value)


def test_settings_are_shown_without_any_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQUIPOISE_LAKE", "postgres://eq:hunter2secret@db/lake")
    monkeypatch.setenv("EQUIPOISE_DATA", "s3://bucket/lake/")
    monkeypatch.setenv("EQUIPOISE_USER_KEY", "hunter2secret" * 5)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "hunter2secret")
    found = machine.load()
    assert "hunter2secret" not in repr(found) + str(found.lake) + str(found.__dict__["lake"])
    assert (found.lake, found.data, found.catalogue, found.data_folder) == ("postgres://eq@db/lake", "s3://bucket/lake", None, None)
    assert found.server and found.server.password == found.objects.secret == found.objects.token == "hunter2secret"


@pytest.mark.parametrize("value", ["https://bucket/lake", "gs://bucket/lake", "s3://", "s3://bucket/../other", "s3://key:secret@bucket/x"])
def test_other_places_for_the_files_are_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQUIPOISE_DATA", value)
    with pytest.raises(Permanent, match="EQUIPOISE_DATA"):
        machine.load()


STORES = {
    "AWS": ({}, (None, True, False)),
    "a plain one": ({"EQUIPOISE_S3_ENDPOINT": "http://127.0.0.1:9000/"}, ("127.0.0.1:9000", False, True)),
    "by AWS's name": ({"AWS_ENDPOINT_URL_S3": "https://minio.example"}, ("minio.example", True, True)),
    "ours before AWS's": (
        {"EQUIPOISE_S3_ENDPOINT": "https://ours", "AWS_ENDPOINT_URL": "http://theirs", "EQUIPOISE_S3_URL_STYLE": "vhost"},
        ("ours", True, False),
    ),
}


@pytest.mark.parametrize("name", STORES)
def test_a_store_is_spoken_to_as_the_environment_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables, (endpoint, ssl, path_style) = STORES[name]
    for variable in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    found = machine.load().objects
    assert (found.endpoint, found.ssl, found.path_style) == (endpoint, ssl, path_style)


def test_messages_lose_passwords_whoever_wrote_them() -> None:
    server = addresses.Server(password="hunter2secret")
    text = "could not use hunter2secret at host=x password=other and password='an other' or postgres://u:third@h/d"
    clean = addresses.scrubbed(text, server, addresses.ObjectStore(secret="fourth"), None)
    assert not any(word in clean for word in ("hunter2secret", "other", "third"))
    assert "host=x" in clean and "u:(hidden)@h/d" in clean
