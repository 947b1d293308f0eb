"""Losses of rows are the model's own, sealed once; a lesson is chosen by them and says by which."""

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import lineage
from pipeline.errors import BadInput
from pipeline.evaluate import run as evaluate
from pipeline.gate import run as gate
from pipeline.mix import necessity
from pipeline.mix import run as mix
from pipeline.recipe import Mixing, Recipe, Training
from pipeline.settings import Settings
from tests.mix.rows import DAY, dpo, pool, seal, sft

CARD = "name: intent\ncap: {cap}\nquotas: {{boundary: 0.3, hard: 0.3, easy: 0.4}}\n"
LESSON = Recipe(tasks=["intent"], mixing=Mixing(general="small.jsonl", ratio=1), training=Training(min_dpo_pairs=2))


def house(home: Settings, tiny: Path, tmp_path: Path, cap: int = 4) -> Settings:
    (tmp_path / "config" / "tasks").mkdir(parents=True)
    (tmp_path / "config" / "tasks" / "intent.yaml").write_text(CARD.format(cap=cap), encoding="utf-8")
    pool(tmp_path / "config" / "recipes" / "small.jsonl", 20)
    return replace(home, model=str(tiny), config=tmp_path / "config")


def rows(settings: Settings, id: str) -> list[dict]:
    import pyarrow.parquet as pq

    return pq.read_table(lineage.folder(settings, id) / "rows.parquet").to_pylist()


def by_transformers(tiny: Path, messages: list[dict]) -> float:
    """Mean loss of the last answer and its end token, one row at a time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, words = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval(), AutoTokenizer.from_pretrained(tiny)
    plain = [{"role": m["role"], "content": m["content"]} for m in messages]
    whole = words.apply_chat_template(plain, tokenize=False).rstrip("\n")
    asked = words.apply_chat_template(plain[:-1], tokenize=False, add_generation_prompt=True)
    head = words(asked, add_special_tokens=False)["input_ids"]
    tail = words(whole[len(asked) :], add_special_tokens=False)["input_ids"]
    ids = torch.tensor([head + tail])
    labels = ids.clone()
    labels[0, : len(head)] = -100
    with torch.inference_mode():
        return float(model(input_ids=ids, labels=labels).loss)


def test_losses_are_those_of_transformers_with_the_question_and_without(home: Settings, tiny: Path, tmp_path: Path) -> None:
    here = house(home, tiny, tmp_path)
    taught = [sft("a", "yes", "Is the sky blue?"), sft("b", "no, it is grey today", "Is it?")]
    pairs = seal(here, DAY, {"sft": taught, "dpo": [dpo("c", "yes", "no")]})
    found = evaluate.run(pairs, LESSON, here, rows=pairs)
    table = rows(here, found["id"])
    assert Counter(r["who"] for r in table) == {"champion": 3, "origin": 3} and found["unmeasured"] == 0
    mine = {r["example_id"]: r for r in table if r["who"] == "champion"}
    for row in taught:
        silent = [row["messages"][0] | {"content": ""}, row["messages"][1]]
        with_question, alone = by_transformers(tiny, row["messages"]), by_transformers(tiny, silent)
        got = mine[row["example_id"]]
        assert got["loss"] == pytest.approx(with_question, abs=1e-4) and got["alone"] == pytest.approx(alone, abs=1e-4)
        assert got["ifd"] == pytest.approx(with_question / alone, abs=1e-4) and got["rejected"] is None
    pair = dpo("c", "yes", "no")
    assert mine["c"]["rejected"] == pytest.approx(by_transformers(tiny, [*pair["prompt"], *pair["rejected"]]), abs=1e-4)
    assert evaluate.run(pairs, LESSON, here, rows=pairs)["id"] == found["id"]


def test_a_row_longer_than_the_model_reads_is_left_unmeasured(home: Settings, tiny: Path, tmp_path: Path) -> None:
    here = house(home, tiny, tmp_path)
    pairs = seal(here, DAY, {"sft": [sft("long", "word " * 20000), sft("short")]})
    found = evaluate.run(pairs, LESSON, here, rows=pairs)
    assert found["unmeasured"] == 1
    assert {r["example_id"]: r["loss"] is None for r in rows(here, found["id"])} == {"long": True, "short": False}


def test_a_lesson_is_chosen_by_the_newest_losses_and_names_them(home: Settings, tiny: Path, tmp_path: Path) -> None:
    here = house(home, tiny, tmp_path)
    pairs = seal(here, DAY, {"sft": [sft(f"r{n}", "yes" * (n + 1)) for n in range(12)]})
    unmeasured = mix.run(pairs, LESSON, here)["id"]
    scores = evaluate.run(pairs, LESSON, here, rows=pairs)["id"]
    measured = mix.run(pairs, LESSON, here)["id"]
    assert measured != unmeasured and lineage.manifest(here, measured)["measured"] == [scores]
    assert lineage.manifest(here, unmeasured)["measured"] == []
    assert mix.run(pairs, LESSON, here)["id"] == measured
    with pytest.raises(BadInput, match="no answers to benchmarks"):
        gate.run(scores, LESSON, here)


def test_difficulty_is_the_chance_of_the_right_token_and_what_went_astray_comes_last() -> None:
    def row(loss: float, ifd: float = 0.5, rejected: float | None = None) -> dict:
        return {"loss": loss, "ifd": ifd, "rejected": rejected}

    assert [necessity.difficulty(row(-math.log(p))) for p in (0.95, 0.9, 0.6, 0.5, 0.49)] == [
        "easy",
        "easy",
        "boundary",
        "boundary",
        "hard",
    ]
    assert necessity.hardness(row(2.0)) == 2.0 and necessity.hardness(row(9.0)) == 3.0
    assert necessity.hardness(row(2.0, ifd=1.2)) < necessity.hardness(row(0.01))
    assert necessity.hardness(row(1.0, rejected=0.4)) == pytest.approx(1.6) and necessity.hardness(row(1.0, rejected=2.0)) == 1.0
    assert necessity.judged({"example_id": "x"}, {}) == {"example_id": "x"}


def test_a_row_whose_fact_the_origin_lacks_is_flagged_and_kept_out_and_a_hotfix_is_not() -> None:
    from pipeline.mix import candidates

    figures = {"loss": 1.0, "ifd": 0.5, "rejected": None}
    known = {id: figures | {"knows": knows} for id, knows in (("lacks", 0.25), ("knows", 0.5), ("no fact", None), ("fix", 0.0))}
    rows = [necessity.judged(sft(id, source="hotfix" if id == "fix" else "edit"), known) for id in known]
    assert [r["example_id"] for r in rows if "knowledge_lacking" in r["evidence"]] == ["lacks", "fix"]
    dropped: candidates.Dropped = []
    assert [r["example_id"] for r in candidates.known("sft", rows, "drop", dropped)] == ["knows", "no fact", "fix"]
    assert [(row["example_id"], reason.split(":")[0]) for _, row, reason in dropped] == [("lacks", "knowledge_lacking")]
    assert candidates.known("sft", rows, "keep", dropped) == rows
