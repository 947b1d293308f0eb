"""Names for the things we make: an id says what it is, when, and from what; a manifest written last seals its folder."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipeline import STAGES, postgres
from pipeline.errors import BadInput, Permanent, Transient
from pipeline.progress import say
from pipeline.settings import Settings

SHAPE = re.compile(rf"^({'|'.join(STAGES.values())})-(\d{{8}})-([0-9a-f]{{8}})$")
PACKAGES = ("duckdb", "torch", "transformers", "peft", "trl", "deepspeed", "lm_eval", "apache-airflow")
LOCK_WAIT_S = 6 * 3600  # a training run of hours may hold the lock that its twin waits for
FIRST_LOOK_S, LONGEST_LOOK_S = 0.01, 0.2  # between two tries: shards wait for milliseconds, a twin of a training run for hours


def name(kind: str, day: date, *inputs: object) -> str:
    """Name an artefact after its inputs.

    An input must survive plain JSON: a value whose text changes from run to run raises here rather than forking the name.
    """
    canonical = json.dumps(inputs, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{kind}-{day:%Y%m%d}-{hashlib.sha256(canonical.encode()).hexdigest()[:8]}"


def kind_of(id: str) -> str:
    """The kind in an id; ids come from outside, so their shape is checked before they become a path."""
    match = SHAPE.match(id)
    if not match:
        raise BadInput(f"{id!r} is no id: expected <kind>-<yyyymmdd>-<hash8> with a kind of {', '.join(STAGES.values())}")
    return match.group(1)


def day_of(id: str) -> date:
    kind_of(id)
    return datetime.strptime(id.split("-")[1], "%Y%m%d").date()


def folder(settings: Settings, id: str) -> Path:
    return settings.home / kind_of(id) / id


def sealed(settings: Settings, id: str) -> bool:
    return (folder(settings, id) / "manifest.json").exists()


def manifest(settings: Settings, id: str) -> dict[str, Any]:
    """The sealed facts of an artefact."""
    path = folder(settings, id) / "manifest.json"
    if not path.exists():
        raise Permanent(f"{id} is not sealed in {settings.home}: run the stage that makes it, or check EQUIPOISE_HOME")
    return json.loads(path.read_text(encoding="utf-8"))


def require(settings: Settings, id: str, kind: str) -> dict[str, Any]:
    """The manifest of a parent, after its kind and the sums of its files have been checked."""
    if kind_of(id) != kind:
        raise BadInput(f"{id} is of kind {kind_of(id)}; this stage takes a {kind}-… id")
    found = manifest(settings, id)
    for relative, digest in found["files"].items():
        path = folder(settings, id) / relative
        if not path.is_file() or sha256(path) != digest:
            raise Permanent(
                f"{id}: {relative} is not what was sealed; restore the folder from a copy, or delete it and run its stage again"
            )
    return found


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: object) -> None:
    """Write whole or not at all: a temporary neighbour, flushed to disk, then renamed."""
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False, default=str)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


@contextlib.contextmanager
def lock(settings: Settings, what: str, shared: bool = False) -> Iterator[None]:
    """Only one process works under this name at a time, on this host and, with a lake on PostgreSQL, on all of them.

    The kernel frees it when the process dies, the server when the connection does. shared: beside others that share it, and
    never beside one that has it alone.
    """
    path = settings.home / "locks" / f"{what}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with path.open("w") as file:
        start, pause, told = time.monotonic(), FIRST_LOOK_S, False
        while True:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waited = time.monotonic() - start
                if waited > LOCK_WAIT_S:
                    raise Transient(f"{what} has been locked by another process for {LOCK_WAIT_S} s; try again when it ends") from None
                if waited > 1 and not told:
                    say(f"{what}: waiting for another process that makes it")
                    told = True
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_LOOK_S)
        with postgres.lock(settings.server, what, LOCK_WAIT_S, shared) if settings.server else contextlib.nullcontext():
            yield


@contextlib.contextmanager
def taken(settings: Settings, what: str) -> Iterator[bool]:
    """Hold this name if nobody does: says whether it is ours, and waits for nobody."""
    path = settings.home / "locks" / f"{what}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        with postgres.taken(settings.server, what) if settings.server else contextlib.nullcontext(True) as ours:
            yield ours


@dataclass
class Making:
    """An artefact on its way: fill the folder, count what went in, and it is sealed on leaving."""

    folder: Path
    counts: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def making(settings: Settings, id: str, *, parents: list[str], recipe: dict, seeds: dict | None = None) -> Iterator[Making | None]:
    """Make one artefact exactly once; yields None when it is sealed already.

    A left-over of a killed run is wiped first. The manifest is written last, by rename: without it nothing was made.
    """
    with lock(settings, id):
        if sealed(settings, id):
            yield None
            return
        path = folder(settings, id)
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        work = Making(path)
        started = datetime.now(UTC)
        yield work
        files = {str(p.relative_to(path)): sha256(p) for p in sorted(path.rglob("*")) if p.is_file()}
        facts = {
            "id": id,
            "kind": kind_of(id),
            "day": day_of(id).isoformat(),
            "parents": parents,
            "recipe": recipe,
            "seeds": seeds or {},
            "versions": versions(),
            "git": git_sha(),
            "counts": work.counts,
            "files": files,
            "started": started.isoformat(),
            "finished": datetime.now(UTC).isoformat(),
        }
        write_json(path / "manifest.json", facts | work.extra)


def lasted(manifest: dict[str, Any]) -> float:
    """Seconds that making an artefact took."""
    return (datetime.fromisoformat(manifest["finished"]) - datetime.fromisoformat(manifest["started"])).total_seconds()


def versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def git_sha() -> str | None:
    """The commit of the code that ran, or None where it is installed without its repository."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def all_of(settings: Settings, kind: str) -> list[dict[str, Any]]:
    """Manifests of every sealed artefact of one kind, in the order of their ids."""
    return [json.loads(p.read_text(encoding="utf-8")) for p in sorted((settings.home / kind).glob(f"{kind}-*/manifest.json"))]


def ancestors(settings: Settings, id: str) -> list[str]:
    """Every sealed id that this one was made from, nearest first."""
    seen: list[str] = []
    queue = [id]
    while queue:
        for parent in manifest(settings, queue.pop(0))["parents"]:
            if parent not in seen and SHAPE.match(parent) and sealed(settings, parent):
                seen.append(parent)
                queue.append(parent)
    return seen


def lesson(settings: Settings, id: str) -> str | None:
    """The mix that a model was taught with, by the model's id or its scores'; None where there is none.

    A thing's own line stands first among its parents; what it continues, or is laid on, stands after it.
    """
    while kind_of(id) != "mix":
        own = next((p for p in manifest(settings, id)["parents"] if SHAPE.match(p) and sealed(settings, p)), None)
        if own is None:
            return None
        id = own
    return id


def taught(settings: Settings, mix: str) -> list[str]:
    """The pairs that a mix was made from, the day's own first; a slice was made from those of the mix that it is cut from."""
    parents: list[str] = manifest(settings, mix)["parents"]
    while parents and parents[0].startswith("mix-"):
        parents = manifest(settings, parents[0])["parents"]
    return parents


def descendants(settings: Settings, id: str) -> list[str]:
    """Every sealed id that was made from this one, nearest kind first."""
    everything = [m for kind in STAGES.values() for m in all_of(settings, kind)]
    seen = [id]
    grew = True
    while grew:
        new = [m["id"] for m in everything if m["id"] not in seen and set(m["parents"]) & set(seen)]
        grew = bool(new)
        seen += new
    return seen[1:]


def scratch(settings: Settings, id: str) -> Path:
    """The stage's own folder for what it needs to resume; private to this user, and never part of an artefact."""
    path = settings.home / "work" / id
    path.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    path.chmod(0o700)
    return path
