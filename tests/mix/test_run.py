"""From sealed pairs to a sealed lesson, with a real tokenizer."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from pipeline import lake, lineage
from pipeline.errors import BadInput, BadRecipe
from pipeline.mix import run as mix
from pipeline.recipe import Mixing, Recipe, Training
from pipeline.settings import Settings
from tests.mix.rows import DAY, dpo, heldout, kto, pool, seal, sft

CARD = """name: {name}
labels: {{"yes": it is, "no": it is not}}
answer: {{format: label}}
key: {key}
"""


@pytest.fixture
def house(home: Settings, tiny: Path, tmp_path: Path) -> Settings:
    """A home with a tiny origin, two task cards and a pool of 40 general rows."""
    tasks = tmp_path / "config" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "intent.yaml").write_text(CARD.format(name="intent", key="true"), encoding="utf-8")
    (tasks / "mood.yaml").write_text(CARD.format(name="mood", key="false"), encoding="utf-8")
    pool(tmp_path / "config" / "recipes" / "small.jsonl", 40)
    return replace(home, model=str(tiny), config=tmp_path / "config")


def lesson(**mixing: object) -> Recipe:
    return Recipe(tasks=["intent", "mood"], mixing=Mixing(general="small.jsonl", **mixing), training=Training(min_dpo_pairs=4, epochs=2))


def day_of_rows(settings: Settings, n: int = 10, day: date = DAY, first: int = 0) -> str:
    rows = [sft(f"{first + i}", "yes" if i % 2 else "no", task="intent" if i < n - 8 else "mood", day=day) for i in range(n)]
    return seal(settings, day, {"sft": rows})


def table(settings: Settings, id: str, name: str) -> list[dict]:
    return pq.read_table(lineage.folder(settings, id) / f"{name}.parquet").to_pylist()


def test_a_lesson_holds_exactly_what_its_counts_say(house: Settings) -> None:
    made = mix.run(day_of_rows(house, 18), lesson(ratio=2), house)
    rows = table(house, made["id"], "sft")
    assert made["tasks"]["intent"]["rows"] == 10 and made["tasks"]["mood"]["rows"] == 8
    assert made["ratio"] | {"pool": 40} == made["ratio"] and made["ratio"]["general"] == 36 and made["ratio"]["reached"] == 2.0
    for task, counted in made["tasks"].items():
        own = [r for r in rows if r["task"] == task]
        phases = Counter(r["phase"] for r in own)
        assert (counted["passes"], counted["main"], counted["key"]) == (len(own), phases["main"], phases["key"])
        assert counted["tokens"] == sum(r["tokens"] for r in own)
        assert counted["trained_passes"] == 2 * phases["main"] + phases["key"]
    assert made["total"]["passes"] == len(rows) == 18 + 36 + 10 + 8 + 40  # main 18 + 36; key pass 10 beside all 8 and all 40
    assert made["key"]["beside"]["mood"] == {"has": 8, "given": 8, "shortfall": 56}


def test_tokens_are_those_of_transformers(house: Settings, tiny: Path) -> None:
    from transformers import AutoTokenizer

    made = mix.run(day_of_rows(house), lesson(ratio=1), house)
    words = AutoTokenizer.from_pretrained(tiny)
    for row in table(house, made["id"], "sft"):
        messages = [{"role": m["role"], "content": m["content"]} for m in row["messages"]]
        whole = words.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
        asked = words.apply_chat_template(messages[:-1], tokenize=True, add_generation_prompt=True, return_dict=True)["input_ids"]
        assert (row["tokens"], row["answer_tokens"]) == (len(whole), len(whole) - len(asked))


def test_main_comes_before_key_and_the_columns_are_the_contract(house: Settings) -> None:
    made = mix.run(day_of_rows(house, 18), lesson(ratio=1), house)
    rows = table(house, made["id"], "sft")
    phases = [r["phase"] for r in rows]
    assert phases == sorted(phases, key=["main", "key"].index) and set(phases) == {"main", "key"}
    assert {r["pass"] for r in rows if r["phase"] == "key"} == {2}
    wanted = ("example_id", "task", "source", "conversation_id", "message_ids", "user_hash", "day", "weight", "evidence", "messages")
    assert list(rows[0])[: len(wanted)] == list(wanted)
    assert set(rows[0]["messages"][0]) == {"role", "content", "name", "tool_call_id", "tool_calls"}
    assert rows[0]["messages"][-1]["role"] == "assistant"


def test_twice_is_once_and_another_home_makes_the_same_bytes(house: Settings, tmp_path: Path) -> None:
    pairs, other = day_of_rows(house), replace(house, home=tmp_path / "other")
    assert day_of_rows(other) == pairs
    first = mix.run(pairs, lesson(), house)
    stamp = (lineage.folder(house, first["id"]) / "manifest.json").stat().st_mtime_ns
    assert mix.run(pairs, lesson(), house) == first == mix.run(pairs, lesson(), other)
    assert (lineage.folder(house, first["id"]) / "manifest.json").stat().st_mtime_ns == stamp
    assert lineage.manifest(house, first["id"])["files"] == lineage.manifest(other, first["id"])["files"]


def test_another_value_of_the_lesson_is_another_lesson(house: Settings) -> None:
    pairs = day_of_rows(house)
    ids = {mix.run(pairs, r, house)["id"] for r in (lesson(), lesson(ratio=1), lesson(replay_rows=3))}
    assert len(ids) == 3
    assert mix.run(pairs, lesson().model_copy(update={"approval": "always"}), house)["id"] in ids, "approval is no part of a lesson"


def test_every_earlier_day_is_a_parent_and_its_rows_are_taught(house: Settings) -> None:
    days = [day_of_rows(house, 18, DAY + timedelta(days=d), first=100 * d) for d in range(3)]
    made = mix.run(days[2], lesson(ratio=0), house)
    assert lineage.manifest(house, made["id"])["parents"] == [days[2], days[1], days[0]]
    assert made["total"]["rows"] == 54 and made["total"]["parts"]["replay"] == made["total"]["passes"] * 2 / 3
    assert {r["pairs"] for r in table(house, made["id"], "sft")} == set(days)
    assert mix.run(days[0], lesson(ratio=0), house)["total"]["rows"] == 18, "later days are no parents"


def test_a_hotfix_enters_the_next_daily_lesson(house: Settings) -> None:
    fix = seal(house, DAY, {"sft": [sft("fix", "yes", source="hotfix", conversation_id=None, user_hash=None)]}, recipe="hotfix")
    made = mix.run(day_of_rows(house, 18, DAY + timedelta(days=1)), lesson(ratio=0), house)
    assert fix in lineage.manifest(house, made["id"])["parents"]
    assert "fix" in {r["example_id"] for r in table(house, made["id"], "sft")}


def test_a_hotfix_lesson_teaches_its_rows_beside_replay_in_one_phase(house: Settings) -> None:
    day_of_rows(house, 40)
    fix = [sft(f"fix{i}", "yes", source="hotfix", conversation_id=None, user_hash=None, day=DAY + timedelta(days=1)) for i in range(3)]
    pairs = seal(house, DAY + timedelta(days=1), {"sft": fix}, recipe="hotfix")
    recipe = lesson(ratio=1, replay_rows=5).model_copy(update={"training": Training(start="champion", method="sft", min_rows=1, epochs=4)})
    made = mix.run(pairs, recipe, house)
    assert made["total"]["parts"] == {"domain": 3, "replay": 10, "general": 13}
    assert made["key"]["tasks"] == [] and made["total"]["key"] == 0
    assert made["dropped"] == {"replay of its task is drawn, not whole": 30}


def test_pairs_enough_make_the_lesson_sft_then_dpo(house: Settings) -> None:
    rows = [sft(f"{i}", "yes") for i in range(8)]
    pairs = [dpo(f"{i}") for i in range(4)]
    made = mix.run(seal(house, DAY, {"sft": rows, "dpo": pairs, "kto": [kto("v", True)]}), lesson(), house)
    assert (made["method"], made["dpo"], made["kto"]) == ("sft+dpo", {"intent": 4}, {})
    assert made["dropped"] == {"no KTO in this lesson: sft+dpo": 1}
    assert table(house, made["id"], "dpo")[0]["chosen"][0]["content"] == "yes"


def test_votes_alone_make_kto_after_a_rehearsal(house: Settings) -> None:
    votes = [kto(f"{i}", i % 2 == 0) for i in range(8)]
    made = mix.run(seal(house, DAY, {"kto": votes}), lesson(), house)
    assert (made["method"], made["kto"]) == ("sft+kto", {"intent": 8})
    assert made["total"]["parts"] == {"general": 64}


def test_too_little_is_a_lesson_of_nothing_that_says_collect_more(house: Settings) -> None:
    made = mix.run(seal(house, DAY, {"sft": [sft("1"), sft("2")]}), lesson(), house)
    plan = yaml.safe_load((lineage.folder(house, made["id"]) / "plan.yaml").read_text(encoding="utf-8"))
    assert made["method"] == plan["method"] == "none" and made["total"]["passes"] == 0
    assert plan["tasks"]["intent"]["why"].startswith("collect more")
    assert made["dropped"] == {"collect more: its task has fewer than 8 rows": 2}


def test_every_dropped_row_stands_in_dropped_with_its_reason(house: Settings) -> None:
    rows = [sft(f"{i}", "yes") for i in range(10)] + [
        sft("held"),
        sft("off", task="weather"),
        sft("other", task="other"),
        sft("long", "word " * 2000),
    ]
    made = mix.run(seal(house, DAY, {"sft": rows, "heldout": [heldout("held")]}), lesson(ratio=0), house)
    dropped = {r["example_id"]: r["reason"] for r in table(house, made["id"], "dropped")}
    assert dropped == {
        "held": "its conversation is held out",
        "off": "its task is not in the recipe",
        "other": "no task card matches it",
        "long": "longer than 1024 tokens",
    }
    assert Counter(dropped.values()) == made["dropped"]


def test_the_plan_states_every_value_with_a_reason(house: Settings) -> None:
    made = mix.run(day_of_rows(house, 18), lesson(), house)
    plan = yaml.safe_load((lineage.folder(house, made["id"]) / "plan.yaml").read_text(encoding="utf-8"))
    names = "method lora_rank lora_alpha lora_dropout target_modules learning_rate key_learning_rate dpo_learning_rate dpo_beta dpo_loss dpo_loss_weights epochs"
    names += " batch_size gradient_accumulation warmup_ratio scheduler max_length loss_type full_finetune deepspeed dtype seed save_steps logging_steps"
    assert set(names.split()) <= set(plan["values"])
    assert all(set(v) == {"value", "why"} and v["why"] for v in plan["values"].values())
    assert plan["values"]["epochs"] == {"value": 2, "why": "the recipe says so"}
    assert [p["phase"] for p in plan["schedule"]] == ["main", "key"]


def test_a_pool_line_that_is_no_chat_names_file_and_line(house: Settings) -> None:
    assert house.config
    (house.config / "recipes" / "small.jsonl").write_text('{"messages": []}\n', encoding="utf-8")
    with pytest.raises(BadRecipe, match=r"small.jsonl line 1 is no chat row"):
        mix.run(day_of_rows(house), lesson(), house)


def test_what_was_taken_back_by_the_time_of_the_logs_is_left_out(house: Settings) -> None:
    """Consent of conversation c-0 and the thumb of user u-1 were withdrawn before the logs were sealed, that of u-2 after."""
    insert = "insert into ingest.conversations (conversation_id, user_hash, consent) values "
    thumb = "insert into ingest.feedback (conversation_id, message_id, user_hash, kind, value, current, created_at, arrived) values "
    with lake.connect(house) as con:
        con.execute(insert + "('c-0', 'u-0', false), ('c-1', 'u-1', true), ('c-2', 'u-2', true)")
        con.execute(
            thumb
            + "('c-1', 'm-1', null, 'thumb', 'up', true, '2026-11-10', 1), ('c-1', 'm-1', null, 'thumb', 'none', true, '2026-11-11', 2)"
        )
        then = lake.snapshot(con)
        con.execute(thumb + "('c-2', 'm-2', null, 'thumb', 'none', true, '2026-11-12', 3)")
    logs = "logs-20261110-0b0b0b0b"
    with lineage.making(house, logs, parents=[], recipe={}) as work:
        assert work
        work.extra["snapshot"] = then
    rows = [sft("0"), *(sft(f"{i}", source="thumb") for i in range(1, 10))]
    made = mix.run(seal(house, DAY, {"sft": rows}, logs=logs), lesson(ratio=0), house)
    dropped = {r["example_id"]: r["reason"] for r in table(house, made["id"], "dropped")}
    assert dropped == {"0": "its user took consent back", "1": "its user took the vote back"}


def test_a_wrong_kind_of_id_is_refused(house: Settings) -> None:
    with pytest.raises(BadInput, match="takes a pairs-"):
        mix.run("logs-20261110-00000000", lesson(), house)


def test_mix_needs_no_torch(house: Settings) -> None:
    import subprocess
    import sys

    pairs = day_of_rows(house)
    code = (
        "import sys; from pathlib import Path; from pipeline import recipe, settings; from pipeline.mix import run\n"
        f"run.run({pairs!r}, recipe.Recipe.model_validate_json({json.dumps(lesson().model_dump_json())}), settings.load())\n"
        "print([m for m in ('torch', 'transformers', 'trl', 'datasets') if m in sys.modules])"
    )
    env = {
        "EQUIPOISE_HOME": str(house.home),
        "EQUIPOISE_CONFIG": str(house.config),
        "EQUIPOISE_MODEL": str(house.model),
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
