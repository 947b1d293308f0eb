"""The task files, run by lm-eval itself with models that are no models: one that knows all answers, one that knows none."""

import json
from pathlib import Path

import pytest
import yaml

from pipeline import recipe, settings

pytest.importorskip("lm_eval", reason="lm-eval is in the eval extra")

EVALS = Path(__file__).resolve().parents[2] / "evals"


def template(messages, add_generation_prompt=True):
    """A chat template as plain as can be, with the marks of SmolLM2; an open last turn when no prompt is wanted."""
    text = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
    return text + "<|im_start|>assistant\n" if add_generation_prompt else text.removesuffix("<|im_end|>\n")


def stand_in(choose, write):
    """An lm-eval model made of two functions: of (context, continuation) -> log-likelihood and of context -> text."""
    from lm_eval.api.model import LM

    class StandIn(LM):
        tokenizer_name = "stand-in"

        def chat_template(self, chat_template=False):
            return "plain"

        def apply_chat_template(self, history, add_generation_prompt=True):
            return template(history, add_generation_prompt)

        def loglikelihood(self, requests, disable_tqdm=False):
            return [(choose(*r.args, r.doc), False) for r in requests]

        def generate_until(self, requests, disable_tqdm=False):
            return [write(r.args[0], r.doc) for r in requests]

        def loglikelihood_rolling(self, requests, disable_tqdm=False):
            raise NotImplementedError

    return StandIn()


@pytest.fixture(scope="module")
def suite():
    return recipe.suite(settings.load(), "starter")[0]


@pytest.fixture(scope="module")
def tasks(suite):
    """Each test asks the same loaded tasks; lm-eval builds its requests anew each time."""
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(EVALS / "starter"), include_defaults=False)
    return manager.load([t for a in suite.abilities.values() for t in a.tasks])["tasks"]


def asked(lm, tasks):
    from lm_eval.evaluator import evaluate

    return evaluate(
        lm, {"tasks": tasks, "groups": {}, "group_map": {}}, bootstrap_iters=0, apply_chat_template=True, fewshot_as_multiturn=True
    )


def scores(found, suite):
    return {name: found["results"][a.tasks[0]][f"{a.metric},none"] for name, a in suite.abilities.items()}


def right(context, continuation, doc):
    return 0.0 if continuation.strip() == doc["choices"][doc["gold"]] else -1.0


@pytest.fixture(scope="module")
def perfect(tasks):
    return asked(stand_in(right, lambda context, doc: doc["answer"]), tasks)


def test_the_reference_answers_score_one_everywhere(perfect, suite):
    assert scores(perfect, suite) == dict.fromkeys(suite.abilities, 1.0)


def test_a_model_that_always_says_the_same_is_at_chance_or_below(tasks, suite):
    found = scores(asked(stand_in(lambda *_: 0.0, lambda *_: "I am sorry, but I cannot help you with this."), tasks), suite)
    for name, ability in suite.abilities.items():
        chance = 1 / 3 if ability.metric == "acc" else 0.0
        assert found[name] <= chance + 0.17, (name, found[name])
    assert found["knowledge"] == pytest.approx(1 / 3)
    assert found["json_format"] == 0.0


def test_a_model_that_answers_everything_with_json_loses_the_instructions(tasks, suite):
    """The see-saw that the house exists for: perfect JSON everywhere must cost the instruction rules nearly everything."""
    found = scores(asked(stand_in(lambda *_: 0.0, lambda *_: '{"name": "Anna", "age": 31}'), tasks), suite)
    assert found["instructions"] < 0.1


def test_prompts_go_through_the_chat_template_with_the_answer_left_open(perfect):
    first = {
        name: rows[0]["arguments"]["gen_args_0"] if isinstance(rows[0]["arguments"], dict) else rows[0]["arguments"][0]
        for name, rows in perfect["samples"].items()
    }
    text = {name: (a["arg_0"] if isinstance(a, dict) else a[0]) for name, a in first.items()}
    assert text["starter_knowledge"].endswith("<|im_start|>assistant\nThe capital of France is")
    assert text["starter_json_format"].endswith('<|im_start|>assistant\n{"name":')
    assert text["starter_kept"].count("<|im_start|>user") == 2
    assert text["starter_kept"].count("<|im_start|>assistant") == 2


def test_every_ability_declares_how_many_items_it_holds_and_where_they_hang_together(tasks, suite):
    assert len([a for a in suite.abilities.values() if a.kind == "suite"]) >= 6
    for name, ability in suite.abilities.items():
        task = tasks[ability.tasks[0]]
        assert ability.n == len(task.eval_docs), name
        assert ability.cluster in task.eval_docs.features


def test_generation_is_short_enough_for_a_cpu():
    for path in (EVALS / "starter").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if "max_gen_toks" in text:
            most = int(text.split("max_gen_toks: ")[1].split("}")[0])
            assert most <= (48 if path.stem in ("writing", "kept") else 16), path


@pytest.mark.parametrize("path", sorted((EVALS / "suites").glob("*.yaml")), ids=lambda p: p.stem)
def test_a_suite_file_says_what_it_is_and_parses(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ") and "equipoise" in text
    found, where = recipe.suite(settings.load(), path.stem)
    assert found.name == path.stem and where == path
    if found.include:
        named = {yaml.unsafe_load(p.read_text().replace("!function ", ""))["task"] for p in (path.parent / found.include).glob("*.yaml")}
        assert {t for a in found.abilities.values() for t in a.tasks} <= named


def test_hub_names_are_lm_evals_own():
    import lm_eval.tasks

    files = [
        p.read_text(encoding="utf-8")
        for name in ("arc", "hellaswag", "winogrande", "mmlu/default", "cmmlu", "truthfulqa", "gsm8k", "ifeval")
        for p in (Path(lm_eval.tasks.__file__).parent / name).glob("*.yaml")
    ]
    own = {line.split(":", 1)[1].strip() for text in files for line in text.splitlines() if line.startswith(("task:", "group:"))}
    hub = recipe.suite(settings.load(), "hub")[0]
    assert {t for a in hub.abilities.values() for t in a.tasks} <= own


@pytest.mark.parametrize("name", ["real", "real_long"])
def test_the_published_items_load_and_their_references_score_one(name):
    from lm_eval.tasks import TaskManager

    found, path = recipe.suite(settings.load(), name)
    folder = (path.parent / found.data_dir).resolve()
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: the published items are not part of the project")
    names = [t for a in found.abilities.values() for t in a.tasks if t != "real_ifeval"]
    tasks = TaskManager(include_path=str(path.parent / found.include), include_defaults=False, metadata={"data_dir": str(folder)}).load(
        names
    )["tasks"]
    for ability in found.abilities.values():
        for task in (tasks[t] for t in ability.tasks if t in tasks):
            assert len(task.eval_docs) >= 200
            assert ability.cluster is None or ability.cluster in task.eval_docs.features

    def choose(context, continuation, doc):
        if (
            "_" in doc["question"]
            and "answer" not in doc
            and "choices" in doc
            and len(doc["choices"]) == 2
            and continuation.strip() not in doc["choices"]
        ):
            return 0.0 if context.endswith(doc["choices"][doc["gold"]]) else -1.0  # WinoGrande: the context differs
        letters = continuation.strip() in "ABCD" and len(doc["choices"]) == 4 and continuation.strip() not in doc["choices"]
        return 0.0 if continuation.strip() == ("ABCD"[doc["gold"]] if letters else doc["choices"][doc["gold"]].strip()) else -1.0

    from lm_eval.evaluator import evaluate

    got = evaluate(
        stand_in(choose, lambda context, doc: " " + doc["answer"]),
        {"tasks": tasks, "groups": {}, "group_map": {}},
        samples={t: list(range(30)) for t in tasks},
        bootstrap_iters=0,
        apply_chat_template=found.chat_template,
    )
    for ability in found.abilities.values():
        for task in ability.tasks:
            if task in tasks:
                assert got["results"][task][f"{ability.metric},{ability.filter or next(iter(tasks[task]._filters)).name}"] == 1.0, task


def test_a_folder_without_the_items_is_named(tmp_path):
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(EVALS / "real"), include_defaults=False, metadata={"data_dir": str(tmp_path)})
    with pytest.raises(FileNotFoundError, match=r"arc_easy\.jsonl into the suite's data_dir"):
        manager.load(["real_arc_easy"])


def test_items_stay_readable_json_lines():
    for path in (EVALS / "starter").glob("*.jsonl"):
        assert all(isinstance(json.loads(line), dict) for line in path.read_text(encoding="utf-8").splitlines())
