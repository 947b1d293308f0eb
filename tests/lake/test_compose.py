"""The composed cluster says what the settings understand, and gives the lake's secrets to the one service that opens it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import settings as machine

COMPOSE = Path(__file__).parent.parent.parent / "docker" / "compose.yaml"
SECRETS = {"PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


@pytest.fixture
def services() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]


def test_the_worker_s_settings_are_understood(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in services["worker"]["environment"].items():
        if name.startswith(("EQUIPOISE_", "AWS_")):
            monkeypatch.setenv(name, value)
    found = machine.load()
    assert found.server and found.server.host in services and found.server.dbname == services["catalogue"]["environment"]["POSTGRES_DB"]
    assert found.server.user == services["catalogue"]["environment"]["POSTGRES_USER"]
    assert found.data.split("/")[2] == services["objects"]["environment"]["S3_BUCKET"]
    assert found.objects.endpoint and found.objects.endpoint.split(":")[0] in services and found.objects.path_style
    assert {found.server.host, found.objects.endpoint.split(":")[0]} <= set(services["worker"]["depends_on"])


def test_only_the_cpu_worker_holds_the_lake_s_secrets(services: dict[str, Any]) -> None:
    holders = {name for name, service in services.items() if "EQUIPOISE_LAKE" in service.get("environment", {})}
    assert holders == {"worker"}
    assert set(services["worker"]["environment"]) >= SECRETS
    assert not SECRETS & set(services["gpu-worker"]["environment"])


def test_no_secret_has_a_default(services: dict[str, Any]) -> None:
    values = [
        str(v) for s in services.values() for n, v in s.get("environment", {}).items() if "PASSWORD" in n or "KEY" in n or n in SECRETS
    ]
    assert len(values) > 6
    assert all(v.startswith("${") and ":?" in v for v in values)
