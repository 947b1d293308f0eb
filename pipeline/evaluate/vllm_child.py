"""Greedy answers by vLLM, in vLLM's own environment: started by `writer.py` as a script, so it imports nothing of this project.

One JSON object a line. In: {"engine": …, "adapter": folder or null}, then {"prompts": [[token, …], …], "stop": […], "most": [n, …]} as often as
wanted; out: {"ready": true, "apart": …}, then {"answers": [[token, …], …]}, or {"error": words} once. The end of the input ends it.
"""

import json
import os
import sys
from typing import Any


def main() -> int:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the engine and its libraries print as they like; what they print is a log
    told = json.loads(sys.stdin.readline())
    try:
        from vllm import LLM

        engine = LLM(**told["engine"])
        adapter = lora(told["adapter"])
        say(out, {"ready": True, "apart": apart(engine, adapter) if adapter else None})
        for line in sys.stdin:
            asked = json.loads(line)
            found = engine.generate(prompts(asked["prompts"]), params(engine, asked), use_tqdm=False, lora_request=adapter)
            say(out, {"answers": [list(f.outputs[0].token_ids) for f in found]})
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent says it in one sentence
        say(out, {"error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


def say(out: Any, what: dict[str, Any]) -> None:
    print(json.dumps(what), file=out, flush=True)


def lora(folder: str | None) -> Any:
    if folder is None:
        return None
    from vllm.lora.request import LoRARequest

    return LoRARequest("candidate", 1, folder)


def prompts(tokens: list[list[int]]) -> list[dict[str, list[int]]]:
    return [{"prompt_token_ids": t} for t in tokens]


def params(engine: Any, asked: dict[str, Any]) -> list[Any]:
    """What transformers does when it is greedy: the model's own penalty for repeating itself, and nothing else of its sampling."""
    from vllm import SamplingParams

    penalty = engine.get_default_sampling_params().repetition_penalty
    common = {"temperature": 0.0, "stop": asked["stop"], "skip_special_tokens": False, "repetition_penalty": penalty}
    return [SamplingParams(max_tokens=most, **common) for most in asked["most"]]


def apart(engine: Any, adapter: Any) -> float:
    """How far the adapter moves the log-probabilities behind a fixed prompt: 0 where the engine dropped it without a word (vllm 2432)."""
    from vllm import SamplingParams

    first = SamplingParams(temperature=0.0, max_tokens=1, logprobs=5)
    found = []
    for request in (adapter, None):
        answer = engine.generate(prompts([list(range(10, 42))]), first, use_tqdm=False, lora_request=request)
        found.append({token: p.logprob for token, p in answer[0].outputs[0].logprobs[0].items()})
    both = found[0].keys() & found[1].keys()
    return max((abs(found[0][t] - found[1][t]) for t in both), default=1.0)


if __name__ == "__main__":
    sys.exit(main())
