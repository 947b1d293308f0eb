"""Evidence that cannot be compared gives no verdict, and says why (gate.md, sections 1 and 11)."""

import pytest

from pipeline.commands.compare import compare
from pipeline.errors import BadInput, Permanent
from tests.gate.outputs import samples, sha, two


def _set(*path, value):
    def change(results):
        place = results
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("bent", "words"),
    [
        (_set("chat_template_sha", value="ab"), "chat template differs: None against ab"),
        (_set("system_instruction_sha", value="ab"), "system prompt differs"),
        (_set("fewshot_as_multiturn", value=True), "few-shot as multi-turn differs"),
        (_set("config", "fewshot_seed", value=7), "few-shot seed differs: 1234 against 7"),
        (_set("config", "model", value="vllm"), "backend differs: hf against vllm"),
        (_set("config", "model_args", value="pretrained=org/model,dtype=bfloat16"), "dtype differs: float32 against bfloat16"),
        (_set("config", "batch_size", value="auto"), "batch size differs: 8 against auto"),
        (_set("config", "gen_kwargs", value={"temperature": 1}), "generation settings differs"),
        (_set("versions", "t", value=2.0), "t: task version differs: 1.0 against 2.0"),
        (_set("n-shot", "t", value=5), "t: few-shot count differs: 0 against 5"),
        (_set("configs", "t", "generation_kwargs", value={"max_gen_toks": 9}), "t: generation settings differs"),
    ],
    ids=["template", "system", "multiturn", "seed", "backend", "dtype", "batch", "generation", "version", "shots", "task generation"],
)  # fmt: skip
def test_unequal_ways_of_running_are_refused_in_words(both, bent, words):
    a, b = two(0, 0, 300)
    with pytest.raises(Permanent, match=words):
        both({"t": a}, {"t": b}, change_b=bent)


def test_spelling_of_equal_settings_is_no_difference(both):
    a, b = two(0, 0, 300)

    def spelled(results):
        results["config"] |= {"model": "huggingface", "batch_size": "8", "model_args": "pretrained=other,dtype=float32"}
        results["fewshot_as_multiturn"] = False

    assert both({"t": a}, {"t": b}, change_b=spelled)["verdict"] == "promote"


def test_one_document_asked_in_two_ways_is_refused(both):
    a, b = two(0, 0, 300)
    b[3]["prompt_hash"] = sha("another prompt")
    with pytest.raises(Permanent, match=r"t: 1 documents were asked with two different prompts"):
        both({"t": a}, {"t": b})


def test_one_document_with_two_right_answers_is_refused(both):
    a, b = two(0, 0, 300)
    b[3]["target_hash"] = sha("no")
    with pytest.raises(Permanent, match=r"t: 1 documents have two different right answers"):
        both({"t": a}, {"t": b})


def test_fewer_than_995_of_a_thousand_pairs_are_refused(both):
    a, b = two(0, 0, 1000)
    found = both({"t": a}, {"t": b[5:]})
    assert (found["verdict"], found["unpaired"]) == ("promote", {"only_a": 5, "only_b": 0})
    with pytest.raises(Permanent, match=r"t: 994 of 1000 items pair \(6 only in A, 0 only in B\)"):
        both({"t": a}, {"t": b[6:]})


def test_refused_evidence_shows_its_figures_by_force_and_holds(both):
    a, b = two(30, 10, 500)
    found = both({"t": a}, {"t": b}, change_b=_set("chat_template_sha", value="ab"), options={"force": True})
    assert found["verdict"] == "hold"
    assert found["abilities"]["t"]["lost"] == 30
    assert found["reasons"][0].startswith("hold: chat template differs")


def test_a_torn_file_is_named_with_its_line(both, tmp_path, home):
    a, b = two(0, 0, 3)
    both({"t": a}, {"t": b})
    path = next((tmp_path / "b" / "org__model").glob("samples_*"))
    path.write_text(path.read_text()[:-20])
    with pytest.raises(BadInput, match=r"samples_t_.*, line 3: no JSON object"):
        compare(str(tmp_path / "a"), str(tmp_path / "b"), home)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="line 1"):
        compare(str(tmp_path / "a"), str(tmp_path / "b"), home)


@pytest.mark.parametrize("text", ["[]", "{}", "{", '{"configs": 3}'], ids=["list", "empty", "torn", "number"])
def test_a_results_file_that_is_none_is_refused(both, tmp_path, home, text):
    both({"t": samples([1])}, {"t": samples([1])})
    next((tmp_path / "b" / "org__model").glob("results_*")).write_text(text)
    with pytest.raises(BadInput, match="no results of lm-eval"):
        compare(str(tmp_path / "a"), str(tmp_path / "b"), home)


def test_results_without_samples_say_how_to_get_them(both, tmp_path, home):
    both({"t": samples([1])}, {"t": samples([1])})
    next((tmp_path / "b" / "org__model").glob("samples_*")).unlink()
    with pytest.raises(BadInput, match="--log_samples"):
        compare(str(tmp_path / "a"), str(tmp_path / "b"), home)


def test_a_folder_that_is_none_is_named(tmp_path, home):
    with pytest.raises(BadInput, match="no such file or folder"):
        compare(str(tmp_path / "nowhere"), str(tmp_path), home)


@pytest.mark.parametrize(
    "bent",
    [_set("config", value=[1]), _set("group_subtasks", value=["a"]), _set("configs", "t", value="x"), _set("higher_is_better", value=3)],
    ids=["config", "groups", "task", "direction"],
)
def test_results_of_another_shape_are_refused_and_never_a_traceback(both, bent):
    with pytest.raises(BadInput, match="not the shape of lm-eval's results"):
        both({"t": samples([1])}, {"t": samples([1])}, change_b=bent)
