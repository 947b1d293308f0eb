"""Run one phase: in this process, or in several that torchrun starts. `python -m pipeline.train.fit PHASE.json` is one of them."""

import json
import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

from pipeline import weights
from pipeline.errors import Permanent, Transient
from pipeline.train import compiled, dpo, kto, methods, resume, sft
from pipeline.train.phase import Phase
from pipeline.train.watch import progress_callback

TRAINERS = {"main": sft.trainer, "key": sft.trainer, "dpo": dpo.trainer, "kto": kto.trainer}


def fit(phase: Phase, processes: int = 1) -> None:
    """Train one phase to its end and leave the weights under `final`; a phase that has them is done."""
    if phase.final.exists():
        return
    if processes > 1 or phase.values["deepspeed"]:
        launch(phase, processes)
        return
    import torch

    try:
        learn(phase)
    except torch.OutOfMemoryError as error:
        size = f"{phase.values['batch_size']} rows of up to {phase.values['max_length']} tokens"
        raise Permanent(
            f"phase {phase.name}: the GPU has no room for {size} ({error}); lower batch_size in the recipe, or name deepspeed: zero3"
        ) from None


def learn(phase: Phase, processes: int = 1) -> None:
    """Train in this process, from the last whole checkpoint where there is one."""
    quiet()
    from transformers import PrinterCallback

    rows = json.loads(phase.rows.read_text(encoding="utf-8"))
    tasks = sorted({r["task"] for r in rows})
    for row in rows:
        row["task_id"] = tasks.index(row["task"])
    words = weights.tokenizer(phase.words)
    trainer = TRAINERS[phase.name](phase, methods.start(phase), words, rows, processes)
    trainer.watch(phase, tasks)
    trainer.remove_callback(PrinterCallback)  # it prints to stdout, which is the id's
    trainer.add_callback(progress_callback()(phase))
    checkpoint = resume.last_checkpoint(phase.folder)
    if trainer.is_world_process_zero():
        resume.cut(phase.losses, (resume.step(checkpoint) or 0) if checkpoint else 0)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    methods.save(trainer, phase.final)
    trainer.accelerator.free_memory()


def quiet() -> None:
    """Keep the libraries' chatter out of the log, and use no more threads than this process has cores."""
    import torch
    import transformers
    from datasets.utils.logging import disable_progress_bar

    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers|trl|torch")
    torch.set_num_threads(min(torch.get_num_threads(), len(os.sched_getaffinity(0))))
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    disable_progress_bar()


def count(wanted: int | None) -> int:
    """How many processes train: what the recipe says, else one a GPU, else one."""
    import torch

    return wanted or max(1, torch.cuda.device_count())


def launch(phase: Phase, processes: int) -> None:
    """Run the phase under torchrun on this machine. Its processes end when this one does."""
    if phase.values["deepspeed"]:
        compiled.unlock(compiled.folder())
    spec = phase.folder / "phase.json"
    spec.write_text(phase.dumps(), encoding="utf-8")
    accelerator = ["DS_ACCELERATOR=cpu"] if weights.device() == "cpu" else []
    threads = max(1, len(os.sched_getaffinity(0)) // processes)
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        str(processes),
        "--master_addr",
        "127.0.0.1",
        "--master_port",
        str(free_port()),
    ]
    command = [
        "env",
        f"OMP_NUM_THREADS={threads}",
        *accelerator,
        *torchrun,
        "-m",
        "pipeline.train.fit",
        str(spec),
        str(processes),
        str(os.getpid()),
    ]
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode:
        raise Transient(
            f"phase {phase.name}: torchrun with {processes} processes ended with {done.returncode}; its words are above. Running the stage again continues from the last checkpoint"
        )
    if not phase.final.exists():
        raise Permanent(f"phase {phase.name}: torchrun ended well but left no weights in {phase.final}; report this with the log above")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_with(stage: int) -> None:
    """Leave when the stage that started us is gone: a killed stage must not leave trainers that write beside its successor."""

    def look() -> None:
        while True:
            try:
                os.kill(stage, 0)
            except ProcessLookupError:
                os._exit(1)
            time.sleep(1)

    threading.Thread(target=look, daemon=True).start()


if __name__ == "__main__":
    end_with(int(sys.argv[3]))
    learn(Phase.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), processes=int(sys.argv[2]))
