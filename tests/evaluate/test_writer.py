"""Answers written by vLLM: a stand-in that speaks its interface in a child of its own, and the real one where `--vllm` names its Python."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline import lineage, weights
from pipeline.errors import Permanent, Transient
from pipeline.evaluate import again, run, scorer, writer
from pipeline.evaluate.questions import Questions
from pipeline.gate import pairing, scores
from pipeline.recipe import Evaluation, Recipe
from pipeline.settings import Settings
from tests.train import lessons
from tests.train.conftest import at

ENGINE = """
import os
from types import SimpleNamespace as NS

class SamplingParams(NS):
    pass

class LLM:
    def __init__(self, **given):
        self.given = given
        if given["max_model_len"] == 31:
            raise ValueError("no room for this model")

    def get_default_sampling_params(self):
        return SamplingParams(repetition_penalty=1.0)

    def generate(self, prompts, params, use_tqdm, lora_request):
        params = params if isinstance(params, list) else [params] * len(prompts)
        return [self.one(p["prompt_token_ids"], s, lora_request) for p, s in zip(prompts, params)]

    def one(self, tokens, how, adapter):
        if getattr(how, "logprobs", None):
            moved = 0.5 if adapter and "dropped" not in adapter.folder else 0.0
            return NS(outputs=[NS(logprobs=[{7: NS(logprob=-1.0 - moved)}])])
        if tokens[-1] == 9:
            print("the engine's last words", file=__import__("sys").stderr, flush=True)
            os._exit(3)
        print("chatter on stdout")
        return NS(outputs=[NS(token_ids=tokens[-how.max_tokens:])])
"""
LORA = """
class LoRARequest:
    def __init__(self, name, number, folder):
        self.folder = folder
"""


class Words:
    """A tokenizer of single signs."""

    bos_token, eos_token_id = "^", ord("$")

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        return [ord("^")] * add_special_tokens + [ord(sign) for sign in text]

    def decode(self, tokens: list[int] | int, skip_special_tokens: bool = False) -> str:
        signs = "".join(map(chr, tokens if isinstance(tokens, list) else [tokens]))
        return signs.replace("$", "") if skip_special_tokens else signs


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter that has the stand-in."""
    folder = tmp_path_factory.mktemp("vllm")
    (folder / "vllm" / "lora").mkdir(parents=True)
    (folder / "vllm" / "__init__.py").write_text(ENGINE)
    (folder / "vllm" / "lora" / "__init__.py").touch()
    (folder / "vllm" / "lora" / "request.py").write_text(LORA)
    facts = folder / "vllm_standin-9.9.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm-standin\nVersion: 9.9\n")
    (facts / "top_level.txt").write_text("vllm\n")
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nPYTHONPATH={folder} exec {sys.executable} "$@"\n')
    script.chmod(0o755)
    return str(script)


@pytest.fixture
def served(place: Settings, python: str) -> Settings:
    assert place.model is not None
    (Path(place.model) / "config.json").write_text(json.dumps({"max_position_embeddings": 64}))
    return replace(place, vllm=python)


def wanted(text: str, **how: Any) -> Any:
    return SimpleNamespace(args=(text, {"until": ["\n"], "max_gen_toks": 4, **how}))


def test_answers_come_in_the_order_of_the_questions_whatever_ends_them(served: Settings) -> None:
    ours = writer.Writer(served, "origin", "float32", Words())
    asked = [wanted("abcdef"), wanted("ab\ncd", until=["c"]), wanted("tell xy"), wanted("abc$", max_gen_toks=2)]
    assert ours.write(asked) == ["cdef", "b\n", "l xy", "c"]
    ours.close()
    assert ours.child is None


def test_a_prompt_that_begins_with_the_first_token_gets_no_second_one(served: Settings) -> None:
    ours = writer.Writer(served, "origin", "float32", Words())
    assert ours.encode("^a") == [ord("^"), ord("a")] and ours.encode("a") == [ord("^"), ord("a")]


@pytest.mark.parametrize(
    ("request_", "taken"),
    [
        (wanted("a"), True),
        (wanted("a", do_sample=False, temperature=0.0), True),
        (wanted("a", do_sample=True), False),
        (wanted("a", temperature=0.7), False),
        (wanted("a", num_beams=4), False),
        (wanted("a" * 59), True),
        (wanted("a" * 60), False),  # with the first token and four of answer: 65 of 64
    ],
)
def test_only_greedy_writing_that_fits_is_taken(served: Settings, request_: Any, taken: bool) -> None:
    assert writer.Writer(served, "origin", "float32", Words()).takes(request_) is taken


def test_an_adapter_that_the_engine_dropped_is_refused(served: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kept", "dropped"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "adapter_config.json").write_text(json.dumps({"r": 12}))
        monkeypatch.setattr(writer.service, "model_folder", lambda *_, folder=folder: folder)
        ours = writer.Writer(served, f"model-{name}", "float32", Words())
        assert ours.engine()["max_lora_rank"] == 16 and ours.engine()["model"] == served.model
        if name == "dropped":
            with pytest.raises(Permanent, match=r"as if model-dropped were the origin.*unset EQUIPOISE_VLLM"):
                ours.write([wanted("abc")])
            assert ours.child is None
        else:
            assert ours.write([wanted("abc")]) == ["^abc"]
            ours.close()


def test_an_engine_that_cannot_load_says_why_and_one_that_dies_is_worth_another_try(served: Settings) -> None:
    ours = writer.Writer(served, "origin", "float32", Words())
    with pytest.raises(Transient, match=r"code 3.*the engine's last words"):
        ours.write([wanted("ab\t")])
    assert served.model is not None
    (Path(served.model) / "config.json").write_text(json.dumps({"max_position_embeddings": 31}))
    with pytest.raises(Permanent, match="ValueError: no room for this model; mend it, or unset EQUIPOISE_VLLM"):
        writer.Writer(served, "origin", "float32", Words()).write([wanted("abc")])


def test_an_environment_without_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="no vLLM; install it there"):
        writer.version(sys.executable)
    with pytest.raises(Permanent, match="does not start"):
        writer.version(str(tmp_path / "nowhere"))


def test_a_killed_stage_leaves_no_engine(python: str, served: Settings) -> None:
    code = (
        "import sys, time\nfrom pipeline.evaluate.writer import Writer\nfrom pipeline import settings\nfrom tests.evaluate.test_writer import Words\n"
        "ours = Writer(settings.load(), 'origin', 'float32', Words())\nprint(ours.started().pid, flush=True)\ntime.sleep(60)"
    )
    from pipeline.settings import child_environment

    variables = child_environment(EQUIPOISE_HOME=str(served.home), EQUIPOISE_MODEL=str(served.model), EQUIPOISE_VLLM=python)
    root = Path(__file__).parents[2]
    stage = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root, env=variables
    )
    assert stage.stdout is not None
    line = stage.stdout.readline()
    assert line.strip().isdigit(), stage.communicate()[1]
    engine = Path("/proc") / line.strip()
    assert engine.exists()
    stage.send_signal(signal.SIGKILL)
    stage.communicate()
    end = time.monotonic() + 20
    while engine.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not engine.exists()


def test_what_wrote_the_answers_is_part_of_what_is_compared(place: Settings, tiny: Path, mini: Recipe, python: str) -> None:
    plain = replace(place, model=str(tiny))
    served = replace(plain, vllm=python)
    runs = {}
    for settings in (plain, served):
        id = run.run("origin", mini, settings)["id"]
        runs[id] = scores.read(lineage.folder(settings, id), lineage.manifest(settings, id))
    assert len(runs) == 2
    one, other = runs.values()
    assert [d.partition(":")[0] for d in pairing.settings_differ(one, other)] == ["generation differs"]
    words = weights.tokenizer(tiny)
    for row in other.benchmarks["small_echo"].rows:
        end = words.decode(words.encode(row.prompt, add_special_tokens=False)[-6:], skip_special_tokens=True)
        assert row.filter == "flexible" or row.answer == end.partition("\n")[0]  # the stand-in repeats the prompt's end
    # choices are read here, whoever writes
    assert one.benchmarks["small_capitals"].rows == other.benchmarks["small_capitals"].rows


def test_sums_of_adapters_are_all_written_by_transformers(served: Settings) -> None:
    lesson = Evaluation()
    assert again.Arm(served, [], lesson, every=False).writer is None
    questions = Questions(served, "origin", Recipe(evaluation=lesson))
    assert questions.machine["generation"] == "vllm 9.9"
    assert "generation" not in again._machine(questions, False) and "generation" in again._machine(questions, True)


@pytest.mark.slow
def test_the_real_engine_writes_what_transformers_writes(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The origin and an adapter of a tiny model in float32: the same words but for a tie that rounding breaks."""
    real = request.config.getoption("--vllm")
    if not real:
        pytest.skip("--vllm names no Python that has vLLM: it is gigabytes, and pins a torch of its own")
    from pipeline.train import run as train
    from tests import tiny

    plain = at(tmp_path / "home", tiny.make(tmp_path / "tiny", hidden=256))  # heads of 64: the engine's attention knows none of 16
    adapter = train.run(lessons.mix(plain, rows={"sft": lessons.standard()}), Recipe(), plain)["id"]
    lesson = Evaluation(dtype="float32", batch_size=8)
    said = {}
    for model in ("origin", adapter):
        for settings in (plain, replace(plain, vllm=real)):
            answerer = scorer.Answerer(settings, model, lesson)
            prompts = [
                answerer.apply_chat_template([{"role": "user", "content": row["messages"][0]["content"]}]) for row in lessons.standard()
            ]
            requests = [SimpleNamespace(args=(p, {"until": ["\n\n"], "do_sample": False, "max_gen_toks": 24})) for p in prompts]
            said[model, settings.vllm] = answerer.answer("generate_until", requests)
            answerer.close()
    for model in ("origin", adapter):
        same = sum(a == b for a, b in zip(said[model, None], said[model, real], strict=True))
        assert same >= 0.9 * len(said[model, None])
    assert said["origin", real] != said[adapter, real]
