"""Serve a model folder over HTTP for the simulated users, the way a user of the product would: with `transformers serve`."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline import lineage, service
from pipeline.errors import Permanent, Transient
from pipeline.lm import Served
from pipeline.settings import Settings, child_environment

START = "from transformers.cli.transformers import main; main()"
MERGE = "import sys; from pipeline.demo.serve import merge; merge(*sys.argv[1:])"


def whole(settings: Settings, model: str) -> Path:
    """A folder with all the weights of a model: the origin itself, or origin and adapter merged once, in a child process."""
    found = service.model_folder(settings, model)
    if (found / "config.json").exists():
        return found
    merged = lineage.scratch(settings, f"served-{model}") / "merged"
    if not (merged / "config.json").exists():
        subprocess.run([settings.python, "-c", MERGE, model, str(merged)], check=True)
    return merged


def merge(model: str, target: str) -> None:
    """Write origin and adapter as one model; the folder appears whole or not at all."""
    from pipeline import settings as machine
    from pipeline import weights

    settings = machine.load()
    loaded, tokenizer = weights.load(settings, model, "float32")
    draft = Path(f"{target}.{os.getpid()}")
    loaded.merge_and_unload().save_pretrained(draft)
    tokenizer.save_pretrained(draft)
    template = service.origin(settings) / "chat_template.jinja"
    if template.exists():
        shutil.copy(template, draft)
    os.replace(draft, target)


@contextmanager
def serving(folder: Path, settings: Settings, wait_s: float = 180.0) -> Iterator[Served]:
    """Serve on loopback for as long as the block lasts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = settings.home / "demo" / "serve.log"
    words = [
        settings.python,
        "-c",
        START,
        "serve",
        str(folder),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--device",
        "auto",
        "--log-level",
        "error",
    ]
    with log.open("ab") as out:
        child = subprocess.Popen(words, stdout=out, stderr=out, env=child_environment())
        try:
            served = Served(f"http://127.0.0.1:{port}/v1", str(folder))
            start = time.monotonic()
            while not served.ready():
                if child.poll() is not None:
                    raise Permanent(f"`transformers serve {folder}` ended with {child.returncode}; its words are in {log}")
                if time.monotonic() - start > wait_s:
                    raise Transient(f"`transformers serve {folder}` was not ready after {wait_s:.0f} s; see {log}")
                time.sleep(0.3)
            yield served
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
