"""Written answers by vLLM where EQUIPOISE_VLLM names an environment that has it; choices are read by `scorer.py` all the same.

vLLM is faster at writing and slower at reading choices (lm-eval 2418), and pins a torch and a transformers of its own: so it is a child process in
its own environment, with token ids in and token ids out. Prompts are cut and answers are decoded as lm-eval's HFLM does it. Which engine wrote is
part of what must be equal before two models' answers are compared.
"""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pipeline import service, settings, weights
from pipeline.errors import Permanent, Transient
from pipeline.progress import say
from pipeline.settings import Settings

CHILD = Path(__file__).with_name("vllm_child.py")
WINDOW = 8192
"""Tokens of a prompt and its answer: memory for them is set aside beforehand. What is longer is written by transformers."""
SHARE = 0.5
"""Of a GPU's memory: the model that reads choices lives there too."""
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Adapter ranks that vLLM has room for."""
GREEDY = {"until", "do_sample", "temperature", "max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens"}
"""What a benchmark may say of how answers are written and still have them from here."""
QUIET = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # one process: nothing is left when it is killed
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_CPU_KVCACHE_SPACE": "2",  # GiB; half of all memory would be taken otherwise
}
VERSION = "import importlib.metadata as m; print(m.version(m.packages_distributions()['vllm'][0]))"
LAST = 3  # lines of its log that are shown when it ends by itself


@lru_cache
def version(python: str) -> str:
    """vLLM's version in that environment."""
    try:
        done = subprocess.run([python, "-c", VERSION], check=False, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Permanent(f"EQUIPOISE_VLLM is {python}, which does not start ({error}); name a Python that has vLLM, or unset it") from None
    if done.returncode:
        raise Permanent(f"EQUIPOISE_VLLM is {python}, which has no vLLM; install it there (pip install vllm), or unset the variable")
    return done.stdout.strip()


def engine(place: Settings) -> dict[str, str]:
    """What writes answers on this machine, where transformers does not; part of what must be equal before written answers are compared."""
    return {"generation": f"vllm {version(place.vllm)}"} if place.vllm else {}


class Writer:
    """One model in a vLLM of its own, started when the first prompt comes."""

    def __init__(self, place: Settings, model: str, dtype: str, tokenizer: Any):
        assert place.vllm is not None
        self.python, self.model, self.tokenizer = place.vllm, model, tokenizer
        origin, folder = service.origin(place), service.model_folder(place, model)
        self.adapter = folder if folder != origin and weights.is_adapter(folder) else None
        self.folder = origin if self.adapter else folder
        self.dtype = dtype
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        self.child: subprocess.Popen[str] | None = None

    @cached_property
    def longest(self) -> int:
        """Tokens that a prompt and its answer may have together."""
        config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        return min(WINDOW, int(config.get("max_position_embeddings") or WINDOW))

    def engine(self) -> dict[str, Any]:
        found = {
            "model": str(self.folder),
            "dtype": self.dtype,
            "max_model_len": self.longest,
            "gpu_memory_utilization": SHARE,
            "load_format": "safetensors",
            "trust_remote_code": False,
            "enforce_eager": weights.device() == "cpu",  # compiling for a CPU takes longer than an evaluation
            "disable_log_stats": True,
            "seed": 0,
        }
        if self.adapter:
            rank = int(json.loads((self.adapter / "adapter_config.json").read_text(encoding="utf-8"))["r"])
            room = next((r for r in RANKS if r >= rank), None)
            if room is None:
                raise Permanent(f"{self.model} is an adapter of rank {rank}, vLLM has room for {RANKS[-1]}; unset EQUIPOISE_VLLM")
            found |= {"enable_lora": True, "max_lora_rank": room}
        return found

    def started(self) -> "subprocess.Popen[str]":
        """The child, loaded and tried."""
        if self.child is None:
            say(f"{self.model}: starting vLLM {version(self.python)} to write answers")
            self.child = subprocess.Popen(
                [self.python, str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log,
                text=True,
                encoding="utf-8",
                env=settings.child_environment(**QUIET),
            )
            ready = self.tell(self.child, {"engine": self.engine(), "adapter": self.adapter and str(self.adapter)})
            if ready["apart"] == 0:
                self.close()
                raise Permanent(
                    f"vLLM answers as if {self.model} were the origin: its adapter was not applied, or is empty; "
                    "unset EQUIPOISE_VLLM to have its answers written by transformers"
                )
        return self.child

    def tell(self, child: "subprocess.Popen[str]", what: Mapping[str, Any]) -> dict[str, Any]:
        """One line to the child, and the line that it answers."""
        assert child.stdin is not None and child.stdout is not None
        try:
            print(json.dumps(what), file=child.stdin, flush=True)
            line = child.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = child.wait()
            self.log.seek(0)
            last = " | ".join(self.log.read().decode("utf-8", "replace").splitlines()[-LAST:])
            raise Transient(f"vLLM ended by itself (code {code}) while it wrote for {self.model}: {last or 'it said nothing'}")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise Permanent(f"vLLM cannot write for {self.model}: {found['error']}; mend it, or unset EQUIPOISE_VLLM")
        return found

    def takes(self, request: Any) -> bool:
        """Whether a request is plain greedy writing that fits into the window."""
        text, how = request.args
        if how.keys() - GREEDY or how.get("do_sample") or how.get("temperature"):
            return False
        return len(self.encode(text)) + _most(how) <= self.longest

    def encode(self, text: str) -> list[int]:
        """A prompt's tokens; a beginning that the template wrote already is not put before it again."""
        begins = self.tokenizer.bos_token is not None and text.startswith(self.tokenizer.bos_token)
        return self.tokenizer.encode(text, add_special_tokens=not begins)

    def write(self, requests: list[Any]) -> list[str]:
        """Answers to lm-eval's generate_until requests, in their order."""
        from lm_eval.models.utils import handle_stop_sequences, postprocess_generated_text

        eos = self.tokenizer.decode(self.tokenizer.eos_token_id)
        stops = [tuple(handle_stop_sequences(r.args[1].get("until"), eos=eos)) for r in requests]
        answers: dict[int, str] = {}
        for stop in dict.fromkeys(stops):
            mine = [i for i, other in enumerate(stops) if other == stop]
            asked = {
                "prompts": [self.encode(requests[i].args[0]) for i in mine],
                "stop": list(stop),
                "most": [_most(requests[i].args[1]) for i in mine],
            }
            for i, tokens in zip(mine, self.tell(self.started(), asked)["answers"], strict=True):
                text = self.tokenizer.decode(tokens, skip_special_tokens=True)
                answers[i] = postprocess_generated_text(text, list(stop), None)
        return [answers[i] for i in range(len(requests))]

    def close(self) -> None:
        """End the child; it has nothing to put away."""
        child, self.child = self.child, None
        if child is not None:
            child.kill()
            child.communicate()


def _most(how: Mapping[str, Any]) -> int:
    """Tokens of the longest answer, by whichever of its names a benchmark says it; lm-eval's default where it says none."""
    from lm_eval.models.utils import normalize_gen_kwargs

    return int(normalize_gen_kwargs(dict(how))["max_gen_toks"])
