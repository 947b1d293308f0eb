"""init, doctor, anchor and request: what a person types around the loop, and the sentence they get when something is off."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import recipe, service
from pipeline.__main__ import main
from pipeline.commands import anchor, init, request
from pipeline.commands.feasibility import check
from pipeline.errors import BadInput, BadRecipe
from pipeline.settings import Settings


def test_init_writes_samples_that_doctor_finds_good_and_keeps_what_is_yours(
    tmp_path: Path, home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    made = init.run(folder)
    assert len(made["written"]) >= 4 and not made["kept"]
    (folder / "tasks" / "refunds.yaml").write_text("name: refunds\n")
    again = init.run(folder)
    assert not again["written"] and (folder / "tasks" / "refunds.yaml").read_text() == "name: refunds\n"
    mine = replace(home, config=folder)
    assert recipe.load(mine, "mine").tasks == ["refunds"] and recipe.cards(mine, recipe.load(mine, "mine"))


def test_the_sample_inbox_is_a_good_log(tmp_path: Path, home: Settings) -> None:
    from pipeline.ingest.run import run

    init.run(tmp_path / "mine")
    found = run([str(tmp_path / "mine" / "inbox")], recipe.load(home), home)
    assert found["quarantined"] == found["quarantined_events"] == 0 and found["stored"] == 2


def test_init_into_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(BadInput, match="is a file: name a folder"):
        init.run(tmp_path / "x")


def test_doctor_says_what_is_missing_and_exits_65(
    home: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EQUIPOISE_VLLM", sys.executable)
    assert main(["doctor"]) == 65
    said = capsys.readouterr().err
    assert f"bad   vllm: EQUIPOISE_VLLM is {sys.executable}, which has no vLLM; install it there" in said
    assert "bad   model and chat template: no origin model at" in said and "make models" in said


def test_doctor_reads_a_card_of_yours(tmp_path: Path, home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    card = tmp_path / "tasks" / "x.yaml"
    card.parent.mkdir()
    card.write_text("name: x\ncap: 1400\n")
    assert main(["doctor", str(card)]) == 65 and "cap" in capsys.readouterr().err
    card.write_text("name: x\nmatch: {prompt_regex: '('}\n")
    assert main(["doctor", str(card)]) == 65 and "is no regular expression" in capsys.readouterr().err
    card.write_text("name: x\nanswer: {format: json, schema: {type: 7}}\n")
    assert main(["doctor", str(card)]) == 65 and "is no JSON schema" in capsys.readouterr().err
    card.write_text("name: x\ncap: 14\n")
    assert main(["doctor", str(card)]) == 0


def test_a_lesson_that_could_never_say_yes_is_refused_before_anything_runs(home: Settings) -> None:
    daily = recipe.load(home)
    hopeless = daily.model_copy(update={"gate": daily.gate.model_copy(update={"may_hold": False})})
    with pytest.raises(BadRecipe, match="unchanged model"):
        check(hopeless, home)
    assert check(daily, home)["chance"] < 0.5


def test_training_is_refused_on_every_road_where_the_gate_could_never_say_yes(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "hopeless.yaml").write_text("name: hopeless\n")
    monkeypatch.setenv("EQUIPOISE_CONFIG", str(tmp_path))
    assert main(["train", "mix-20261120-00000000", "--recipe", "hopeless"]) == 65
    assert "unchanged model" in capsys.readouterr().err


def test_the_demo_s_margins_fit_its_items(home: Settings) -> None:
    demo = replace(home, config=recipe.SHIPPED / "demo" / "config")
    for name in ("demo", "demo_reckless"):
        assert check(recipe.load(demo, name), demo)["chance"] > 0.9


def test_anchor_moves_the_origin_and_remembers_the_one_before(tiny: Path, home: Settings) -> None:
    with pytest.raises(BadInput, match="is no model folder"):
        anchor.run(home.home, "because", None, home)
    with pytest.raises(BadInput, match="--reason is empty"):
        anchor.run(tiny, " ", None, home)
    first = anchor.run(tiny, "a start", "me", home)
    again = anchor.run(tiny, "the same once more", "me", home)
    assert first["before"] is None and again["before"]["sha"] == first["sha"] and service.origin(home) == tiny.resolve()


def test_names_are_text_in_an_approval_request() -> None:
    row = {"n": 10, "lost": 1, "gained": 0, "drop": 0.1, "interval": [0.0, 0.2], "margin": 0.05, "decision": "hold"}
    verdict = {
        "verdict": "hold",
        "candidate": "model-x",
        "champion": "origin",
        "reasons": ["[click](http://x) <b>now</b>"],
        "abilities": {"a|b\n# c": row},
        "pooled": None,
    }
    said = request.markdown(verdict, "/home/report/index.html")
    assert "[click](" not in said and "<b>" not in said and "\n# c" not in said
    assert r"| a\|b" in said and "+10.0" in said


def test_bad_usage_exits_2_and_json_is_one_object(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ingest"])
    assert ended.value.code == 2
    capsys.readouterr()
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "origin"


@pytest.mark.parametrize(
    ("inbox", "expected"), [("/x", "/x/*2026-11-20*"), ("/x/{day}.jsonl", "/x/2026-11-20.jsonl"), ("/x/*.gz", "/x/*.gz")]
)
def test_the_inbox_of_a_day(inbox: str, expected: str, home: Settings) -> None:
    from datetime import date

    assert replace(home, inbox=inbox).inbox_of(date(2026, 11, 20)) == expected
