"""The machine: where things are on this computer, read from EQUIPOISE_* variables once and then frozen."""

import os
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pipeline import addresses
from pipeline.addresses import ObjectStore, Server
from pipeline.errors import Permanent

MOST_SHARDS = 64  # each is a process with a connection or two of its own; a PostgreSQL allows 100 unless told otherwise


@dataclass(frozen=True)
class Settings:
    """What differs from machine to machine. Nothing here enters a hash by name."""

    home: Path
    """Sealed folders, lake, cache and keys of this installation."""
    config: Path | None
    """Your own recipes/, tasks/, suites/ and heldout/, laid over the shipped ones."""
    inbox: str
    """Where a day's logs are: a folder, a glob, a template with {day}, s3://… or postgres:NAME."""
    model: str | None
    """Folder of the origin: the fixed reference and the starting weights."""
    lake: str
    """Catalogue of the lake, fit to be shown: `sqlite:` inside home, `sqlite:/path/to/catalog.sqlite`, or a PostgreSQL without password."""
    data: str
    """The lake's Parquet files: a folder (on a cluster one that all hosts see) or `s3://bucket/prefix`."""
    python: str
    """Interpreter of the child process that runs a stage."""
    vllm: str | None
    """Interpreter of an environment that has vLLM: it writes the answers of an evaluation then."""
    gpu_executor: str | None
    gpu_queue: str | None
    lm_url: str | None
    """OpenAI-compatible address of the champion as it is served, shown by `status`; nothing is sent there yet."""
    notify_url: str | None
    """Webhook told about block, hold, approval wanted and failure."""
    user_key: str | None = field(repr=False)
    """Key of the user hashes; without it a key file is made in home/keys (mode 0600)."""
    server: Server | None = None
    """The PostgreSQL that holds the catalogue, None where SQLite does."""
    objects: ObjectStore = field(default_factory=ObjectStore)
    """How s3:// addresses are spoken to: AWS_* names and EQUIPOISE_S3_ENDPOINT."""
    sources: tuple[str, ...] = ()
    """s3:// prefixes that logs may be read from (EQUIPOISE_SOURCES, with commas); a bucket that is not named is refused."""
    databases: dict[str, Server] = field(default_factory=dict)
    """Databases that logs may be read from, by the name in EQUIPOISE_SOURCE_<NAME>, in small letters."""
    judge_url: str | None = None
    """OpenAI-compatible address of the judge, up to and with /v1. While it is unset no judge is asked, and no log leaves this machine for one."""
    judge_model: str | None = None
    """The judge's name at that address; part of what its verdicts are kept under."""
    judge_key: str | None = field(default=None, repr=False)
    shards: int = 1
    """Most processes that take in one day's files at once, where a DAG maps them."""

    def inbox_of(self, day: date) -> str:
        """Where a day's logs are: the template with the day put in, else the files of the inbox folder that name the day."""
        if "{day}" in self.inbox:
            return self.inbox.replace("{day}", day.isoformat())
        if self.inbox.startswith("postgres:"):  # a database has no files to choose from: the rows that changed since then
            return self.inbox if "@" in self.inbox else f"{self.inbox}@{day.isoformat()}"
        return self.inbox if any(c in self.inbox for c in "*?[") else f"{self.inbox}/*{day.isoformat()}*"

    @property
    def catalogue(self) -> Path | None:
        """The SQLite file of the catalogue, None where a server holds it."""
        return None if self.server else Path(self.lake.removeprefix("sqlite:") or self.home / "lake" / "catalog.sqlite")

    @property
    def data_folder(self) -> Path | None:
        """The folder of the Parquet files, None where a bucket holds them."""
        return None if "://" in self.data else Path(self.data)


def load() -> Settings:
    """Read the environment. Values that this version cannot serve are refused here, by name."""

    def env(name: str) -> str | None:
        return os.environ.get(f"EQUIPOISE_{name}") or None  # noqa: TID251 - the one place that reads the environment

    home = Path(env("HOME") or "home").expanduser().resolve()
    lake, data, store = env("LAKE") or "sqlite:", env("DATA") or str(home / "lake" / "data"), env("STORE")
    server = addresses.server(lake)
    if not server and not lake.startswith("sqlite:"):
        raise Permanent(
            f"EQUIPOISE_LAKE is {lake.split(':')[0]}:…, a catalogue is kept in sqlite: or postgres:; unset it, or write postgres:dbname=lake host=db.example"
        )
    if store and "://" in store:
        raise Permanent(
            f"EQUIPOISE_STORE is an address ({store.split('://')[0]}://…), this version keeps sealed folders in EQUIPOISE_HOME; unset it"
        )
    if store and Path(store).resolve() != home:
        raise Permanent(f"EQUIPOISE_STORE is {store}, this version keeps sealed folders in EQUIPOISE_HOME ({home}); unset it")
    config = env("CONFIG")
    if env("JUDGE_URL") and not env("JUDGE_MODEL"):
        raise Permanent("EQUIPOISE_JUDGE_URL is set and EQUIPOISE_JUDGE_MODEL is not: name the model that judges, or unset the address")
    return Settings(
        home=home,
        config=Path(config).expanduser().resolve() if config else None,
        inbox=env("INBOX") or str(home / "inbox"),
        model=env("MODEL"),
        lake=str(server or lake),
        data=addresses.folder(data, "DATA") if "://" in data else str(Path(data).expanduser().resolve()),
        python=env("PYTHON") or sys.executable,
        vllm=env("VLLM"),
        gpu_executor=env("GPU_EXECUTOR"),
        gpu_queue=env("GPU_QUEUE"),
        lm_url=env("LM_URL"),
        notify_url=env("NOTIFY_URL"),
        user_key=env("USER_KEY"),
        server=server,
        objects=_objects(),
        sources=tuple(addresses.folder(one.strip(), "SOURCES") for one in (env("SOURCES") or "").split(",") if one.strip()),
        databases=_databases(),
        judge_url=env("JUDGE_URL"),
        judge_model=env("JUDGE_MODEL"),
        judge_key=env("JUDGE_KEY"),
        shards=_count("SHARDS", env("SHARDS") or "1"),
    )


def _databases() -> dict[str, Server]:
    """The sources in PostgreSQL; a string that cannot be read is named by its variable and not shown."""
    found: dict[str, Server] = {}
    for name, value in os.environ.items():  # noqa: TID251
        if name.startswith("EQUIPOISE_SOURCE_") and value:
            try:
                server = addresses.server(value if value.startswith(("postgres:", "postgresql:")) else f"postgres:{value}")
            except Permanent as error:
                raise Permanent(str(error).replace("EQUIPOISE_LAKE", name)) from None
            assert server is not None
            found[name.removeprefix("EQUIPOISE_SOURCE_").lower()] = server
    return found


def _objects() -> ObjectStore:
    """The object store by the names that AWS's own tools read, and ours where they have none."""

    def first(*names: str) -> str | None:
        return next((os.environ[n] for n in names if os.environ.get(n)), None)  # noqa: TID251

    return addresses.object_store(
        key=first("AWS_ACCESS_KEY_ID"),
        secret=first("AWS_SECRET_ACCESS_KEY"),
        token=first("AWS_SESSION_TOKEN"),
        endpoint=first("EQUIPOISE_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        region=first("AWS_REGION", "AWS_DEFAULT_REGION"),
        style=first("EQUIPOISE_S3_URL_STYLE"),
    )


def _count(name: str, value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= MOST_SHARDS:
        raise Permanent(f"EQUIPOISE_{name} is {value}; write a number from 1 to {MOST_SHARDS}")
    return int(value)


def child_environment(**more: str) -> dict[str, str]:
    """This process's environment for a child, with the hub switched off and `more` on top."""
    # Threads that wait asleep: on cores that others use too, spinning ones made training three times slower (measured).
    idle = {"OMP_WAIT_POLICY": "PASSIVE"}
    return idle | dict(os.environ) | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"} | more  # noqa: TID251
