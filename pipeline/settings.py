"""The machine: where things are on this computer, read from EQUIPOISE_* variables once and then frozen."""

import os
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.errors import Permanent


@dataclass(frozen=True)
class Settings:
    """What differs from machine to machine. Nothing here enters a hash by name."""

    home: Path
    """Sealed folders, lake, cache and keys of this installation."""
    config: Path | None
    """Your own recipes/, tasks/, suites/ and heldout/, laid over the shipped ones."""
    inbox: str
    """Where a day's logs are: a folder, a glob, or a template with {day}."""
    model: str | None
    """Folder of the origin: the fixed reference and the starting weights."""
    lake: str
    """Catalogue of the lake: `sqlite:` inside home, or `sqlite:/path/to/catalog.sqlite`."""
    data: str
    """Folder of the lake's Parquet files."""
    python: str
    """Interpreter of the child process that runs a stage."""
    gpu_executor: str | None
    gpu_queue: str | None
    lm_url: str | None
    """OpenAI-compatible address of the champion as it is served, shown by `status`; nothing is sent there yet."""
    notify_url: str | None
    """Webhook told about block, hold, approval wanted and failure."""
    user_key: str | None
    """Key of the user hashes; without it a key file is made in home/keys (mode 0600)."""

    def inbox_of(self, day: date) -> str:
        """Where a day's logs are: the template with the day put in, else the files of the inbox folder that name the day."""
        if "{day}" in self.inbox:
            return self.inbox.replace("{day}", day.isoformat())
        return self.inbox if any(c in self.inbox for c in "*?[") else f"{self.inbox}/*{day.isoformat()}*"

    @property
    def catalogue(self) -> Path:
        return Path(self.lake.removeprefix("sqlite:") or self.home / "lake" / "catalog.sqlite")


def load() -> Settings:
    """Read the environment. Values that this version cannot serve are refused here, by name."""

    def env(name: str) -> str | None:
        return os.environ.get(f"EQUIPOISE_{name}") or None  # noqa: TID251 - the one place that reads the environment

    home = Path(env("HOME") or "home").expanduser().resolve()
    lake, data, store = env("LAKE") or "sqlite:", env("DATA") or str(home / "lake" / "data"), env("STORE")
    if not lake.startswith("sqlite:"):
        raise Permanent(
            f"EQUIPOISE_LAKE is {lake.split(':')[0]}:…, this version keeps its catalogue in sqlite: only; unset it or write sqlite:/path/to/catalog.sqlite"
        )
    for name, value in (("DATA", data), ("STORE", store or "")):
        if "://" in value:
            raise Permanent(
                f"EQUIPOISE_{name} is an address ({value.split('://')[0]}://…), this version keeps its files in local folders only; unset it or name a folder"
            )
    if store and Path(store).resolve() != home:
        raise Permanent(f"EQUIPOISE_STORE is {store}, this version keeps sealed folders in EQUIPOISE_HOME ({home}); unset it")
    config = env("CONFIG")
    return Settings(
        home=home,
        config=Path(config).expanduser().resolve() if config else None,
        inbox=env("INBOX") or str(home / "inbox"),
        model=env("MODEL"),
        lake=lake,
        data=data,
        python=env("PYTHON") or sys.executable,
        gpu_executor=env("GPU_EXECUTOR"),
        gpu_queue=env("GPU_QUEUE"),
        lm_url=env("LM_URL"),
        notify_url=env("NOTIFY_URL"),
        user_key=env("USER_KEY"),
    )


def child_environment(**more: str) -> dict[str, str]:
    """This process's environment for a child, with the hub switched off and `more` on top."""
    # Threads that wait asleep: on cores that others use too, spinning ones made training three times slower (measured).
    idle = {"OMP_WAIT_POLICY": "PASSIVE"}
    return idle | dict(os.environ) | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"} | more  # noqa: TID251
